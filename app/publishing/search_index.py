"""The entries of the search index: a publication updates them in its transaction.

Entries are versioned as facts are: a publication ends the entries whose text changes, at its revision, and adds new ones.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
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
    false,
    func,
    insert,
    null,
    select,
    union,
    update,
)
from sqlmodel import SQLModel

from app.db.indexes import index_texts, remove_texts
from app.domain.tokenizer import MARK, text_tokens
from app.query.snapshot import latest_version
from app.query.sql import Tables, holding, referenced, selection, table_of
from app.resources import ALL
from app.resources.base import LANGS, Resource
from app.resources.regions import REGIONS
from app.resources.revisions import REVISIONS

ENTRY: Table = SQLModel.metadata.tables["search_entry"]
FORMAT = 1
"""The format of search entries. Add one with every change of texts or tokens: ``indicators migrate`` then rebuilds them."""
BATCH = 500
"""Rows whose entries are compared at once."""
BETWEEN = {"en": " – ", "zh": "——"}
"""The separator of the parts of a title, by language."""


class Entry(NamedTuple):
    """The texts by which the search finds a row, and those that it shows."""

    key: str
    region: str | None
    retired: bool
    title_en: str
    title_zh: str
    body: str


def reindex(connection: Connection, source: str, revision: int) -> None:
    """Index the rows that a revision changed, and the facts whose titles name them."""
    for resource in ALL:
        touched = sorted(connection.execute(_touched(resource, source, revision)).scalars())
        for start in range(0, len(touched), BATCH):
            _replace(connection, resource, touched[start : start + BATCH], revision)


def _replace(connection: Connection, resource: Resource, ids: Sequence[str | int], revision: int) -> None:
    """End the entries of the rows with these ids whose text changed, and add new ones."""
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
    _add(connection, resource, [(entry, revision, None) for entry in fresh])


def rewrite(connection: Connection, resource: Resource, ids: Sequence[str | int]) -> None:
    """Rewrite the entries of the rows with these ids, those of earlier revisions too.

    The history of facts is derived again. Of entities, indicators and sources only the present texts are stored elsewhere:
    their earlier entries keep their texts, and get new tokens.
    """
    these = ENTRY.c.resource == resource.name, ENTRY.c.key.in_(list(map(str, ids)))
    held = connection.execute(select(ENTRY).where(*these).order_by(ENTRY.c.id)).mappings().all()
    remove_texts(connection, [row["id"] for row in held])
    connection.execute(delete(ENTRY).where(*these))
    if resource.versioned:
        for revision, changed in _changes(connection, resource, ids):
            _replace(connection, resource, changed, revision)
        return
    ended = [
        (Entry(*(row[name] for name in Entry._fields)), row["held_from"], row["held_until"])
        for row in held
        if row["held_until"] is not None
    ]
    current = {row["key"]: row["held_from"] for row in held if row["held_until"] is None}
    since = _last_changes(connection, resource, ids) | current
    present = [
        (entry, since[entry.key], None) for entry in _entries(connection, resource, ids, latest_version(connection).revision)
    ]
    _add(connection, resource, [*ended, *present])


def _last_changes(connection: Connection, resource: Resource, ids: Sequence[str | int]) -> dict[str, int]:
    """Return the last revision that changed each of these rows, by id."""
    table = table_of(resource)
    revision = table.c.id if resource is REVISIONS else table.c.revision
    return {str(key): number for key, number in connection.execute(select(table.c.id, revision).where(table.c.id.in_(ids)))}


def _changes(connection: Connection, resource: Resource, ids: Sequence[str | int]) -> Iterator[tuple[int, list[str]]]:
    """Yield the revisions that changed or renamed any of these facts, with their ids."""
    table = table_of(resource)
    rows = table.c.id.in_(ids)
    pairs = [
        select(table.c.revision, table.c.id).where(rows),
        select(table.c.retracted_in, table.c.id).where(rows, table.c.retracted_in.is_not(None)),
    ]
    for step in _steps(resource):
        kept = _before(table, step)
        pairs.append(select(kept.c.held_until, table.c.id).join(kept, kept.c.id == table.c[step]).where(rows))
    changes = sorted(tuple(pair) for pair in connection.execute(union(*pairs)))
    for revision, group in groupby(changes, key=itemgetter(0)):
        yield revision, [identifier for _, identifier in group]


def _touched(resource: Resource, source: str, revision: int) -> Executable:
    """Select the ids of rows that a revision changed or renamed."""
    table = table_of(resource)
    if resource is REVISIONS:
        return select(table.c.id).where(table.c.id == revision)
    changed = table.c.revision == revision
    if not resource.versioned:
        owner = table.c.source if "source" in table.c else table.c.id
        return select(table.c.id).where(owner == source, changed)
    renamed = [table.c[step].in_(_altered(table, step, source, revision)) for step in _steps(resource)]
    parts = [select(table.c.id).where(condition) for condition in (changed, table.c.retracted_in == revision, *renamed)]
    return parts[0].union(*parts[1:])


def _steps(resource: Resource) -> list[str]:
    """Return the columns by which the title of a resource refers to other tables."""
    return sorted({path.partition(".")[0] for path in resource.title if "." in path})


def _before(table: Table, step: str) -> Table:
    """Return the table of the earlier states of what a column refers to."""
    target = referenced(table.c[step])
    return target.metadata.tables[f"{target.name}_before"]


def _altered(table: Table, step: str, source: str, revision: int) -> Select[Any]:
    """Select the ids of changed rows that the column ``step`` may refer to."""
    target, kept = referenced(table.c[step]), _before(table, step)
    joined = target.join(kept, kept.c.id == target.c.id)
    return select(target.c.id).select_from(joined).where(target.c.source == source, kept.c.held_until == revision)


def _entries(connection: Connection, resource: Resource, ids: Sequence[str | int], revision: int) -> Iterator[Entry]:
    """Yield the entries of the rows with these ids, as of the revision."""
    tables = Tables(resource, LANGS[0], connection.dialect.name, as_of=True)
    names = [tables.columns(path.replace("{lang}", lang) for path in resource.title) for lang in LANGS]
    region = "id" if resource is REGIONS else "region"
    attributes = [
        cast(tables.column("id"), String),
        tables.column(region) if region in tables.table.c else null(),
        tables.column("retired") if "retired" in tables.table.c else false(),
    ]
    texts, width = tables.columns(resource.search), len(resource.title)
    where = [*holding(resource, tables), tables.column("id").in_(ids)]
    columns = [*attributes, *names[0], *names[1], *texts]
    for key, place, retired, *rest in connection.execute(selection(tables, columns, where), {"as_of": revision}):
        title_en, title_zh = BETWEEN["en"].join(rest[:width]), BETWEEN["zh"].join(rest[width : 2 * width])
        yield Entry(key, place, bool(retired), title_en, title_zh, "\n".join(filter(None, rest[2 * width :])))


def _end(connection: Connection, ids: Sequence[int], revision: int) -> None:
    """End the entries with these ids at a revision."""
    if ids:
        ended = update(ENTRY).where(ENTRY.c.id == bindparam("ended")).values(held_until=revision)
        connection.execute(ended, [{"ended": identifier} for identifier in ids])


def _add(connection: Connection, resource: Resource, entries: Sequence[tuple[Entry, int, int | None]]) -> None:
    """Add and index entries, each with its first revision and the one that ended it."""
    if not entries:
        return
    start = 1 + (connection.execute(select(func.max(ENTRY.c.id))).scalar_one() or 0)
    rows = [
        {"id": number, "resource": resource.name, **entry._asdict(), "held_from": first, "held_until": last}
        for number, (entry, first, last) in enumerate(entries, start)
    ]
    connection.execute(insert(ENTRY), rows)
    index_texts(connection, [{"id": number, **_tokens(resource, entry)} for number, (entry, *_) in enumerate(entries, start)])


def _tokens(resource: Resource, entry: Entry) -> dict[str, str]:
    """Return the tokens of an entry.

    A fact's title counts as body, so that it ranks below the rows that it names.
    """
    names, texts = f"{entry.title_en} {entry.title_zh}", f"{entry.key} {entry.body}"
    if resource.versioned:
        names, texts = "", f"{names} {texts}"
    return {"title": " ".join(text_tokens(names)), "body": " ".join([MARK + resource.name, *text_tokens(texts)])}
