"""Publishing a document: one transaction makes one revision, or nothing happens."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, insert, or_, select, update
from sqlmodel import SQLModel

from app.auth.audit_log import record
from app.auth.tokens import LOCAL
from app.db.database import Database
from app.errors import Fault, NotFound, nearest
from app.publishing import json_rows
from app.publishing.document import ENTITY_SECTIONS
from app.publishing.parse import items
from app.publishing.preparation import Changes, Prepared, Receipt, last_revision, text_of
from app.publishing.references import BATCH, batched
from app.publishing.rows import Names, Row, derived, entity_row, fact_row, indicator_row, source_row
from app.publishing.search_index import reindex
from app.resources import ALL
from app.resources.observations import OBSERVATIONS
from app.resources.revisions import Action

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, SOURCE, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "source", "entity", "indicator"))
FACTS: dict[str, Table] = {
    table: TABLES[table] for resource in ALL if resource.versioned for table in [str(resource.row.__tablename__)]
}
FACT_SECTIONS = ("observations", "relations", "designations")
DERIVED = ("subject_kind", "region", "statement_en", "statement_zh")
"""Columns that repeat what others say: a change of these is none of the fact."""


def publish(database: Database, content: bytes, *, only_missing: bool = False) -> Receipt:
    """Publish the document ``content`` (YAML or JSON), as a command beside the database may.

    The same content as the source's last one makes no new revision; nor, with ``only_missing``, does a source that is there.

    Raises:
        DocumentFaulty: with its first faults; then nothing was stored.
    """
    prepared = Prepared(database, content)
    source = prepared.source.id
    with database.write() as connection:
        last = last_revision(connection, source)
        if last is not None and (only_missing or prepared.is_said_by(connection, last)):
            return last.receipt(source)
        receipt = revise(connection, prepared)
        record(connection, LOCAL, "publish", receipt.source, "done", receipt.revision)
        return receipt


def revise(connection: Connection, prepared: Prepared) -> Receipt:
    """Make a revision of a document: its facts become the current ones of its source. Raises DocumentFaulty."""
    prepared.require_current(connection)
    source = prepared.source.id
    receipt = _begin(connection, source, "published", prepared.content)
    revision = receipt.revision
    _declare(connection, SOURCE, "id", source, revision, [source_row(prepared.source)])
    indicators = (indicator_row(part) for _, part in items(prepared.content, {"indicators"}))
    _declare(connection, INDICATOR, "source", source, revision, indicators)
    entities = (entity_row(ENTITY_SECTIONS[section], part) for section, part in items(prepared.content, ENTITY_SECTIONS))
    _declare(connection, ENTITY, "source", source, revision, entities)
    _follow(connection, source, revision)
    return _end(connection, receipt, (fact_row(part, source) for _, part in items(prepared.content, FACT_SECTIONS)))


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
    return _end(connection, receipt, ())


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
    return Receipt(source, revision, action, new=True, published_at=text_of(now), document_sha256=sha256, changes=Changes())


def _end(connection: Connection, receipt: Receipt, facts: Iterable[tuple[str, Row]]) -> Receipt:
    """The revision with the facts of its source, each with its table, and the search in step."""
    states = {name: _State(connection, table, receipt) for name, table in FACTS.items()}
    for table, row in facts:
        states[table].take(row)
    changes = Changes()
    for state in states.values():
        changes += state.end()
    reindex(connection, receipt.source, receipt.revision)
    json_rows.keep(connection, OBSERVATIONS, _touched(receipt))
    connection.execute(update(REVISION).where(REVISION.c.id == receipt.revision).values(asdict(changes)))
    return replace(receipt, changes=changes)


def _touched(receipt: Receipt) -> Select[Any]:
    """The ids of the observations that may read differently since the revision."""
    observation = FACTS["observation"].c
    return select(observation.id).where(or_(observation.source == receipt.source, _about_altered(receipt.revision)))


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


def _names(connection: Connection, observations: Iterable[Row]) -> Names:
    """What these observations repeat of others."""
    rows = list(observations)
    entities = _by_id(connection, ENTITY, {row["subject"] for row in rows})
    regions = {row["region"] for row in entities.values()} - {None, *entities}
    return Names(
        entities | _by_id(connection, ENTITY, regions),
        _by_id(connection, INDICATOR, {row["indicator"] for row in rows}),
        _by_id(connection, SOURCE, {row["source"] for row in rows}),
    )


def _by_id(connection: Connection, table: Table, ids: Collection[str]) -> dict[str, Row]:
    return (
        {row["id"]: dict(row) for row in connection.execute(select(table).where(table.c.id.in_(ids))).mappings()} if ids else {}
    )


def _follow(connection: Connection, source: str, revision: int) -> None:
    """Let the current observations of other sources follow the entities and indicators that the revision altered."""
    observation = FACTS["observation"]
    current = observation.c.retracted_in.is_(None)
    others = select(observation.c.id).where(observation.c.source != source, current, _about_altered(revision))
    for batch in batched(connection.execute(others).scalars().all()):
        found = connection.execute(select(observation).where(observation.c.id.in_(batch), current)).mappings()
        rows = [dict(row) for row in found]
        names = _names(connection, rows)
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


class _State:
    """Makes rows the current facts of a source: new versions of those that differ, an end for those that are gone."""

    def __init__(self, connection: Connection, table: Table, receipt: Receipt) -> None:
        self._connection, self._table, self._revision = connection, table, receipt.revision
        self._current = table.c.source == receipt.source, table.c.retracted_in.is_(None)
        self._gone = set(connection.execute(select(table.c.id).where(*self._current)).scalars())
        self._rows: list[Row] = []
        self._changes = Changes()

    def take(self, row: Row) -> None:
        """Take a fact; it is stored together with others."""
        self._rows.append(row)
        if len(self._rows) == BATCH:
            self._store()

    def end(self) -> Changes:
        """End the facts that were not among those taken; what changed."""
        self._store()
        self._stop(self._gone)
        return self._changes + Changes(retracted=len(self._gone))

    def _store(self) -> None:
        rows, self._rows = self._rows, []
        table, ids = self._table, [row["id"] for row in rows if row["id"] in self._gone]
        if table.name == "observation" and rows:
            names = _names(self._connection, rows)
            rows = [row | derived(row, names) for row in rows]
        found = self._connection.execute(select(table).where(*self._current, table.c.id.in_(ids))).mappings() if ids else ()
        before = {row["id"]: dict(row) for row in found}
        self._gone.difference_update(ids)
        fresh: list[Row] = []
        same: list[tuple[Row, Row]] = []
        for row in rows:
            old = before.get(row["id"])
            values = {name: row[name] for name in DERIVED if name in row}
            if old is not None and old == {**old, **row, **{name: old[name] for name in values}}:
                same.append((before.pop(row["id"]), values))
            else:
                fresh.append({**row, "revision": self._revision, "retracted_in": None})
        _derive(self._connection, table, self._revision, same)
        self._stop(before)
        if fresh:
            self._connection.execute(insert(table), fresh)
        self._changes += Changes(len(fresh) - len(before), len(before))

    def _stop(self, ids: Collection[str]) -> None:
        """End the current versions of these facts."""
        if ids:
            this = update(self._table).where(*self._current, self._table.c.id == bindparam("ended"))
            self._connection.execute(this.values(retracted_in=self._revision), [{"ended": key} for key in ids])
