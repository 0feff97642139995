"""Rows kept as JSON objects, in each language: most pages need only put them together.

They are the current rows of resources with very many of them, kept in step with every publication, in its transaction.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, delete, exists, insert, select

from app.formats.json import rows_of
from app.query.paging import Reader
from app.query.select import encoded_table_of, table_of
from app.resource import LANGS, Resource

BATCH = 500


def keep(connection: Connection, resource: Resource, touched: Select[Any]) -> None:
    """Keep the rows with the ids that ``touched`` selects as they are now; forget those that are no longer current."""
    table = encoded_table_of(resource)
    if table is None:
        return
    ids = sorted(set(connection.execute(touched).scalars()))
    for batch in (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)):
        connection.execute(delete(table).where(table.c.id.in_(batch)))
        _write(connection, resource, table, batch)


def complete(connection: Connection, resource: Resource) -> None:
    """Keep those current rows that are not: of a database that was written to by older software."""
    table, rows = encoded_table_of(resource), table_of(resource)
    if table is None:
        return
    missing = rows.c.retracted_in.is_(None) & ~exists().where(table.c.id == rows.c.id)
    last = ""
    while batch := list(
        connection.execute(select(rows.c.id).where(missing, rows.c.id > last).order_by(rows.c.id).limit(BATCH)).scalars()
    ):
        _write(connection, resource, table, batch)
        last = batch[-1]


def _write(connection: Connection, resource: Resource, table: Table, ids: Sequence[str]) -> None:
    # constructed, not validated: the limits for clients do not hold here
    filters: dict[str, Any] = {"id": list(ids)}
    query = resource.query.model_construct(limit=len(ids), **filters)
    made = [
        {"id": row.id, "lang": lang, "body": msgspec.json.encode(row)}
        for lang in LANGS
        for row in rows_of(Reader(connection, resource, lang).page(query).dataset)
    ]
    if made:
        connection.execute(insert(table), made)
