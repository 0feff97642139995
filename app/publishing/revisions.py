"""Step 4 of publishing: store the rows of a document as one revision, in one transaction.

``publish`` (the commands) and ``submissions.py`` (HTTP) call ``revise``, which stores in this order:

1. the revision itself (``_start``),
2. the source, indicators and entities that the document declares (``_declare``),
3. derived columns of other sources' observations, where these declarations changed (``_update_dependents``),
4. the facts, as new versions where they differ; then search index, JSON rows and the numbers of changes (``_finish``).

Replaced values of derived columns and declarations are kept in ``…_before`` tables, for reads as of older revisions.
"""

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
from app.db.types import moment_text
from app.errors import Fault, NotFound, nearest
from app.publishing import json_rows
from app.publishing.derived_data import require_formats
from app.publishing.document import ENTITY_SECTIONS
from app.publishing.parse import items
from app.publishing.preparation import Changes, Prepared, Receipt, last_revision
from app.publishing.references import BATCH, batched
from app.publishing.rows import ReferencedRows, Row, derived_columns, entity_row, fact_row, indicator_row, source_row
from app.publishing.search_index import reindex
from app.query.sql import table_of
from app.resources import ALL
from app.resources.base import Resource
from app.resources.observations import OBSERVATIONS
from app.resources.revisions import Action

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, SOURCE, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "source", "entity", "indicator"))
FACTS: dict[str, Table] = {
    table: TABLES[table] for resource in ALL if resource.versioned for table in [str(resource.row.__tablename__)]
}
FACT_SECTIONS = ("observations", "relations", "designations")
DERIVED = ("subject_kind", "region", "statement_en", "statement_zh")
"""Columns computed from the rows that an observation refers to: if only these change, the fact gets no new version."""


def publish(database: Database, content: bytes, *, only_missing: bool = False) -> Receipt:
    """Publish a document (YAML or JSON) into a local database, without a token.

    Content equal to the source's last one makes no new revision. With ``only_missing``, neither does an existing source.

    Raises:
        DocumentFaulty: with its first faults; then nothing was stored.
    """
    prepared = Prepared(database, content)
    source = prepared.source.id
    with database.write() as connection:
        last = last_revision(connection, source)
        if last is not None and (only_missing or prepared.repeats(connection, last)):
            return last.receipt(source)
        receipt = revise(connection, prepared)
        record(connection, LOCAL, "publish", receipt.source, "done", receipt.revision)
        return receipt


def revise(connection: Connection, prepared: Prepared) -> Receipt:
    """Store a prepared document as a new revision. Raises DocumentFaulty."""
    prepared.require_current(connection)
    source, content = prepared.source.id, prepared.content
    receipt = _start(connection, source, "published", content)
    indicators = (indicator_row(part) for _, part in items(content, {"indicators"}))
    entities = (entity_row(ENTITY_SECTIONS[section], part) for section, part in items(content, ENTITY_SECTIONS))
    facts = (fact_row(part, source) for _, part in items(content, FACT_SECTIONS))
    _declare(connection, SOURCE, receipt, [source_row(prepared.source)])
    _declare(connection, INDICATOR, receipt, indicators)
    _declare(connection, ENTITY, receipt, entities)
    _update_dependents(connection, receipt)
    return _finish(connection, receipt, facts)


