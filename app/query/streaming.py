"""A whole list, of whatever length: read in pieces, each in a transaction of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from app.dataset import Dataset, Meta, Row
from app.query.history import current_revision
from app.query.paging import Reader
from app.resource import Lang, ListQuery, Resource

PIECE = 1000
"""Rows of one read: a reader that stalls between two holds neither a transaction nor a connection, and little memory."""

Opened = Callable[[], AbstractContextManager[Connection]]


def stream(opened: Opened, resource: Resource, query: ListQuery, lang: Lang) -> Dataset:
    """The whole list as a dataset whose rows are read while they are gone through; ``opened`` gives a connection to read.

    Facts are all of the revision that is the latest when the stream begins. Where other rows change meanwhile, going on
    raises InvalidParameters, so that no mixture is ever complete.
    """
    as_of = getattr(query, "as_of", None)
    with opened() as connection:
        pinned = current_revision(connection) if as_of is None and resource.versioned else as_of
        revision = Reader(connection, resource, lang, pinned).revision

    indexed = query.sort is None or tuple(query.sort) in resource.orders

    def rows() -> Iterator[Row]:
        cursor = None
        while True:
            piece = query.model_copy(update={"limit": PIECE, "cursor": cursor, "total": False, "facets": None})
            with opened() as connection:
                page = Reader(connection, resource, lang, pinned).page(piece, in_order=cursor is not None and indexed)
            cursor, rest = page.next, list(page.dataset.rows)[::-1]
            del page
            while rest:  # so that nothing is held of what was given, however long the reader stalls then
                yield rest.pop()
            if cursor is None:
                return

    return Dataset(resource.name, resource.chosen(query.fields), rows(), Meta(revision, 0))
