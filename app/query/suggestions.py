"""Rows to suggest for an id that there is not: by ids like it, and by the texts by which rows are found."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select, union_all
from sqlalchemy.engine.interfaces import Dialect

from app.db.indexes import expression
from app.db.types import LARGEST_WHOLE
from app.domain.tokenizer import MARK, asked, indexed
from app.errors import nearest
from app.query.compiled import Plan, at_most, plan
from app.query.sql import Tables, standing, statement, table_of
from app.query.text_index import ENTRY, holds, matching, wanted
from app.resources.base import LANGS, Resource

NEIGHBOURS = 25
"""Ids that are compared to either side of the one that there is not."""
LONGEST = 4
"""Words of the id by which others are looked for, the longest ones; each finds ``HITS`` at most."""
HITS = 50


def nearest_id(connection: Connection, resource: Resource, identifier: str) -> str | None:
    """Return the id of the resource that is most like one that there is not, among some tens."""
    return nearest(identifier, [*_neighbours(connection, resource, identifier), *_sharing(connection, resource, identifier)])


def named(connection: Connection, resources: Sequence[Resource], name: str) -> str | None:
    """Return the id of the row whose title is most like a name, in whichever language, among some that have its words."""
    if not asked(name):
        return None
    text = wanted(connection.dialect.name, name, [resource.name for resource in resources])
    found = {title: row[0] for row in _titles(connection.dialect).execute(connection, {"text": text}) for title in row[1:]}
    return found[nearest(name, found) or min(found, key=len)] if found else None


def _neighbours(connection: Connection, resource: Resource, identifier: str) -> Iterator[str]:
    text = identifier.replace("\0", "")
    whole = int(text) if re.fullmatch("[0-9]{1,9}", text) else LARGEST_WHOLE
    value = whole if resource.column("id").type == "integer" else text
    found = _beside(resource, connection.dialect).execute(connection, {"id": value})
    return (str(row[0]) for row in found)


def _sharing(connection: Connection, resource: Resource, identifier: str) -> Iterator[str]:
    words = sorted(set(indexed(identifier[:100])), key=lambda word: (-len(word), word))[:LONGEST]
    for word in words:
        text = expression(connection.dialect.name, [MARK + resource.name, word])
        yield from (row[0] for row in _any(connection.dialect).execute(connection, {"text": text}))


@lru_cache
def _beside(resource: Resource, dialect: Dialect) -> Plan:
    """The ids just before and after the parameter ``id``; those that do not stand are left out afterwards."""
    tables, table = Tables(resource, LANGS[0], dialect.name), table_of(resource)
    given: BindParameter[Any] = bindparam("id", required=False)
    sides = (
        select(table.c.id).where(table.c.id >= given).order_by(table.c.id).limit(NEIGHBOURS),
        select(table.c.id).where(table.c.id < given).order_by(table.c.id.desc()).limit(NEIGHBOURS),
    )
    key = tables.column("id")
    near = key.in_(union_all(*(select(side.subquery().c.id) for side in sides)))
    return plan(dialect, statement(tables, [key], [near, *standing(resource, tables)]))


@lru_cache
def _any(dialect: Dialect) -> Plan:
    return plan(dialect, at_most(HITS, matching(dialect.name, ENTRY.c.key).where(holds())))


@lru_cache
def _titles(dialect: Dialect) -> Plan:
    """Some texts that match. They are not ranked by the index, which would count all that have any of the words."""
    columns = ENTRY.c.key, ENTRY.c.title_en, ENTRY.c.title_zh
    return plan(dialect, at_most(HITS, matching(dialect.name, *columns).where(holds())))
