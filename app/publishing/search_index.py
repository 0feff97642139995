"""The search index: kept in step with every publication, in its transaction.

Entries are versioned as facts are: a publication ends those that say something else from its revision on, and makes new ones.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Executable,
    Select,
    String,
    Table,
    bindparam,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    null,
    select,
    update,
)
from sqlmodel import SQLModel

from app.db.indexes import clear_index, index_texts
from app.domain.tokenizer import MARK, indexed
from app.query.sql import Tables, referenced, standing, statement, table_of
from app.resources import ALL
from app.resources.base import LANGS, Resource
from app.resources.regions import REGIONS
from app.resources.revisions import REVISIONS

ENTRY: Table = SQLModel.metadata.tables["search_entry"]
REVISION: Table = SQLModel.metadata.tables["revision"]
BATCH = 500
BETWEEN = {"en": " – ", "zh": "——"}
"""What stands between the parts of a title."""


class Entry(NamedTuple):
    """The text by which a row is found, and what the search shows of it."""

    key: str
    region: str | None
    retired: bool
    title_en: str
    title_zh: str
    body: str


def reindex(connection: Connection, source: str, revision: int) -> None:
    """Index what the revision of a source changed: its rows, and the facts of others that repeat something of these."""
    for resource in ALL:
        touched = sorted(connection.execute(_touched(resource, source, revision)).scalars())
        for start in range(0, len(touched), BATCH):
            _replace(connection, resource, touched[start : start + BATCH], revision)


def _replace(connection: Connection, resource: Resource, ids: Sequence[str | int], revision: int) -> None:
    """End the entries of the rows with these ids where they say something else now, and make new ones."""
    current = select(ENTRY.c.id, *(ENTRY.c[name] for name in Entry._fields)).where(
        ENTRY.c.resource == resource.name, ENTRY.c.key.in_(list(map(str, ids))), ENTRY.c.held_until.is_(None)
    )
    held = {row.key: (row.id, Entry(*row[1:])) for row in connection.execute(current)}
    fresh = []
    for entry in _entries(connection, resource, ids, revision):
        if entry.key in held and held[entry.key][1] == entry:
            del held[entry.key]
        else:
            fresh.append(entry)
    _end(connection, [identifier for identifier, _ in held.values()], revision)
    _add(connection, resource, fresh, revision)


def complete(connection: Connection) -> None:
    """Make the entries of all revisions anew where they are missing: of a database that older software wrote.

    Facts are found as of every revision by what they said then. Of entities, indicators and sources only the present texts are
    known; their entries hold from the revision that changed them last.
    """
    known = exists().where(ENTRY.c.resource == REVISIONS.name, ENTRY.c.key == cast(REVISION.c.id, String))
    if connection.execute(select(REVISION.c.id).where(~known).limit(1)).first() is None:
        return
    clear_index(connection)
    connection.execute(delete(ENTRY))
    for row in connection.execute(select(REVISION.c.id, REVISION.c.source).order_by(REVISION.c.id)).all():
        reindex(connection, row.source, row.id)


def _touched(resource: Resource, source: str, revision: int) -> Executable:
    """The ids of the rows that the revision of a source made, changed or ended, or that show something of such rows."""
    table = table_of(resource)
    if resource is REVISIONS:
        return select(table.c.id).where(table.c.id == revision)
    changed = table.c.revision == revision
    if not resource.versioned:
        owner = table.c.source if "source" in table.c else table.c.id
        return select(table.c.id).where(owner == source, changed)
    steps = {path.partition(".")[0] for path in resource.title if "." in path}
    about = [table.c[step].in_(_altered(table, step, source, revision)) for step in sorted(steps)]
    parts = [select(table.c.id).where(condition) for condition in (changed, table.c.retracted_in == revision, *about)]
    return parts[0].union(*parts[1:])


def _altered(table: Table, step: str, source: str, revision: int) -> Select[Any]:
    """The ids of what the revision of a source changed, of what a table refers to."""
    target = referenced(table.c[step])
    kept = target.metadata.tables[f"{target.name}_before"]
    joined = target.join(kept, kept.c.id == target.c.id)
    return select(target.c.id).select_from(joined).where(target.c.source == source, kept.c.held_until == revision)


def _entries(connection: Connection, resource: Resource, ids: Sequence[str | int], revision: int) -> Iterator[Entry]:
    """The entries of the rows with these ids, as of the revision."""
    tables = Tables(resource, LANGS[0], connection.dialect.name, as_of=True)
    names = [tables.columns(path.replace("{lang}", lang) for path in resource.title) for lang in LANGS]
    region = "id" if resource is REGIONS else "region"
    about = [
        cast(tables.column("id"), String),
        tables.column(region) if region in tables.table.c else null(),
        tables.column("retired") if "retired" in tables.table.c else false(),
    ]
    texts, width = tables.columns(resource.search), len(resource.title)
    where = [*standing(resource, tables), tables.column("id").in_(ids)]
    found = connection.execute(statement(tables, [*about, *names[0], *names[1], *texts], where), {"as_of": revision})
    for key, place_of, retired, *rest in found:
        title_en, title_zh = BETWEEN["en"].join(rest[:width]), BETWEEN["zh"].join(rest[width : 2 * width])
        yield Entry(key, place_of, bool(retired), title_en, title_zh, "\n".join(filter(None, rest[2 * width :])))


def _end(connection: Connection, ids: Sequence[int], revision: int) -> None:
    if ids:
        ended = update(ENTRY).where(ENTRY.c.id == bindparam("ended")).values(held_until=revision)
        connection.execute(ended, [{"ended": identifier} for identifier in ids])


def _add(connection: Connection, resource: Resource, entries: Sequence[Entry], revision: int) -> None:
    start = 1 + (connection.execute(select(func.max(ENTRY.c.id))).scalar_one() or 0)
    about = {"resource": resource.name, "held_from": revision, "held_until": None}
    if entries:
        connection.execute(insert(ENTRY), [{"id": at, **entry._asdict(), **about} for at, entry in enumerate(entries, start)])
        index_texts(connection, [{"id": at, **_tokens(resource, entry)} for at, entry in enumerate(entries, start)])


def _tokens(resource: Resource, entry: Entry) -> dict[str, str]:
    """The tokens of an entry. A fact has no name of its own, so that it ranks below what its title names."""
    names, texts = f"{entry.title_en} {entry.title_zh}", f"{entry.key} {entry.body}"
    if resource.versioned:
        names, texts = "", f"{names} {texts}"
    return {"title": " ".join(indexed(names)), "body": " ".join([MARK + resource.name, *indexed(texts)])}
