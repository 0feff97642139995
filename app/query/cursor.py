"""Keyset paging: the total order of a list, and cursors that say where in it to go on.

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
"""Parameters that may change from page to page."""


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key: a public column and its direction; nulls come last either way."""

    name: str
    descending: bool


def order_of(resource: Resource, sort: Sequence[str] | None) -> tuple[Key, ...]:
    """The total order of a list: the keys asked for, each once, then the tie-breaker."""
    return _order(tuple(sort or resource.sort[:1]))


@lru_cache(maxsize=1024)
def _order(sort: tuple[str, ...]) -> tuple[Key, ...]:
    keys: dict[str, Key] = {}
    for text in (*sort, TIE_BREAKER):
        name = text.removeprefix("-")
        keys.setdefault(name, Key(name, descending=text.startswith("-")))
    return tuple(keys.values())


def write(cells: Sequence[Cell], resource: Resource, query: ListQuery, lang: Lang, revision: int) -> str:
    """The cursor of the rows after the one whose sort values are ``cells``, at that revision."""
    content = msgspec.json.encode([_fingerprint(resource, query, lang), revision, *cells])
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def read(  # noqa: PLR0913  the cursor, and what it must be of
    cursor: str, keys: Sequence[Key], resource: Resource, query: ListQuery, lang: Lang, revision: int
) -> list[Any]:
    """The sort values in a cursor, one a key. Raises InvalidParameters unless it is of this query at this revision."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        fingerprint, made_at, *cells = msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=list[Any]
        )
        values = [_typed(cell, resource.column(key.name).type) for cell, key in zip(cells, keys, strict=True)]
    except (ValueError, TypeError, binascii.Error, msgspec.DecodeError):
        raise _foreign("This is not a cursor; use the `next` link of the page before, as it is.") from None
    if fingerprint != _fingerprint(resource, query, lang) or type(made_at) is not int:
        raise _foreign("This cursor belongs to another query; filters, `sort`, `q` and language must stay the same.")
    if made_at != revision:
        advice = f"start again, or add as_of={made_at}" if resource.versioned else "start again"
        raise _foreign(f"This cursor belongs to revision {made_at} and the data is at {revision}; {advice}.")
    return values


def direction(key: Key, column: ColumnElement[Any]) -> UnaryExpression[Any]:
    """How a list is sorted by one of its keys; no engine finds in an index that nulls are last where there are none."""
    by = column.desc() if key.descending else column.asc()
    return by.nulls_last() if _may_be_null(column) else by


def after(keys: Sequence[Key], columns: Sequence[ColumnElement[Any]], known: Sequence[bool]) -> ColumnElement[bool]:
    """The rows after the one whose sort values are the parameters ``last_0``, ``last_1`` …, of which some are ``known``."""
    values: list[BindParameter[Any]] = [
        bindparam(f"last_{place}", required=False, type_=column.type) for place, column in enumerate(columns)
    ]
    directions = {key.descending for key in keys}
    if len(directions) == 1 and not any(map(_may_be_null, columns)):
        row, last = tuple_(*columns), tuple_(*values)  # which an index of these columns can seek
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
    """Whether the column of a table, or of one joined to it, can be null."""
    joined = isinstance(column, Column) and not isinstance(column.table, Table)
    return not isinstance(column, Column) or joined or bool(column.nullable)


_TYPES: dict[ColumnType, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
_READ: dict[ColumnType, Callable[[str], Any]] = {"date": date.fromisoformat, "datetime": datetime.fromisoformat}


def _typed(cell: Any, kind: ColumnType) -> Any:
    """The cell of a column of this type, as the database takes it. Raises ValueError or TypeError for any other."""
    if cell is None:
        return None
    if type(cell) not in _TYPES.get(kind, (str,)):
        raise TypeError
    if (isinstance(cell, int | float) and not abs(cell) < TOO_LARGE) or (isinstance(cell, str) and "\0" in cell):
        raise ValueError
    return _READ[kind](cell) if kind in _READ else cell


def _fingerprint(resource: Resource, query: ListQuery, lang: Lang) -> str:
    given = vars(query)
    content = msgspec.json.encode([resource.name, lang, [given[name] for name in _binding(resource)]])
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@lru_cache
def _binding(resource: Resource) -> tuple[str, ...]:
    """The parameters that must stay the same from page to page."""
    return tuple(name for name in resource.query.model_fields if name not in FREE)


def _foreign(message: str) -> InvalidParameters:
    return InvalidParameters("The cursor cannot be used.", [Fault(message, "invalid_cursor", parameter="cursor")])
