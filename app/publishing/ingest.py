"""Publishing a document: one transaction makes one revision, or nothing happens."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, bindparam, func, insert, or_, select, update
from sqlmodel import SQLModel

from app.database import Database
from app.publishing.document import Document
from app.publishing.index import reindex
from app.publishing.known import Known, KnownEntity, KnownIndicator
from app.publishing.parse import parse
from app.publishing.rows import Names, Row, derived, entity_row, fact_rows, indicator_row, source_row
from app.resources import ALL

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, SOURCE, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "source", "entity", "indicator"))
FACTS: dict[str, Table] = {
    table: TABLES[table] for resource in ALL if resource.versioned for table in [str(resource.row.__tablename__)]
}
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
    """What a publication did. ``revision`` is the one it made or, where ``new`` is false, the one that had been made."""

    source: str
    revision: int
    new: bool
    changes: Changes


def publish(database: Database, content: bytes, *, only_missing: bool = False) -> Receipt:
    """Publish the document ``content`` (YAML or JSON).

    The same bytes as the source's last ones make no new revision; nor, with ``only_missing``, does a source that is there.

    Raises:
        DocumentFaulty: with every fault; then nothing was stored.
    """
    with database.write() as connection:
        document = parse(content, known(connection))
        sha256 = hashlib.sha256(content).hexdigest()
        last = connection.execute(
            select(REVISION.c.id, REVISION.c.document_sha256)
            .where(REVISION.c.source == document.source.id)
            .order_by(REVISION.c.id.desc())
            .limit(1)
        ).first()
        if last is not None and (only_missing or last.document_sha256 == sha256):
            return Receipt(document.source.id, last.id, new=False, changes=Changes())
        return _revise(connection, document, content, sha256)


def known(connection: Connection) -> Known:
    """What the documents published so far declare."""
    entities = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source))
    indicators = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source))
    return Known(
        {row.id: KnownEntity(row.kind, row.source) for row in entities},
        {row.id: KnownIndicator(row.unit, row.source) for row in indicators},
    )


def _revise(connection: Connection, document: Document, content: bytes, sha256: str) -> Receipt:
    source = document.source.id
    revision = connection.execute(select(func.coalesce(func.max(REVISION.c.id), 0) + 1)).scalar_one()
    record = {
        "id": revision,
        "source": source,
        "action": "published",
        "published_at": datetime.now(UTC),
        "document_sha256": sha256,
        "document": content,
        "added": 0,
        "changed": 0,
        "retracted": 0,
    }
    connection.execute(insert(REVISION), record)
    _declare(connection, SOURCE, "id", source, revision, [source_row(document.source)])
    _declare(connection, INDICATOR, "source", source, revision, map(indicator_row, document.indicators))
    _declare(connection, ENTITY, "source", source, revision, (entity_row(*item) for item in document.entities))
    names = _names(connection)
    _follow(connection, source, revision, names)
    changes = Changes()
    for table, rows in fact_rows(document, names).items():
        changes += _state(connection, FACTS[table], source, revision, rows)
    reindex(connection, source, revision)
    counts = {"added": changes.added, "changed": changes.changed, "retracted": changes.retracted}
    connection.execute(update(REVISION).where(REVISION.c.id == revision).values(counts))
    return Receipt(source, revision, new=True, changes=changes)


def _declare(  # noqa: PLR0913  the table, whose rows, and what they shall be
    connection: Connection, table: Table, owner: str, source: str, revision: int, rows: Iterable[Row]
) -> None:
    """Make ``rows`` those that the source declares; keep the identity of those it no longer does."""
    owned = connection.execute(select(table).where(table.c[owner] == source)).mappings()
    before = {row["id"]: dict(row) for row in owned}
    fresh, altered = [], []
    for row in rows:
        wanted = {"source": source, **row, "retired": False} if owner == "source" else {**row, "retired": False}
        old = before.pop(row["id"], None)
        if old is None:
            fresh.append({**wanted, "revision": revision})
        elif old != {**wanted, "revision": old["revision"]}:
            altered.append({**wanted, "revision": revision})
    altered += [{**row, "retired": True, "revision": revision} for row in before.values() if not row["retired"]]
    if fresh:
        connection.execute(insert(table), fresh)
    for row in altered:
        connection.execute(update(table).where(table.c.id == row["id"]).values(row))


def _names(connection: Connection) -> Names:
    """What facts repeat of others."""
    return Names(_by_id(connection, ENTITY), _by_id(connection, INDICATOR), _by_id(connection, SOURCE))


def _by_id(connection: Connection, table: Table) -> dict[str, Row]:
    return {row["id"]: dict(row) for row in connection.execute(select(table)).mappings()}


def _follow(connection: Connection, source: str, revision: int, names: Names) -> None:
    """Let the current observations of other sources follow the entities and indicators that the revision altered."""
    observation = FACTS["observation"]
    entities, indicators = (select(table.c.id).where(table.c.revision == revision) for table in (ENTITY, INDICATOR))
    about = or_(observation.c.subject.in_(entities), observation.c.region.in_(entities), observation.c.indicator.in_(indicators))
    others = select(observation).where(observation.c.source != source, observation.c.retracted_in.is_(None), about)
    for row in connection.execute(others).mappings().all():
        _derive(connection, observation, dict(row), derived(dict(row), names))


def _derive(connection: Connection, table: Table, row: Row, values: Row) -> None:
    this = (table.c.id == row["id"], table.c.revision == row["revision"])
    connection.execute(update(table).where(*this).values(values))


def _state(connection: Connection, table: Table, source: str, revision: int, rows: Iterable[Row]) -> Changes:
    """Make ``rows`` the current facts of the source: new versions of those that differ, an end for those that are gone."""
    current = select(table).where(table.c.source == source, table.c.retracted_in.is_(None))
    before = {row["id"]: dict(row) for row in connection.execute(current).mappings()}
    fresh, changed = [], 0
    for row in rows:
        old = before.get(row["id"])
        values = {name: row[name] for name in DERIVED if name in row}
        if old is not None and old == {**old, **row, **{name: old[name] for name in values}}:
            del before[row["id"]]
            if values != {name: old[name] for name in values}:
                _derive(connection, table, old, values)
            continue
        changed += old is not None
        fresh.append({**row, "revision": revision, "retracted_in": None})
    ended = update(table).where(table.c.source == source, table.c.retracted_in.is_(None))
    if before:
        connection.execute(
            ended.where(table.c.id == bindparam("ended")).values(retracted_in=revision),
            [{"ended": key} for key in before],
        )
    if fresh:
        connection.execute(insert(table), fresh)
    return Changes(len(fresh) - changed, changed, len(before) - changed)
