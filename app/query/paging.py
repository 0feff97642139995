"""Pages of a list, and single rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_

from app.dataset import Dataset, Meta
from app.query import cursors
from app.query.history import current_revision
from app.query.select import Tables, conditions, counting, needed, standing, statement, table_of
from app.query.shaping import shaper
from app.resource import MAX_LIMIT, Include, Lang, ListQuery, Resource

ID_SAMPLE = 2000
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``next`` is the cursor of the page after it, or None."""

    dataset: Dataset
    next: str | None


def page(connection: Connection, resource: Resource, query: ListQuery, lang: Lang) -> Page:
    """The page that ``query`` asks for. Raises InvalidParameters for a cursor that is not of this query."""
    keys = cursors.order_of(resource, query.sort)
    key_names = tuple(key.name for key in keys)
    names = column_names(resource, query.fields)
    paths = needed(resource, (*names, *key_names))
    tables = Tables(table_of(resource), lang)
    ordering = [tables.column(path) for path in needed(resource, key_names)]
    where = conditions(resource, query, tables)
    total = connection.execute(counting(tables, where)).scalar_one() if query.total else None
    if query.cursor is not None:
        values = cursors.read(query.cursor, keys, resource, query, lang)
        where = [*where, cursors.after(keys, ordering, values)]
    by = [(column.desc() if key.descending else column.asc()).nulls_last() for key, column in zip(keys, ordering, strict=True)]
    stored = connection.execute(statement(tables, paths, where).order_by(*by).limit(query.limit + 1)).all()
    shown, rest = stored[: query.limit], stored[query.limit :]
    cells = shaper(resource, key_names, paths, lang)
    following = cursors.write(cells(shown[-1]), resource, query, lang) if rest else None
    return Page(_dataset(connection, resource, names, paths, shown, lang, total), following)


def row(connection: Connection, resource: Resource, identifier: str, fields: list[str] | None, lang: Lang) -> Dataset | None:
    """The current row with that id, as a dataset of one row; None where there is none."""
    tables = Tables(table_of(resource), lang)
    column = tables.column(cursors.TIE_BREAKER)
    key = _key(identifier, resource)
    if key is None:
        return None
    names = column_names(resource, fields)
    paths = needed(resource, names)
    stored = connection.execute(statement(tables, paths, [*standing(resource, tables), column == key])).all()
    return _dataset(connection, resource, names, paths, stored, lang) if stored else None


def included(connection: Connection, resource: Resource, include: Include, identifier: str, lang: Lang) -> tuple[Dataset, bool]:
    """The rows of ``resource`` that an item carries, and whether there are more than it may."""
    tables = Tables(table_of(resource), lang)
    names = column_names(resource, None)
    paths = needed(resource, names)
    by = or_(*(tables.column(resource.filters[name].path) == identifier for name in include.by))
    wanted = statement(tables, paths, [*standing(resource, tables), by]).order_by(tables.column(cursors.TIE_BREAKER))
    stored = connection.execute(wanted.limit(MAX_LIMIT + 1)).all()
    return _dataset(connection, resource, names, paths, stored[:MAX_LIMIT], lang), len(stored) > MAX_LIMIT


def identifiers(connection: Connection, resource: Resource, like: str) -> list[str]:
    """Ids to suggest for one that is not there: the first ones, and those that would follow it."""
    tables = Tables(table_of(resource), "en")
    column = tables.column(cursors.TIE_BREAKER)
    found = statement(tables, (cursors.TIE_BREAKER,), standing(resource, tables)).order_by(column).limit(ID_SAMPLE)
    near = found.where(column >= like) if resource.column(cursors.TIE_BREAKER).type == "string" else found
    return [str(value) for wanted in (found, near) for value in connection.execute(wanted).scalars()]


def column_names(resource: Resource, fields: Sequence[str] | None) -> tuple[str, ...]:
    """The columns to answer with: those asked for, each once, or all."""
    return tuple(dict.fromkeys(fields or (column.name for column in resource.columns)))


def _key(identifier: str, resource: Resource) -> str | int | None:
    """The id in the type of its column; None for what cannot be one."""
    if resource.column(cursors.TIE_BREAKER).type == "string":
        return identifier if "\0" not in identifier else None
    numeric = identifier.isascii() and identifier.isdecimal() and len(identifier) <= len(str(LARGEST_ID))
    return int(identifier) if numeric and int(identifier) <= LARGEST_ID else None


def _dataset(  # noqa: PLR0913  the parts of a dataset
    connection: Connection,
    resource: Resource,
    names: tuple[str, ...],
    paths: tuple[str, ...],
    stored: Sequence[Sequence[Any]],
    lang: Lang,
    total: int | None = None,
) -> Dataset:
    shape = shaper(resource, names, paths, lang)
    meta = Meta(current_revision(connection), len(stored), total)
    return Dataset(resource.name, tuple(resource.column(name) for name in names), [shape(cells) for cells in stored], meta)