def retract(connection: Connection, source: str) -> Receipt:
    """Retract all facts of a source in a new revision, and retire its declarations.

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
    receipt = _start(connection, source, "retracted", b"")
    for table in (SOURCE, INDICATOR, ENTITY):
        _declare(connection, table, receipt, ())
    return _finish(connection, receipt, ())


def _start(connection: Connection, source: str, action: Action, content: bytes) -> Receipt:
    """Insert a new revision and return its receipt, with no changes yet."""
    require_formats(connection)
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
    return Receipt(source, revision, action, new=True, published_at=moment_text(now), document_sha256=sha256, changes=Changes())


def _declare(connection: Connection, table: Table, receipt: Receipt, rows: Iterable[Row]) -> None:
    """Insert or update the rows that a source declares; retire its other rows."""
    source, revision = receipt.source, receipt.revision
    owner: Row = {} if table is SOURCE else {"source": source}
    declared = connection.execute(select(table).where(table.c["source" if owner else "id"] == source)).mappings()
    before = {row["id"]: dict(row) for row in declared}
    fresh: list[Row] = []
    changed: list[tuple[Row, Row]] = []
    for row in rows:
        new = {**owner, **row, "retired": False}
        old = before.pop(row["id"], None)
        if old is None:
            fresh.append({**new, "revision": revision})
        elif old != {**new, "revision": old["revision"]}:
            changed.append((old, {**new, "revision": revision}))
    changed += [(row, {**row, "retired": True, "revision": revision}) for row in before.values() if not row["retired"]]
    if fresh:
        connection.execute(insert(table), fresh)
    _save_history(connection, table, revision, [old for old, _ in changed])
    for _, row in changed:
        connection.execute(update(table).where(table.c.id == row["id"]).values(row))


def _save_history(connection: Connection, table: Table, revision: int, rows: Iterable[Row]) -> None:
    """Save old values as valid from each row's ``revision`` until this one."""
    history = TABLES[f"{table.name}_before"]
    columns = [column.name for column in history.columns if not column.name.startswith("held_")]
    values = [{name: row[name] for name in columns} | {"held_from": row["revision"], "held_until": revision} for row in rows]
    if values:
        connection.execute(insert(history), values)


def _update_dependents(connection: Connection, receipt: Receipt) -> None:
    """Update other sources' observations that show the changed declarations."""
    observation = FACTS["observation"]
    current = observation.c.retracted_in.is_(None)
    dependent = observation.c.source != receipt.source, current, _refers_to_changed(receipt.revision)
    for batch in batched(connection.execute(select(observation.c.id).where(*dependent)).scalars().all()):
        query = select(observation).where(observation.c.id.in_(batch), current)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        referenced = _referenced(connection, rows)
        facts = [(row, derived_columns(row, referenced)) for row in rows]
        _update_derived(connection, observation, receipt.revision, facts)


def _refers_to_changed(revision: int) -> ColumnElement[bool]:
    """Return the condition that an observation refers to what the revision changed."""
    observation = FACTS["observation"].c
    entities, indicators = (select(table.c.id).where(table.c.revision == revision) for table in (ENTITY, INDICATOR))
    return or_(observation.subject.in_(entities), observation.region.in_(entities), observation.indicator.in_(indicators))


def _referenced(connection: Connection, observations: Iterable[Row]) -> ReferencedRows:
    """Return the stored rows that these observations refer to."""
    rows = list(observations)
    entities = _by_id(connection, ENTITY, {row["subject"] for row in rows})
    regions = {row["region"] for row in entities.values()} - {None, *entities}
    return ReferencedRows(
        entities | _by_id(connection, ENTITY, regions),
        _by_id(connection, INDICATOR, {row["indicator"] for row in rows}),
        _by_id(connection, SOURCE, {row["source"] for row in rows}),
    )


def _by_id(connection: Connection, table: Table, ids: Collection[str]) -> dict[str, Row]:
    return (
        {row["id"]: dict(row) for row in connection.execute(select(table).where(table.c.id.in_(ids))).mappings()} if ids else {}
    )


