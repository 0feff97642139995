"""Repository of a resource: pages of its list, single rows, and rows that items of other resources carry."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, literal_column, or_, select
from sqlalchemy.engine.interfaces import Dialect

from app.db.types import LARGEST_WHOLE
from app.domain.dataset import Cell, Column, Dataset, Meta, RowForm
from app.query import cursor
from app.query.compiled import Plan, Shaper, at_most, plan, shaper
from app.query.snapshot import Snapshot, revision_at
from app.query.sql import (
    ENCODED,
    QueryShape,
    Tables,
    conditions,
    counted,
    holding,
    paths_of,
    selection,
    shape_of,
    values_of,
)
from app.query.text_index import is_common
from app.resources.base import Include, Lang, ListQuery, Resource
from app.resources.parameter_types import MAX_LIMIT, WHOLE

MOST_FACET_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """The source of a statement; plans are compiled once per target."""

    resource: Resource
    lang: Lang
    dialect: Dialect

    def tables(self, *, as_of: bool) -> Tables:
        """Return the tables of a new statement, as they are or, with ``as_of``, were."""
        return Tables(self.resource, self.lang, self.dialect.name, as_of=as_of)


class Repository:
    """The rows of one resource in a snapshot, as they are now or were at an earlier revision."""

    def __init__(self, snapshot: Snapshot, resource: Resource, as_of: int | datetime | None = None) -> None:
        """Read ``resource`` from ``snapshot``. Raises InvalidParameters."""
        self.snapshot, self.resource = snapshot, resource
        self.connection = snapshot.connection
        self.as_of = None if as_of is None else revision_at(snapshot, as_of)
        self.revision = snapshot.revision if self.as_of is None else self.as_of
        self._target = Target(resource, snapshot.lang, self.connection.dialect)

    def page(self, query: ListQuery, *, in_order: bool = False) -> Dataset:
        """Return a page. Raises InvalidParameters for a cursor of another query.

        ``in_order`` is for one of very many pages: see ``QueryShape``.
        """
        return self._page(query, self.form(query), in_order=in_order)

    def _page(self, query: ListQuery, form: RowForm, *, in_order: bool) -> Dataset:
        keys = cursor.order_of(self.resource, query.sort)
        columns = self.resource.chosen(query.fields)
        order = tuple(key.name for key in keys) if in_order else ()
        shape, values = self._shape(query, order)
        total = _counting(self._target, shape).execute(self.connection, values)[0][0] if query.total else None
        facets = {name: self._facet(name, shape, values) for name in query.facets or ()}
        last = None
        if query.cursor is not None:
            last = cursor.read(query.cursor, keys, self.resource, query, self.snapshot.lang, self.revision)
            values |= {f"last_{place}": value for place, value in enumerate(last)}
        known = None if last is None else tuple(value is not None for value in last)
        paged = _paging(self._target, shape, columns, form, keys, known)
        limit = query.limit or MAX_LIMIT
        stored = paged.plan.execute(self.connection, values | {"limit": limit + 1})
        if form == "objects" and (None,) in stored:  # rows without stored JSON: older software wrote them
            return self._page(query, "cells", in_order=in_order)
        shown, rest = stored[:limit], stored[limit:]
        following = None
        if rest:
            following = cursor.write(paged.keys(shown[-1]), self.resource, query, self.snapshot.lang, self.revision)
        rows, meta = paged.rows(shown), Meta(self.revision, len(shown), total)
        return Dataset(self.resource.name, columns, rows, meta, next=following, facets=facets, form=form)

    def form(self, query: ListQuery) -> RowForm:
        """Return the snapshot's form if rows are available in it, else ``cells``."""
        return self.snapshot.form if query.fields is None and self._has_objects else "cells"

    @property
    def _has_objects(self) -> bool:
        return self.as_of is None and self.resource.encoded is not None

    def exceeds(self, query: ListQuery, count: int) -> bool:
        """Return whether the list has more than ``count`` rows; it stops counting there."""
        shape, values = self._shape(query)
        return bool(_beyond(self._target, shape).execute(self.connection, values | {"skipped": count}))

    def by_ids(self, identifiers: Sequence[str]) -> Dataset:
        """Return the rows with these ids."""
        # constructed, not validated: the limits for clients do not hold here
        filters: dict[str, Any] = {cursor.TIE_BREAKER: list(identifiers)}
        return self.page(self.resource.query.model_construct(limit=len(identifiers), **filters))

    def row(self, identifier: str, fields: Sequence[str] | None = None) -> Dataset | None:
        """Return the row with that id as a dataset of one row of cells, or None."""
        key = _key(identifier, self.resource)
        if key is None:
            return None
        columns = self.resource.chosen(fields)
        single = _single(self._target, _names(columns), self.as_of is not None)
        stored = single.plan.execute(self.connection, {cursor.TIE_BREAKER: key, "as_of": self.as_of})
        return Dataset(self.resource.name, columns, single.rows(stored), Meta(self.revision, 1)) if stored else None

    def included(self, include: Include, identifier: str) -> tuple[Dataset, bool]:
        """Return the rows that an item carries, and whether it has more of them."""
        form: RowForm = "objects" if self.snapshot.form == "objects" and self._has_objects else "cells"
        columns, values = self.resource.columns, {cursor.TIE_BREAKER: identifier, "as_of": self.as_of}
        tied = _tied(self._target, columns, form, include, as_of=self.as_of is not None)
        stored = tied.plan.execute(self.connection, values)
        if form == "objects" and (None,) in stored:
            form = "cells"
            tied = _tied(self._target, columns, form, include, as_of=self.as_of is not None)
            stored = tied.plan.execute(self.connection, values)
        shown = tied.rows(stored[:MAX_LIMIT])
        return Dataset(self.resource.name, columns, shown, Meta(self.revision, len(shown)), form=form), len(stored) > MAX_LIMIT

    def _shape(self, query: ListQuery, order: tuple[str, ...] = ()) -> tuple[QueryShape, dict[str, Any]]:
        """Return the shape of a query, and its values by parameter."""
        values = values_of(self.resource, query, self.as_of, self.connection.dialect.name)
        common = query.q is not None and (bool(order) or is_common(self.connection, values["text"]))
        return shape_of(self.resource, query, self.as_of, order, common=common), values

    def _facet(self, name: str, shape: QueryShape, values: dict[str, Any]) -> list[tuple[Cell, int]]:
        """Return the values of a column with their counts, the most frequent first."""
        stored = _facets(self._target, shape, name).execute(self.connection, values)
        return [(value, count) for value, count in stored]


