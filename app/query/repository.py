"""Reading a resource: pages of its list, single rows, and rows that items of other resources carry."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, or_, select
from sqlalchemy.engine.interfaces import Dialect

from app.db.types import LARGEST_WHOLE, TEXTS, line_of
from app.domain.dataset import SEPARATOR, Cell, Column, Dataset, Meta, RowForm
from app.query import cursor
from app.query.compiled import Plan, at_most, plan
from app.query.row_shapes import Shaper, shaper
from app.query.snapshot import current_revision, revision_at
from app.query.sql import (
    ENCODED,
    Shape,
    Tables,
    conditions,
    counting,
    needed,
    shape_of,
    standing,
    statement,
    values_of,
)
from app.query.text_index import is_common
from app.resources.base import MAX_LIMIT, WHOLE, Include, Lang, ListQuery, Resource

MOST_FACET_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``next`` is the cursor of the page after it, or None."""

    dataset: Dataset
    next: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """What is read from: plans are made once for each."""

    resource: Resource
    lang: Lang
    dialect: Dialect

    def tables(self, *, as_of: bool) -> Tables:
        """The tables of a new statement, as they are or were."""
        return Tables(self.resource, self.lang, self.dialect.name, as_of=as_of)


class Reader:
    """One resource, read over one connection in one language, as of now or an earlier revision."""

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        lang: Lang,
        as_of: int | datetime | None = None,
        latest: int | None = None,
    ) -> None:
        """Raises InvalidParameters where ``as_of`` is a revision that there is not yet. ``latest`` is the latest, where known."""
        self.connection, self.resource, self.lang = connection, resource, lang
        self.as_of = None if as_of is None else revision_at(connection, as_of)
        now = latest if self.as_of is None else self.as_of
        self.revision = current_revision(connection) if now is None else now
        self._target = Target(resource, lang, connection.dialect)

    def page(self, query: ListQuery, *, in_order: bool = False, form: RowForm = "cells") -> Page:
        """The page that ``query`` asks for. Raises InvalidParameters for a cursor that is not of it.

        ``in_order`` is for one of very many pages: see ``Shape``. Rows come in ``form`` where they can be had so, else as cells.
        """
        form = self.form(form, query)
        keys = cursor.order_of(self.resource, query.sort)
        columns = self.resource.chosen(query.fields)
        order = tuple(key.name for key in keys) if in_order else ()
        shape, values = self._shape(query, order)
        total = _counting(self._target, shape).execute(self.connection, values)[0][0] if query.total else None
        facets = {name: self._facet(name, shape, values) for name in query.facets or ()}
        last = None
        if query.cursor is not None:
            last = cursor.read(query.cursor, keys, self.resource, query, self.lang, self.revision)
            values |= {f"last_{place}": value for place, value in enumerate(last)}
        known = None if last is None else tuple(value is not None for value in last)
        paged = _paging(self._target, shape, columns, form, keys, known)
        limit = query.limit or MAX_LIMIT
        stored = paged.plan.execute(self.connection, values | {"limit": limit + 1})
        if form == "objects" and (None,) in stored:  # some are not kept: they were written by older software
            return self.page(query, in_order=in_order)
        shown, rest = stored[:limit], stored[limit:]
        following = None
        if rest:
            following = cursor.write(paged.keys(shown[-1]), self.resource, query, self.lang, self.revision)
        rows, meta = paged.rows(shown), Meta(self.revision, len(shown), total)
        return Page(Dataset(self.resource.name, columns, rows, meta, facets=facets, form=form), following)

    def form(self, wanted: RowForm, query: ListQuery) -> RowForm:
        """The form in which rows can be had: the one that is wanted, or cells."""
        kept = query.fields is None and self.as_of is None and self.resource.encoded is not None
        can = {"cells": True, "objects": kept, "lines": self.connection.dialect.name in TEXTS}
        return wanted if can[wanted] else "cells"

    def exceeds(self, query: ListQuery, count: int) -> bool:
        """Whether the list has more rows than ``count``; no more of them are looked at."""
        shape, values = self._shape(query)
        return bool(_beyond(self._target, shape).execute(self.connection, values | {"skipped": count}))

    def those(self, identifiers: Sequence[str]) -> Dataset:
        """The rows with these ids."""
        # constructed, not validated: the limits for clients do not hold here
        filters: dict[str, Any] = {cursor.TIE_BREAKER: list(identifiers)}
        return self.page(self.resource.query.model_construct(limit=len(identifiers), **filters)).dataset

    def row(self, identifier: str, fields: Sequence[str] | None = None) -> Dataset | None:
        """The row with that id, as a dataset of one row; None where there is none."""
        key = _key(identifier, self.resource)
        if key is None:
            return None
        columns = self.resource.chosen(fields)
        found = _one(self._target, _names(columns), self.as_of is not None)
        stored = found.plan.execute(self.connection, {cursor.TIE_BREAKER: key, "as_of": self.as_of})
        return Dataset(self.resource.name, columns, found.rows(stored), Meta(self.revision, 1)) if stored else None

    def included(self, include: Include, identifier: str) -> tuple[Dataset, bool]:
        """The rows that an item of that id carries, and whether there are more than it may."""
        columns = self.resource.columns
        found = _tied(self._target, _names(columns), include, self.as_of is not None)
        stored = found.plan.execute(self.connection, {cursor.TIE_BREAKER: identifier, "as_of": self.as_of})
        shown = found.rows(stored[:MAX_LIMIT])
        dataset = Dataset(self.resource.name, columns, shown, Meta(self.revision, len(shown)))
        return dataset, len(stored) > MAX_LIMIT

    def _shape(self, query: ListQuery, order: tuple[str, ...] = ()) -> tuple[Shape, dict[str, Any]]:
        """The shape of a query, and its values by parameter."""
        values = values_of(self.resource, query, self.as_of, self.connection.dialect.name)
        common = query.q is not None and (bool(order) or is_common(self.connection, values["text"]))
        return shape_of(self.resource, query, self.as_of, order, common=common), values

    def _facet(self, name: str, shape: Shape, values: dict[str, Any]) -> list[tuple[Cell, int]]:
        """The values of a column with their counts, the most frequent first."""
        found = _facets(self._target, shape, name)
        rows: list[tuple[Cell, int]] = [(row[0], row[1]) for row in found.execute(self.connection, values)]
        return rows


