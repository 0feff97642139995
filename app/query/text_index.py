"""Conditions on the search index: rows with a text that matches a query, now or at an earlier revision."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    bindparam,
    cast,
    column,
    select,
    table,
)
from sqlalchemy.engine.interfaces import Dialect

from app.db.indexes import expression, matches
from app.db.types import unindexed
from app.domain.tokenizer import MARK, query_tokens
from app.query.compiled import Plan, at_most, plan
from app.query.snapshot import AS_OF

Condition = ColumnElement[bool]

ENTRY = table(
    "search_entry",
    *(column(name, Integer) for name in ("id", "held_from", "held_until")),
    *(column(name, String) for name in ("resource", "key", "region", "title_en", "title_zh", "body")),
    column("retired", Boolean),
)
INDEX = table("search_index", column("rowid", Integer))
TEXT: BindParameter[str] = bindparam("text", required=False, type_=String)
"""The parameter of the full-text expression, made by ``search_expression``."""
FEW = 5000
"""Matching texts up to which their rows are looked up; with more, rows are scanned until a page is full."""


def search_expression(dialect: str, query: str, resources: Sequence[str] = ()) -> str:
    """Return the expression for texts with every word of ``query``."""
    return expression(dialect, query_tokens(query), [MARK + name for name in resources])


def matching(dialect: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select the entries, of any revision, that match the parameter ``text``."""
    return select(*columns).select_from(ENTRY.join(INDEX, INDEX.c.rowid == ENTRY.c.id)).where(matches(dialect, TEXT))


def holds(*, as_of: bool = False) -> Condition:
    """Require that an entry holds now, or at the parameter ``as_of``."""
    if not as_of:
        return ENTRY.c.held_until.is_(None)
    return (ENTRY.c.held_from <= AS_OF) & (ENTRY.c.held_until.is_(None) | (ENTRY.c.held_until > AS_OF))


def contains(resource: str, key: ColumnElement[Any], dialect: str, *, common: bool, as_of: bool) -> Condition:
    """Require that the row with the id ``key`` has a text that matches ``text``.

    If very many have (``common``), the index is searched once, and then only the entries of scanned rows are read.
    """
    these = ENTRY.c.resource == resource, holds(as_of=as_of)
    if not common:
        return key.in_(matching(dialect, cast(ENTRY.c.key, key.type)).where(*these))
    rowids = select(INDEX.c.rowid).where(matches(dialect, TEXT))
    this = ENTRY.c.key == cast(key, String), unindexed(ENTRY.c.id, dialect).in_(rowids)
    return select(ENTRY.c.id).where(*these, *this).exists()


def is_common(connection: Connection, text: str) -> bool:
    """Return whether more than ``FEW`` texts match; only SQLite needs to know."""
    return connection.dialect.name == "sqlite" and bool(after_few(connection.dialect).execute(connection, {"text": text}))


@lru_cache
def after_few(dialect: Dialect) -> Plan:
    """Return the plan that finds a text after the first ``FEW``."""
    return plan(dialect, at_most(1, select(INDEX.c.rowid).where(matches(dialect.name, TEXT))).offset(FEW))
