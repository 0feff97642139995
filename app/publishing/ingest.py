"""Publishing a document: one transaction makes one revision, or nothing happens."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, insert, or_, select, update
from sqlmodel import SQLModel

from app import encoded
from app.database import Database
from app.errors import Fault, NotFound, nearest
from app.publishing.audit import record
from app.publishing.document import Document
from app.publishing.index import reindex
from app.publishing.known import Known, KnownEntity, KnownIndicator
from app.publishing.parse import parse
from app.publishing.rows import Names, Row, derived, entity_row, fact_rows, indicator_row, source_row
from app.publishing.tokens import LOCAL
from app.publishing.yaml import load
from app.resources import ALL
from app.resources.observations import OBSERVATIONS
from app.resources.revisions import Action

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, SOURCE, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "source", "entity", "indicator"))
FACTS: dict[str, Table] = {
    table: TABLES[table] for resource in ALL if resource.versioned for table in [str(resource.row.__tablename__)]
}
BATCH = 500
"""Facts that are looked up at once."""
DERIVED = ("subject_kind", "region", "statement_en", "statement_zh")
"""Columns that repeat what others say: a change of these is none of the fact."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many facts a publication added, gave a new version, and ended."""

    added: int = 0
    changed: int = 0
    retracted: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.added + other.added, self.changed + other.changed, self.retracted + other.retracted)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a publication or a retraction did.

    ``revision`` is the one it made or, where ``new`` is false, the one that had been made.
    """

    source: str
    revision: int
    action: Action
    new: bool
    published_at: str
    document_sha256: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class Last:
    """The last revision of a source, with the bytes of its document; those of a retraction are empty."""

    revision: int
    action: Action
    published_at: str
    sha256: str
    document: bytes

    def says(self, content: bytes) -> bool:
        """Whether its document has this content, however it is written."""
        if self.action != "published":
            return False
        return self.sha256 == hashlib.sha256(content).hexdigest() or load(self.document).data == load(content).data

    def receipt(self, source: str) -> Receipt:
        """The receipt of what changed nothing."""
        return Receipt(source, self.revision, self.action, new=False, published_at=self.published_at,
                       document_sha256=self.sha256, changes=Changes())  # fmt: skip


def publish(database: Database, content: bytes, *, only_missing: bool = False) -> Receipt:
    """Publish the document ``content`` (YAML or JSON), as a command beside the database may.

    The same content as the source's last one makes no new revision; nor, with ``only_missing``, does a source that is there.

    Raises:
        DocumentFaulty: with every fault; then nothing was stored.
    """
    with database.write() as connection:
        document = parse(content, known(connection))
        last = last_revision(connection, document.source.id)
        if last is not None and (only_missing or last.says(content)):
            return last.receipt(document.source.id)
        receipt = revise(connection, document, content)
        record(connection, LOCAL, "publish", receipt.source, "done", receipt.revision)
        return receipt


def last_revision(connection: Connection, source: str) -> Last | None:
    """The last revision of a source; None where it was never published."""
    columns = (REVISION.c.id, REVISION.c.action, REVISION.c.published_at, REVISION.c.document_sha256, REVISION.c.document)
    found = select(*columns).where(REVISION.c.source == source).order_by(REVISION.c.id.desc()).limit(1)
    row = connection.execute(found).first()
    return None if row is None else Last(row.id, row.action, _text(row.published_at), row.document_sha256, row.document)


def known(connection: Connection) -> Known:
    """What the documents published so far declare."""
    entities = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source))
    indicators = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source))
    return Known(
        {row.id: KnownEntity(row.kind, row.source) for row in entities},
        {row.id: KnownIndicator(row.unit, row.source) for row in indicators},
    )


def document_of(connection: Connection, revision: int) -> bytes:
    """The bytes that were published in a revision that there is."""
    content: bytes = connection.execute(select(REVISION.c.document).where(REVISION.c.id == revision)).scalar_one()
    return content


def revise(connection: Connection, document: Document, content: bytes) -> Receipt:
    """Make a revision of a document: its facts become the current ones of its source."""
    source = document.source.id
    receipt = _begin(connection, source, "published", content)
    revision = receipt.revision
    _declare(connection, SOURCE, "id", source, revision, [source_row(document.source)])
    _declare(connection, INDICATOR, "source", source, revision, map(indicator_row, document.indicators))
    _declare(connection, ENTITY, "source", source, revision, (entity_row(*item) for item in document.entities))
    names = _names(connection)
    _follow(connection, source, revision, names)
    return _end(connection, receipt, fact_rows(document, names))


def retract(connection: Connection, source: str) -> Receipt:
    """End what a source states: its facts end at a new revision, and what it declared is retired.

    Raises:
        NotFound: for a source that was never published.
    """
    last = last_revision(connection, source)
    if last is None:
        near = nearest(source, connection.execute(select(SOURCE.c.id)).scalars())
        fault = Fault("No source has this id.", "unknown_id", parameter="id", suggestion=near)
        raise NotFound("There is no source with this id.", [fault])
    if last.action == "retracted":
        return last.receipt(source)
    receipt = _begin(connection, source, "retracted", b"")
    for table, owner in ((SOURCE, "id"), (INDICATOR, "source"), (ENTITY, "source")):
        _declare(connection, table, owner, source, receipt.revision, ())
    return _end(connection, receipt, dict.fromkeys(FACTS, ()))


def _begin(connection: Connection, source: str, action: Action, content: bytes) -> Receipt:
    """A new revision, of which it is not known yet what it changes."""
    revision = connection.execute(select(func.coalesce(func.max(REVISION.c.id), 0) + 1)).scalar_one()
    now, sha256 = datetime.now(UTC), hashlib.sha256(content).hexdigest()
    row = {
        "id": revision,
        "source": source,
        "action": action,
        "published_at": now,
        "document_sha256": sha256,
        "document": content,
    }
    connection.execute(insert(REVISION), {**row, **asdict(Changes())})
    return Receipt(source, revision, action, new=True, published_at=_text(now), document_sha256=sha256, changes=Changes())


def _end(connection: Connection, receipt: Receipt, facts: Mapping[str, Iterable[Row]]) -> Receipt:
    """The revision with the facts of its source, and the search in step."""
    changes = Changes()
    for table, rows in facts.items():
        changes += _state(connection, FACTS[table], receipt.source, receipt.revision, rows)
    reindex(connection, receipt.source, receipt.revision)
    encoded.keep(connection, OBSERVATIONS, _touched(receipt))
    connection.execute(update(REVISION).where(REVISION.c.id == receipt.revision).values(asdict(changes)))
    return replace(receipt, changes=changes)


def _touched(receipt: Receipt) -> Select[Any]:
    """The ids of the observations that may read differently since the revision."""
    observation = FACTS["observation"].c
    return select(observation.id).where(or_(observation.source == receipt.source, _about_altered(receipt.revision)))


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _declare(  # noqa: PLR0913  the table, whose rows, and what they shall be
    connection: Connection, table: Table, owner: str, source: str, revision: int, rows: Iterable[Row]
) -> None:
    """Make ``rows`` those that the source declares; keep the identity of those it no longer does."""
    owned = connection.execute(select(table).where(table.c[owner] == source)).mappings()
    before = {row["id"]: dict(row) for row in owned}
    fresh: list[Row] = []
    altered: list[tuple[Row, Row]] = []
    for row in rows:
        wanted = {"source": source, **row, "retired": False} if owner == "source" else {**row, "retired": False}
        old = before.pop(row["id"], None)
        if old is None:
            fresh.append({**wanted, "revision": revision})
        elif old != {**wanted, "revision": old["revision"]}:
            altered.append((old, {**wanted, "revision": revision}))
    altered += [(row, {**row, "retired": True, "revision": revision}) for row in before.values() if not row["retired"]]
    if fresh:
        connection.execute(insert(table), fresh)
    _remember(connection, table, revision, [old for old, _ in altered])
    for _, row in altered:
        connection.execute(update(table).where(table.c.id == row["id"]).values(row))


def _remember(connection: Connection, table: Table, revision: int, rows: Iterable[Row]) -> None:
    """Keep what facts show of ``rows``, which the revision changes, each as it was since its ``revision``."""
    kept = TABLES[f"{table.name}_before"]
    shown = [column.name for column in kept.columns if not column.name.startswith("held_")]
    states = [{name: row[name] for name in shown} | {"held_from": row["revision"], "held_until": revision} for row in rows]
    if states:
        connection.execute(insert(kept), states)


def _names(connection: Connection) -> Names:
    """What facts repeat of others."""
    return Names(_by_id(connection, ENTITY), _by_id(connection, INDICATOR), _by_id(connection, SOURCE))


def _by_id(connection: Connection, table: Table) -> dict[str, Row]:
    return {row["id"]: dict(row) for row in connection.execute(select(table)).mappings()}


def _follow(connection: Connection, source: str, revision: int, names: Names) -> None:
    """Let the current observations of other sources follow the entities and indicators that the revision altered."""
    observation = FACTS["observation"]
    altered = _about_altered(revision)
    others = select(observation).where(observation.c.source != source, observation.c.retracted_in.is_(None), altered)
    rows = [dict(row) for row in connection.execute(others).mappings()]
    _derive(connection, observation, revision, [(row, derived(row, names)) for row in rows])


def _about_altered(revision: int) -> ColumnElement[bool]:
    """Observations that repeat something of the entities and indicators that the revision altered."""
    observation = FACTS["observation"].c
    entities, indicators = (select(table.c.id).where(table.c.revision == revision) for table in (ENTITY, INDICATOR))
    return or_(observation.subject.in_(entities), observation.region.in_(entities), observation.indicator.in_(indicators))


def _derive(connection: Connection, table: Table, revision: int, facts: Sequence[tuple[Row, Row]]) -> None:
    """Let facts repeat from the revision on what stands beside each, where it is something else."""
    altered = [(row, values) for row, values in facts if row != row | values]
    if not altered:
        return
    kept = TABLES[f"{table.name}_before"]
    this = table.c.id == bindparam("of"), table.c.revision == bindparam("version")
    for batch in (altered[start : start + BATCH] for start in range(0, len(altered), BATCH)):
        ends = select(kept.c.id, func.max(kept.c.held_until)).group_by(kept.c.id)
        found = connection.execute(ends.where(kept.c.id.in_([row["id"] for row, _ in batch])))
        last: dict[str, int] = dict(iter(found))
        since = [{**row, "revision": max(row["revision"], last.get(row["id"], 0))} for row, _ in batch]
        _remember(connection, table, revision, since)
        changes = [{**values, "of": row["id"], "version": row["revision"]} for row, values in batch]
        connection.execute(update(table).where(*this), changes)


def _state(connection: Connection, table: Table, source: str, revision: int, rows: Iterable[Row]) -> Changes:
    """Make ``rows`` the current facts of the source: new versions of those that differ, an end for those that are gone."""
    current = select(table).where(table.c.source == source, table.c.retracted_in.is_(None))
    before = {row["id"]: dict(row) for row in connection.execute(current).mappings()}
    fresh, changed = [], 0
    same: list[tuple[Row, Row]] = []
    for row in rows:
        old = before.get(row["id"])
        values = {name: row[name] for name in DERIVED if name in row}
        if old is not None and old == {**old, **row, **{name: old[name] for name in values}}:
            same.append((before.pop(row["id"]), values))
            continue
        changed += old is not None
        fresh.append({**row, "revision": revision, "retracted_in": None})
    _derive(connection, table, revision, same)
    ended = update(table).where(table.c.source == source, table.c.retracted_in.is_(None))
    if before:
        connection.execute(
            ended.where(table.c.id == bindparam("ended")).values(retracted_in=revision),
            [{"ended": key} for key in before],
        )
    if fresh:
        connection.execute(insert(table), fresh)
    return Changes(len(fresh) - changed, changed, len(before) - changed)