def rewrite_statements(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    """Rewrite the statements of current observations, and with them their JSON rows.

    Ended versions and earlier states keep the sentences of their time: not everything that these say of others is stored.
    """
    table = table_of(resource)
    current = select(table).where(table.c.id.in_(ids), table.c.retracted_in.is_(None))
    rows = [dict(row) for row in connection.execute(current).mappings()]
    referenced = _referenced(connection, rows)
    this = table.c.id == bindparam("of"), table.c.revision == bindparam("version")
    changes = [{**derived_columns(row, referenced), "of": row["id"], "version": row["revision"]} for row in rows]
    if changes:
        connection.execute(update(table).where(*this), changes)
    json_rows.rewrite(connection, resource, ids)


def _update_derived(connection: Connection, table: Table, revision: int, facts: Sequence[tuple[Row, Row]]) -> None:
    """Update the derived columns of facts; save their old values as history."""
    changed = [(row, values) for row, values in facts if row != row | values]
    if not changed:
        return
    history = TABLES[f"{table.name}_before"]
    version = table.c.id == bindparam("of"), table.c.revision == bindparam("version")
    for batch in batched(changed):
        ends = select(history.c.id, func.max(history.c.held_until)).group_by(history.c.id)
        saved = connection.execute(ends.where(history.c.id.in_([row["id"] for row, _ in batch])))
        last: dict[str, int] = dict(iter(saved))
        old = [{**row, "revision": max(row["revision"], last.get(row["id"], 0))} for row, _ in batch]
        _save_history(connection, table, revision, old)
        updates = [{**values, "of": row["id"], "version": row["revision"]} for row, values in batch]
        connection.execute(update(table).where(*version), updates)


def _finish(connection: Connection, receipt: Receipt, facts: Iterable[tuple[str, Row]]) -> Receipt:
    """Store the facts, update search index and JSON rows; return the receipt."""
    writers = {name: _FactWriter(connection, table, receipt) for name, table in FACTS.items()}
    for table, row in facts:
        writers[table].add(row)
    changes = Changes()
    for writer in writers.values():
        changes += writer.finish()
    reindex(connection, receipt.source, receipt.revision)
    json_rows.keep(connection, OBSERVATIONS, _affected_observations(receipt))
    connection.execute(update(REVISION).where(REVISION.c.id == receipt.revision).values(asdict(changes)))
    return replace(receipt, changes=changes)


def _affected_observations(receipt: Receipt) -> Select[Any]:
    """Select the ids of observations whose columns the revision may have changed."""
    observation = FACTS["observation"].c
    return select(observation.id).where(or_(observation.source == receipt.source, _refers_to_changed(receipt.revision)))


class _FactWriter:
    """A writer of a source's facts of one table: inserts new versions of those that differ, retracts the missing ones."""

    def __init__(self, connection: Connection, table: Table, receipt: Receipt) -> None:
        self._connection, self._table, self._revision = connection, table, receipt.revision
        self._current = table.c.source == receipt.source, table.c.retracted_in.is_(None)
        self._missing = set(connection.execute(select(table.c.id).where(*self._current)).scalars())
        self._rows: list[Row] = []
        self._changes = Changes()

    def add(self, row: Row) -> None:
        """Add a fact; facts are stored in batches."""
        self._rows.append(row)
        if len(self._rows) == BATCH:
            self._store()

    def finish(self) -> Changes:
        """Store the last batch, retract facts that were not added; return the changes."""
        self._store()
        self._retract(self._missing)
        return self._changes + Changes(retracted=len(self._missing))

    def _store(self) -> None:
        rows, self._rows = self._rows, []
        table, ids = self._table, [row["id"] for row in rows if row["id"] in self._missing]
        if table.name == "observation" and rows:
            referenced = _referenced(self._connection, rows)
            rows = [row | derived_columns(row, referenced) for row in rows]
        query = select(table).where(*self._current, table.c.id.in_(ids))
        before = {row["id"]: dict(row) for row in self._connection.execute(query).mappings()} if ids else {}
        self._missing.difference_update(ids)
        fresh: list[Row] = []
        same: list[tuple[Row, Row]] = []
        for row in rows:
            old = before.get(row["id"])
            values = {name: row[name] for name in DERIVED if name in row}
            if old is not None and old == {**old, **row, **{name: old[name] for name in values}}:
                same.append((before.pop(row["id"]), values))
            else:
                fresh.append({**row, "revision": self._revision, "retracted_in": None})
        _update_derived(self._connection, table, self._revision, same)
        self._retract(before)
        if fresh:
            self._connection.execute(insert(table), fresh)
        self._changes += Changes(len(fresh) - len(before), len(before))

    def _retract(self, ids: Collection[str]) -> None:
        """End the current versions of these facts at the revision."""
        if ids:
            ended = update(self._table).where(*self._current, self._table.c.id == bindparam("ended"))
            self._connection.execute(ended.values(retracted_in=self._revision), [{"ended": key} for key in ids])