def _names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


@dataclass(frozen=True, slots=True)
class RowPlan:
    """A plan, the function that makes rows of its tuples, and of a page the one that reads the sort values of a tuple."""

    plan: Plan
    rows: Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]]
    keys: Callable[[tuple[Any, ...]], Sequence[Cell]] = tuple


@lru_cache(maxsize=1024)
def _paging(  # noqa: PLR0913  the key of the cache
    target: Target,
    shape: QueryShape,
    columns: tuple[Column, ...],
    form: RowForm,
    keys: tuple[cursor.SortKey, ...],
    known: tuple[bool, ...] | None,
) -> RowPlan:
    """Return the plan of a page.

    ``known`` says which sort values of the row before it are not null.
    """
    resource, tables = target.resource, target.tables(as_of=shape.as_of)
    key_names = tuple(key.name for key in keys)
    keyed = tables.columns(paths_of(resource, key_names))
    where = conditions(target.resource, shape, tables)
    if known is not None:
        where.append(cursor.after(keys, keyed, known))
    by = [cursor.direction(key, column) for key, column in zip(keys, keyed, strict=True)]
    selected, rows, key_cells = _selected(target, tables, columns, form, key_names)
    wanted = at_most(bindparam("limit", required=False), selection(tables, selected, where).order_by(*by))
    return RowPlan(plan(target.dialect, wanted), rows, key_cells)


