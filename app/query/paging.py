"""Reading a resource: pages of its list, single rows, and rows that items of other resources carry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from app.dataset import Cell, Dataset, Facets, Meta
from app.query import cursors
from app.query.history import current_revision, revision_at
from app.query.select import Tables, conditions, counting, needed, standing, statement, table_of
from app.query.shaping import plain, shaper
from app.resource import MAX_LIMIT, Include, Lang, ListQuery, Resource

ID_SAMPLE = 2000
LARGEST_ID = 2**31 - 1
MOST_FACET_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``next`` is the cursor of the page after it, or None."""

    dataset: Dataset
    next: str | None


class Reader:
    """One resource, read over one connection in one language, as of now or an earlier revision."""

    def __init__(self, connection: Connection, resource: Resource, lang: Lang, as_of: int | datetime | None = None) -> None:
        """Raises InvalidParameters where ``as_of`` is a revision that there is not yet."""
        self.connection, self.resource, self.lang = connection, resource, lang
        self.as_of = None if as_of is None else revision_at(connection, as_of)
        self.revision = current_revision(connection) if self.as_of is None else self.as_of
        self.tables = Tables(table_of(resource), lang)

    def page(self, query: ListQuery) -> Page:
        """The page that ``query`` asks for. Raises InvalidParameters for a cursor that is not of it."""
        keys = cursors.order_of(self.resource, query.sort)
        key_names = tuple(key.name for key in keys)
        names = column_names(self.resource, query.fields)
        paths = needed(self.resource, (*names, *key_names))
        ordering = [self.tables.column(path) for path in needed(self.resource, key_names)]
        where = conditions(self.resource, query, self.tables, self.as_of)
        total = self._count(where) if query.total else None
        facets = {name: self._facet(name, where) for name in query.facets or ()}
        if query.cursor is not None:
            values = cursors.read(query.cursor, keys, self.resource, query, self.lang, self.revision)
            where = [*where, cursors.after(keys, ordering, values)]
        by = [
            (column.desc() if key.descending else column.asc()).nulls_last() for key, column in zip(keys, ordering, strict=True)
        ]
        wanted = statement(self.tables, paths, where).order_by(*by).limit(query.limit + 1)
        stored = self.connection.execute(wanted).all()
        shown, rest = stored[: query.limit], stored[query.limit :]
        cells = shaper(self.resource, key_names, paths, self.lang)
        following = cursors.write(cells(shown[-1]), self.resource, query, self.lang, self.revision) if rest else None
        return Page(self._dataset(names, paths, shown, total, facets), following)

    def row(self, identifier: str, fields: Sequence[str] | None = None) -> Dataset | None:
        """The row with that id, as a dataset of one row; None where there is none."""
        key = _key(identifier, self.resource)
        if key is None:
            return None
        names = column_names(self.resource, fields)
        paths = needed(self.resource, names)
        stored = self.connection.execute(self._standing(paths, self.tables.column(cursors.TIE_BREAKER) == key)).all()
        return self._dataset(names, paths, stored) if stored else None

    def included(self, include: Include, identifier: str) -> tuple[Dataset, bool]:
        """The rows that an item of that id carries, and whether there are more than it may."""
        names = column_names(self.resource, None)
        paths = needed(self.resource, names)
        by = or_(*(self.tables.column(self.resource.filters[name].path) == identifier for name in include.by))
        wanted = self._standing(paths, by).order_by(self.tables.column(cursors.TIE_BREAKER)).limit(MAX_LIMIT + 1)
        stored = self.connection.execute(wanted).all()
        return self._dataset(names, paths, stored[:MAX_LIMIT]), len(stored) > MAX_LIMIT

    def identifiers(self, like: str) -> Iterator[str]:
        """Ids to suggest for one that is not there: the first ones, and those that would follow it."""
        column = self.tables.column(cursors.TIE_BREAKER)
        found = self._standing((cursors.TIE_BREAKER,)).order_by(column).limit(ID_SAMPLE)
        near = found.where(column >= like.replace("\0", "")) if _has_text_ids(self.resource) else found
        for wanted in (found, near):
            yield from map(str, self.connection.execute(wanted).scalars())

    def _standing(self, paths: tuple[str, ...], *where: ColumnElement[bool]) -> Any:
        return statement(self.tables, paths, [*standing(self.resource, self.tables, self.as_of), *where])

    def _count(self, where: list[ColumnElement[bool]]) -> int:
        found: int = self.connection.execute(counting(self.tables, where)).scalar_one()
        return found

    def _facet(self, name: str, where: list[ColumnElement[bool]]) -> list[tuple[Cell, int]]:
        """The values of a column with their counts, the most frequent first."""
        (path,) = needed(self.resource, (name,))
        column = self.tables.column(path)
        count = func.count()
        wanted = select(column, count).select_from(self.tables.clause).where(*where).group_by(column)
        rows = self.connection.execute(wanted.order_by(count.desc(), column).limit(MOST_FACET_VALUES))
        return [(plain(value), number) for value, number in rows]

    def _dataset(
        self,
        names: tuple[str, ...],
        paths: tuple[str, ...],
        stored: Sequence[Sequence[Any]],
        total: int | None = None,
        facets: Facets | None = None,
    ) -> Dataset:
        shape = shaper(self.resource, names, paths, self.lang)
        columns = tuple(self.resource.column(name) for name in names)
        meta = Meta(self.revision, len(stored), total)
        return Dataset(self.resource.name, columns, [shape(cells) for cells in stored], meta, facets=facets or {})


def column_names(resource: Resource, fields: Sequence[str] | None) -> tuple[str, ...]:
    """The columns to answer with: those asked for, each once, or all."""
    return tuple(dict.fromkeys(fields or (column.name for column in resource.columns)))


def _has_text_ids(resource: Resource) -> bool:
    return resource.column(cursors.TIE_BREAKER).type == "string"


def _key(identifier: str, resource: Resource) -> str | int | None:
    """The id in the type of its column; None for what cannot be one."""
    if _has_text_ids(resource):
        return identifier if "\0" not in identifier else None
    numeric = identifier.isascii() and identifier.isdecimal() and len(identifier) <= len(str(LARGEST_ID))
    return int(identifier) if numeric and int(identifier) <= LARGEST_ID else None
