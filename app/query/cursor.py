"""Keyset pagination: the total order of a list, and cursors that say where to continue.

A cursor is opaque to clients: URL-safe base64 of a JSON array with the fingerprint of the query and the sort values of
the last row seen.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Column, ColumnElement, Table, UnaryExpression, and_, bindparam, false, or_, tuple_

from app.domain.dataset import Cell, ColumnType
from app.errors import Fault, InvalidParameters
from app.resources.base import Lang, ListQuery, Resource

TIE_BREAKER = "id"
TOO_LARGE = 2**63
FREE = {"cursor", "limit", "total", "facets", "fields", "format", "lang", "as_of"}
"""Parameters that may differ from page to page."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort key: a public column and its direction; nulls come last either way."""

    name: str
    descending: bool


def order_of(resource: Resource, sort: Sequence[str] | None) -> tuple[SortKey, ...]:
    """Return the total order of a list: the requested keys, then the tie-breaker."""
    return _order(tuple(sort or resource.sort[:1]))


@lru_cache(maxsize=1024)
def _order(sort: tuple[str, ...]) -> tuple[SortKey, ...]:
    keys: dict[str, SortKey] = {}
    for text in (*sort, TIE_BREAKER):
        name = text.removeprefix("-")
        keys.setdefault(name, SortKey(name, descending=text.startswith("-")))
    return tuple(keys.values())


def encode(values: Sequence[Any]) -> str:
    """Return an opaque, URL-safe text of these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()


def decode(text: str, form: Any = list[Any]) -> Any:
    """Return the values in a text of ``encode``. Raises ValueError for another type."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=form)
    except (binascii.Error, msgspec.DecodeError) as error:
        raise ValueError("not a cursor") from error


def write(cells: Sequence[Cell], resource: Resource, query: ListQuery, lang: Lang, revision: int) -> str:
    """Return the cursor of the rows after the one with the sort values ``cells``."""
    return encode([_fingerprint(resource, query, lang), revision, *cells])


def read(  # noqa: PLR0913  the cursor, and what it must be of
    cursor: str, keys: Sequence[SortKey], resource: Resource, query: ListQuery, lang: Lang, revision: int
) -> list[Any]:
    """Return the sort values in a cursor, one per key.

    Raises:
        InvalidParameters: unless the cursor was made for this query at this revision.
    """
    try:
        fingerprint, made_at, *cells = decode(cursor)
        values = [_typed(cell, resource.column(key.name).type) for cell, key in zip(cells, keys, strict=True)]
    except (ValueError, TypeError):
        raise _foreign("This is not a cursor; use the `next` link of the page before, as it is.") from None
    if fingerprint != _fingerprint(resource, query, lang) or type(made_at) is not int:
        raise _foreign("This cursor belongs to another query; filters, `sort`, `q` and language must stay the same.")
    if made_at != revision:
        advice = f"start again, or add as_of={made_at}" if resource.versioned else "start again"
        raise _foreign(f"This cursor belongs to revision {made_at} and the data is at {revision}; {advice}.")
    return values


def direction(key: SortKey, column: ColumnElement[Any]) -> UnaryExpression[Any]:
    """Return the ORDER BY of one key.

    NULLS LAST is said only where needed, as it keeps engines from using an index.
    """
    by = column.desc() if key.descending else column.asc()
    return by.nulls_last() if _may_be_null(column) else by


def after(keys: Sequence[SortKey], columns: Sequence[ColumnElement[Any]], known: Sequence[bool]) -> ColumnElement[bool]:
    """Return the condition of rows after the one with the sort values ``last_0`` ….

    ``known`` says which of these values are not null.
    """
    values: list[BindParameter[Any]] = [
        bindparam(f"last_{place}", required=False, type_=column.type) for place, column in enumerate(columns)
    ]
    directions = {key.descending for key in keys}
    if len(directions) == 1 and not any(map(_may_be_null, columns)):
        row, last = tuple_(*columns), tuple_(*values)  # an index on these columns can seek it
        return row < last if directions == {True} else row > last
    branches = []
    for place, (key, column) in enumerate(zip(keys, columns, strict=True)):
        same = [
            other == value if is_known else other.is_(None)
            for other, value, is_known in zip(columns[:place], values[:place], known[:place], strict=True)
        ]
        if known[place]:  # nulls are last: nothing comes after one
            beyond = column < values[place] if key.descending else column > values[place]
            branches.append(and_(*same, or_(beyond, column.is_(None)) if _may_be_null(column) else beyond))
    return or_(false(), *branches)


def _may_be_null(column: ColumnElement[Any]) -> bool:
    """Return whether the column of a table, or of one joined to it, can be null."""
    joined = isinstance(column, Column) and not isinstance(column.table, Table)
    return not isinstance(column, Column) or joined or bool(column.nullable)


_TYPES: dict[ColumnType, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
_READ: dict[ColumnType, Callable[[str], Any]] = {"date": date.fromisoformat, "datetime": datetime.fromisoformat}


def _typed(cell: Any, kind: ColumnType) -> Any:
    """Return the cell as the database takes it. Raises ValueError or TypeError."""
    if cell is None:
        return None
    if type(cell) not in _TYPES.get(kind, (str,)):
        raise TypeError
    if (isinstance(cell, int | float) and not abs(cell) < TOO_LARGE) or (isinstance(cell, str) and "\0" in cell):
        raise ValueError
    return _READ[kind](cell) if kind in _READ else cell


def _fingerprint(resource: Resource, query: ListQuery, lang: Lang) -> str:
    parameters = vars(query)
    content = msgspec.json.encode([resource.name, lang, [parameters[name] for name in _binding(resource)]])
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@lru_cache
def _binding(resource: Resource) -> tuple[str, ...]:
    """Return the parameters that must stay the same from page to page."""
    return tuple(name for name in resource.query.model_fields if name not in FREE)


def _foreign(message: str) -> InvalidParameters:
    return InvalidParameters("The cursor cannot be used.", [Fault(message, "invalid_cursor", parameter="cursor")])