def _names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


@dataclass(frozen=True, slots=True)
class Rows:
    """A plan, and what makes rows of its tuples; of a page also what tells the sort values of one."""

    plan: Plan
    rows: Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]]
    keys: Callable[[tuple[Any, ...]], Sequence[Cell]] = tuple


@lru_cache(maxsize=1024)
def _paging(  # noqa: PLR0913  all that decides it
    target: Target,
    shape: Shape,
    columns: tuple[Column, ...],
    form: RowForm,
    keys: tuple[cursor.Key, ...],
    known: tuple[bool, ...] | None,
) -> Rows:
    """The plan of a page. ``known`` says of each sort value of the row before it whether it is not null."""
    resource, tables = target.resource, target.tables(as_of=shape.as_of)
    key_names = tuple(key.name for key in keys)
    keyed = tables.columns(needed(resource, key_names))
    where = conditions(target.resource, shape, tables)
    if known is not None:
        where.append(cursor.after(keys, keyed, known))
    by = [cursor.direction(key, column) for key, column in zip(keys, keyed, strict=True)]
    selected, rows, key_cells = _selected(target, tables, columns, form, key_names)
    wanted = at_most(bindparam("limit", required=False), statement(tables, selected, where).order_by(*by))
    return Rows(plan(target.dialect, wanted), rows, key_cells)


