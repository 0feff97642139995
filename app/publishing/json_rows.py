"""Current rows stored as JSON objects in each language, for resources with very many rows: a page only joins them.

A publication updates them in its transaction. A row's ``number`` keys its JSON, so that neighbouring rows share database pages.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from app.formats.json import rows_of
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.query.sql import encoded_table_of, table_of
from app.resources.base import LANGS, Resource

FORMAT = 1
"""The format of JSON rows. Add one with every change of their members or values: ``indicators migrate`` then rebuilds them."""
BATCH = 500
"""Rows that are written by one statement."""


def keep(connection: Connection, resource: Resource, touched: Select[Any]) -> None:
    """Rewrite the JSON of the rows whose ids ``touched`` selects."""
    ids = sorted(set(connection.execute(touched).scalars()))
    for batch in (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)):
        rewrite(connection, resource, batch)


def rewrite(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    """Replace the JSON of the rows with these ids; ended rows have none."""
    _delete(connection, resource, ids)
    _insert(connection, resource, ids)


def _delete(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    """Delete the JSON of all versions of the rows with these ids."""
    rows = table_of(resource)
    numbered = rows.c.id.in_(ids) & rows.c.number.is_not(None)
    numbers = list(connection.execute(select(rows.c.number).where(numbered)).scalars())
    for table in (encoded_table_of(resource, lang) for lang in LANGS):
        connection.execute(delete(table).where(table.c.number.in_(numbers)))
    connection.execute(update(rows).where(numbered).values(number=None))


def _insert(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    """Insert the JSON of the current rows with these ids, under new numbers."""
    objects = {lang: rows_of(Repository(Snapshot.of(connection, lang), resource).by_ids(ids)) for lang in LANGS}
    current = [row.id for row in objects[LANGS[0]]]
    if not current:
        return
    rows, first = table_of(resource), encoded_table_of(resource, LANGS[0])
    start = 1 + (connection.execute(select(func.max(first.c.number))).scalar_one() or 0)
    row = rows.c.id == bindparam("of"), rows.c.retracted_in.is_(None)
    connection.execute(
        update(rows).where(*row).values(number=bindparam("at")),
        [{"of": identifier, "at": number} for number, identifier in enumerate(current, start)],
    )
    for lang, texts in objects.items():
        bodies = [{"number": number, "body": msgspec.json.encode(text)} for number, text in enumerate(texts, start)]
        connection.execute(insert(encoded_table_of(resource, lang)), bodies)
