"""Streams: whole lists of any length, read in pieces, each in a transaction of its own."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from app.db.engines import Opened
from app.domain.dataset import Dataset, Meta
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.resources.base import Lang, ListQuery, Resource

PIECE = 1000
"""Rows of one read: a client that stalls between two holds neither a transaction nor a connection, and little memory."""

MANY = 20_000
"""Rows above which a list is read in index order; shorter lists are filtered first and sorted for each piece.

Of five million rows, going through them takes as long as finding and sorting some ten thousand for each piece."""


def stream(opened: Opened, resource: Resource, query: ListQuery, lang: Lang) -> Dataset:
    """Return the whole list, whose rows are read while they are iterated over.

    ``opened`` opens a connection to read from. Rows are cells: stored JSON objects may be missing for some of them.
    Facts are all of the revision that is the latest when the stream begins. Other rows are so only if all pieces are of one
    snapshot (``Database.snapshot``); if they change meanwhile, iterating raises InvalidParameters: no mixture is ever complete.
    """
    as_of = getattr(query, "as_of", None)

    def repository(connection: Connection) -> Repository:
        return Repository(Snapshot.of(connection, lang), resource, as_of)

    with opened() as connection:
        first = repository(connection)
    if resource.versioned:
        as_of = first.revision
    indexed = query.sort is None or tuple(query.sort) in resource.orders

    def rows() -> Iterator[Any]:
        cursor = None
        with opened() as connection:
            in_order = indexed and repository(connection).exceeds(query, MANY)
        while True:
            piece = query.model_copy(update={"limit": PIECE, "cursor": cursor, "total": False, "facets": None})
            with opened() as connection:
                page = repository(connection).page(piece, in_order=in_order)
            cursor, rest = page.next, list(page.rows)[::-1]
            del page
            while rest:  # rows are dropped once yielded: a stalled client must not pin memory
                yield rest.pop()
            if cursor is None:
                return

    return Dataset(resource.name, resource.chosen(query.fields), rows(), Meta(first.revision, 0))