def _selected(
    target: Target, tables: Tables, columns: tuple[Column, ...], form: RowForm, key_names: tuple[str, ...]
) -> tuple[list[ColumnElement[Any]], Shaper, Callable[[tuple[Any, ...]], Sequence[Cell]]]:
    """What is selected for rows in this form, what makes rows of it, and what tells the sort values of one."""
    resource, engine = target.resource, target.dialect.name
    if form == "objects":
        return [tables.column(ENCODED)], _first, _members(key_names)
    keyed, names = shaper(resource, key_names, engine), _names(columns)
    if form == "lines":
        cells = zip(tables.columns(needed(resource, names)), (column.type for column in columns), strict=True)
        keys = tables.columns(needed(resource, key_names))
        return [line_of(list(cells), SEPARATOR, engine), *keys], _first, lambda row: keyed([row[1:]])[0]
    both = tuple(dict.fromkeys((*names, *key_names)))
    places = [both.index(name) for name in key_names]
    return (
        tables.columns(needed(resource, both)),
        shaper(resource, names, engine),
        lambda row: keyed([tuple(row[place] for place in places)])[0],
    )


def _first(stored: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    return [row[0] for row in stored]


def _members(names: tuple[str, ...]) -> Callable[[tuple[Any, ...]], Sequence[Cell]]:
    """What tells the members ``names`` of a row that is one JSON object."""
    decode = msgspec.json.Decoder(msgspec.defstruct("Members", names)).decode
    return lambda row: msgspec.structs.astuple(decode(row[0]))


@lru_cache(maxsize=256)
def _counting(target: Target, shape: Shape) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    where = conditions(target.resource, shape, tables)
    return plan(target.dialect, counting(tables, where))


@lru_cache(maxsize=256)
def _beyond(target: Target, shape: Shape) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    wanted = statement(tables, [literal_column("1")], conditions(target.resource, shape, tables))
    return plan(target.dialect, at_most(1, wanted).offset(bindparam("skipped", required=False)))


@lru_cache(maxsize=256)
def _facets(target: Target, shape: Shape, name: str) -> Plan:
    tables = target.tables(as_of=shape.as_of)
    where = conditions(target.resource, shape, tables)
    (path,) = needed(target.resource, (name,))
    column, count = tables.column(path), func.count()
    wanted = select(column, count).select_from(tables.clause).where(*where).group_by(column)
    return plan(target.dialect, at_most(MOST_FACET_VALUES, wanted.order_by(count.desc(), column)))


@lru_cache(maxsize=256)
def _one(target: Target, names: tuple[str, ...], as_of: bool) -> Rows:  # noqa: FBT001  a key of the cache
    tables = target.tables(as_of=as_of)
    where = [
        *standing(target.resource, tables),
        tables.column(cursor.TIE_BREAKER) == bindparam("id", required=False),
    ]
    wanted = statement(tables, tables.columns(needed(target.resource, names)), where)
    return Rows(plan(target.dialect, wanted), shaper(target.resource, names, target.dialect.name))


@lru_cache(maxsize=256)
def _tied(target: Target, names: tuple[str, ...], include: Include, as_of: bool) -> Rows:  # noqa: FBT001  a key of the cache
    tables = target.tables(as_of=as_of)
    by = or_(*(tables.column(target.resource.filters[name].path) == bindparam("id", required=False) for name in include.by))
    where = [*standing(target.resource, tables), by]
    wanted = statement(tables, tables.columns(needed(target.resource, names)), where)
    wanted = at_most(MAX_LIMIT + 1, wanted.order_by(tables.column(cursor.TIE_BREAKER)))
    return Rows(plan(target.dialect, wanted), shaper(target.resource, names, target.dialect.name))


def _has_text_ids(resource: Resource) -> bool:
    return resource.column(cursor.TIE_BREAKER).type == "string"


def _key(identifier: str, resource: Resource) -> str | int | None:
    """The id in the type of its column; None for what cannot be one."""
    if _has_text_ids(resource):
        return identifier if "\0" not in identifier else None
    whole = re.fullmatch(WHOLE, identifier) is not None and len(identifier) <= len(str(LARGEST_WHOLE))
    return int(identifier) if whole and int(identifier) <= LARGEST_WHOLE else None
