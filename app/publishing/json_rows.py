"""Rows kept as JSON objects, in each language: most pages need only put them together.

They are the current rows of resources with very many of them, kept in step with every publication, in its transaction. A row
knows its number; by that its objects are found, those of neighbours beside each other.
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
"""The format of JSON rows: one more whenever the JSON of an observation changes, in members or their wording."""
BATCH = 500


def keep(connection: Connection, resource: Resource, touched: Select[Any]) -> None:
    """Keep the rows with the ids that ``touched`` selects as they are now; forget those that are no longer current."""
    ids = sorted(set(connection.execute(touched).scalars()))
    for batch in (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)):
        rewrite(connection, resource, batch)


def rewrite(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    """Replace the JSON of the rows with these ids by that of the current versions; those that ended have none."""
    _forget(connection, resource, ids)
    _write(connection, resource, ids)


def _forget(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    rows = table_of(resource)
    those = rows.c.id.in_(ids) & rows.c.number.is_not(None)
    numbers = list(connection.execute(select(rows.c.number).where(those)).scalars())
    for table in (encoded_table_of(resource, lang) for lang in LANGS):
        connection.execute(delete(table).where(table.c.number.in_(numbers)))
    connection.execute(update(rows).where(those).values(number=None))


def _write(connection: Connection, resource: Resource, ids: Sequence[str]) -> None:
    made = {lang: rows_of(Repository(Snapshot.of(connection, lang), resource).those(ids)) for lang in LANGS}
    current = [row.id for row in made[LANGS[0]]]
    if not current:
        return
    rows, first = table_of(resource), encoded_table_of(resource, LANGS[0])
    start = 1 + (connection.execute(select(func.max(first.c.number))).scalar_one() or 0)
    this = rows.c.id == bindparam("of"), rows.c.retracted_in.is_(None)
    connection.execute(
        update(rows).where(*this).values(number=bindparam("at")),
        [{"of": identifier, "at": number} for number, identifier in enumerate(current, start)],
    )
    for lang, found in made.items():
        bodies = [{"number": number, "body": msgspec.json.encode(row)} for number, row in enumerate(found, start)]
        connection.execute(insert(encoded_table_of(resource, lang)), bodies)
