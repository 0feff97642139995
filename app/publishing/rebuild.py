"""Rebuilding derived data of another format, as a part of ``indicators migrate``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlmodel import SQLModel

from app.db.database import Database
from app.publishing import json_rows, search_index
from app.publishing.derived_data import DERIVED_FORMATS, Kind
from app.publishing.revisions import rewrite_statements
from app.query.sql import table_of
from app.resources import BY_NAME
from app.resources.base import Resource

DERIVED: Table = SQLModel.metadata.tables["derived"]
BATCH = 500
"""Rows that are rewritten in one transaction."""

REWRITE: Mapping[Kind, Callable[[Connection, Resource, Sequence[Any]], None]] = {
    "statements": rewrite_statements,
    "json_rows": json_rows.rewrite,
    "search_entries": search_index.rewrite,
}
"""The function that writes the derived data of the rows with some ids anew, by kind."""


def rebuild(database: Database, formats: Mapping[tuple[Kind, str], int] = DERIVED_FORMATS, batch: int = BATCH) -> None:
    """Rebuild the derived data of other formats than ``formats``.

    Every batch is a transaction: readers see old rows or new ones, and a run that was killed goes on where it stopped.
    """
    for (kind, name), number in formats.items():
        unfinished = True
        while unfinished:
            with database.write() as connection:
                unfinished = _rebuild_batch(connection, kind, BY_NAME[name], number, batch)


def _rebuild_batch(connection: Connection, kind: Kind, resource: Resource, number: int, batch: int) -> bool:
    """Rebuild the next rows, and note the position; return whether there were any."""
    this = DERIVED.c.kind == kind, DERIVED.c.resource == resource.name
    stored = connection.execute(select(DERIVED.c.format, DERIVED.c.position).where(*this)).first()
    if stored == (number, None):
        return False
    key = table_of(resource).c.id
    only = [table_of(resource).c[column] == value for column, value in resource.only.items()]
    if stored is not None and stored.format == number:
        only.append(key > key.type.python_type(stored.position))
    ids = connection.execute(select(key).distinct().where(*only).order_by(key).limit(batch)).scalars().all()
    if ids:
        REWRITE[kind](connection, resource, ids)
    position = str(ids[-1]) if ids else None
    connection.execute(delete(DERIVED).where(*this))
    connection.execute(insert(DERIVED).values(kind=kind, resource=resource.name, format=number, position=position))
    return bool(ids)
