"""Suggestions for an id that does not exist: by similar ids, and by the search index."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select, union_all
from sqlalchemy.engine.interfaces import Dialect

from app.db.indexes import expression
from app.db.types import LARGEST_WHOLE
from app.domain.tokenizer import MARK, query_tokens, text_tokens
from app.errors import nearest
from app.query.compiled import Plan, at_most, plan
from app.query.sql import Tables, holding, selection, table_of
from app.query.text_index import ENTRY, holds, matching, search_expression
from app.resources.base import LANGS, Resource

NEIGHBOURS = 25
"""Ids compared to either side of the unknown one."""
LONGEST = 4
"""Words of the id that are searched for, the longest ones; each finds ``HITS`` at most."""
HITS = 50


def nearest_id(connection: Connection, resource: Resource, identifier: str) -> str | None:
    """Return the id of the resource that is most like ``identifier``, among some tens."""
    return nearest(identifier, [*_neighbours(connection, resource, identifier), *_sharing(connection, resource, identifier)])


def id_by_title(connection: Connection, resources: Sequence[Resource], name: str) -> str | None:
    """Return the id of the row whose title, in any language, is most like ``name``."""
    if not query_tokens(name):
        return None
    text = search_expression(connection.dialect.name, name, [resource.name for resource in resources])
    rows = _titles(connection.dialect).execute(connection, {"text": text})
    ids = {title: row[0] for row in rows for title in row[1:]}
    return ids[nearest(name, ids) or min(ids, key=len)] if ids else None


def _neighbours(connection: Connection, resource: Resource, identifier: str) -> Iterator[str]:
    text = identifier.replace("\0", "")
    whole = int(text) if re.fullmatch("[0-9]{1,9}", text) else LARGEST_WHOLE
    value = whole if resource.column("id").type == "integer" else text
    rows = _neighbouring_ids(resource, connection.dialect).execute(connection, {"id": value})
    return (str(row[0]) for row in rows)


def _sharing(connection: Connection, resource: Resource, identifier: str) -> Iterator[str]:
    words = sorted(set(text_tokens(identifier[:100])), key=lambda word: (-len(word), word))[:LONGEST]
    for word in words:
        text = expression(connection.dialect.name, [MARK + resource.name, word])
        yield from (row[0] for row in _any(connection.dialect).execute(connection, {"text": text}))


@lru_cache
def _neighbouring_ids(resource: Resource, dialect: Dialect) -> Plan:
    """Return the plan of the ids just before and after the parameter ``id``."""
    tables, table = Tables(resource, LANGS[0], dialect.name), table_of(resource)
    parameter: BindParameter[Any] = bindparam("id", required=False)
    sides = (
        select(table.c.id).where(table.c.id >= parameter).order_by(table.c.id).limit(NEIGHBOURS),
        select(table.c.id).where(table.c.id < parameter).order_by(table.c.id.desc()).limit(NEIGHBOURS),
    )
    key = tables.column("id")
    near = key.in_(union_all(*(select(side.subquery().c.id) for side in sides)))
    return plan(dialect, selection(tables, [key], [near, *holding(resource, tables)]))


@lru_cache
def _any(dialect: Dialect) -> Plan:
    return plan(dialect, at_most(HITS, matching(dialect.name, ENTRY.c.key).where(holds())))


@lru_cache
def _titles(dialect: Dialect) -> Plan:
    """Return the plan of some matching texts.

    They are not ranked: ranking would count all texts with any of the words.
    """
    columns = ENTRY.c.key, ENTRY.c.title_en, ENTRY.c.title_zh
    return plan(dialect, at_most(HITS, matching(dialect.name, *columns).where(holds())))