def _selected(
    target: Target, tables: Tables, columns: tuple[Column, ...], form: RowForm, key_names: tuple[str, ...]
) -> tuple[list[ColumnElement[Any]], Shaper, Callable[[tuple[Any, ...]], Sequence[Cell]]]:
    """Return the columns to select, and what makes rows and sort values of tuples."""
    resource, engine = target.resource, target.dialect.name
    if form == "objects":
        return [tables.column(ENCODED)], _first, _members(key_names)
    keyed, names = shaper(resource, key_names, engine), _names(columns)
    both = tuple(dict.fromkeys((*names, *key_names)))
    places = [both.index(name) for name in key_names]
    return (
        tables.columns(paths_of(resource, both)),
        shaper(resource, names, engine),
        lambda row: keyed([tuple(row[place] for place in places)])[0],
    )


def _first(stored: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    return [row[0] for row in stored]


def _members(names: tuple[str, ...]) -> Callable[[tuple[Any, ...]], Sequence[Cell]]:
    """Return a function that reads the members ``names`` of a JSON object."""
    decode = msgspec.json.Decoder(msgspec.defstruct("Members", names)).decode
    return lambda row: msgspec.structs.astuple(decode(row[0]))


@lru_cache(maxsize=256)
def _counting(target: Target, shape: QueryShape) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    where = conditions(target.resource, shape, tables)
    return plan(target.dialect, counted(tables, where))


@lru_cache(maxsize=256)
def _beyond(target: Target, shape: QueryShape) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    wanted = selection(tables, [literal_column("1")], conditions(target.resource, shape, tables))
    return plan(target.dialect, at_most(1, wanted).offset(bindparam("skipped", required=False)))


@lru_cache(maxsize=256)
def _facets(target: Target, shape: QueryShape, name: str) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    where = conditions(target.resource, shape, tables)
    (path,) = paths_of(target.resource, (name,))
    column, count = tables.column(path), func.count()
    wanted = select(column, count).select_from(tables.clause).where(*where).group_by(column)
    return plan(target.dialect, at_most(MOST_FACET_VALUES, wanted.order_by(count.desc(), column)))


@lru_cache(maxsize=256)
def _single(target: Target, names: tuple[str, ...], as_of: bool) -> RowPlan:  # noqa: FBT001  a key of the cache
    tables = target.tables(as_of=as_of)
    where = [
        *holding(target.resource, tables),
        tables.column(cursor.TIE_BREAKER) == bindparam("id", required=False),
    ]
    wanted = selection(tables, tables.columns(paths_of(target.resource, names)), where)
    return RowPlan(plan(target.dialect, wanted), shaper(target.resource, names, target.dialect.name))


@lru_cache(maxsize=256)
def _tied(target: Target, columns: tuple[Column, ...], form: RowForm, include: Include, *, as_of: bool) -> RowPlan:
    """Return the plan of the rows that an item carries, in the order of their ids."""
    tables = target.tables(as_of=as_of)
    by = or_(*(tables.column(target.resource.filters[name].path) == bindparam("id", required=False) for name in include.by))
    where = [*holding(target.resource, tables), by]
    selected, rows, _ = _selected(target, tables, columns, form, (cursor.TIE_BREAKER,))
    wanted = selection(tables, selected, where).order_by(tables.column(cursor.TIE_BREAKER))
    return RowPlan(plan(target.dialect, at_most(MAX_LIMIT + 1, wanted)), rows)


def _has_text_ids(resource: Resource) -> bool:
    return resource.column(cursor.TIE_BREAKER).type == "string"


def _key(identifier: str, resource: Resource) -> str | int | None:
    """Return the id in the type of its column, or None if it cannot be one."""
    if _has_text_ids(resource):
        return identifier if "\0" not in identifier else None
    whole = re.fullmatch(WHOLE, identifier) is not None and len(identifier) <= len(str(LARGEST_WHOLE))
    return int(identifier) if whole and int(identifier) <= LARGEST_WHOLE else None
