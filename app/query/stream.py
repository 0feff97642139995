"""A whole list, of whatever length: read in pieces, each in a transaction of its own."""

from collections.abc import Iterator
from typing import Any

from app.db.engines import Opened
from app.domain.dataset import Dataset, Meta, RowForm
from app.query.repository import Reader
from app.query.snapshot import current_revision
from app.resources.base import Lang, ListQuery, Resource

PIECE = 1000
"""Rows of one read: a reader that stalls between two holds neither a transaction nor a connection, and little memory."""

MANY = 20_000
"""Rows of which more are gone through in order; fewer are found by what is asked for, and sorted for each piece.

Of five million rows, going through them takes as long as finding and sorting some ten thousand for each piece."""


def stream(opened: Opened, resource: Resource, query: ListQuery, lang: Lang, form: RowForm = "cells") -> Dataset:
    """The whole list as a dataset whose rows are read while they are gone through; ``opened`` gives a connection to read.

    Rows come in ``form`` where all of them can be had so, else as cells: that some are kept as objects says nothing of the rest.
    Facts are all of the revision that is the latest when the stream begins. Other rows are so only if all pieces are of one
    snapshot (``Database.snapshot``); where they change meanwhile, going on raises InvalidParameters: no mixture is ever complete.
    """
    as_of = getattr(query, "as_of", None)
    with opened() as connection:
        pinned = current_revision(connection) if as_of is None and resource.versioned else as_of
        reader = Reader(connection, resource, lang, pinned)
    form = reader.form("cells" if form == "objects" else form, query)
    indexed = query.sort is None or tuple(query.sort) in resource.orders

    def rows() -> Iterator[Any]:
        cursor = None
        with opened() as connection:
            in_order = indexed and Reader(connection, resource, lang, pinned).exceeds(query, MANY)
        while True:
            piece = query.model_copy(update={"limit": PIECE, "cursor": cursor, "total": False, "facets": None})
            with opened() as connection:
                page = Reader(connection, resource, lang, pinned).page(piece, in_order=in_order, form=form)
            cursor, rest = page.next, list(page.dataset.rows)[::-1]
            del page
            while rest:  # so that nothing is held of what was given, however long the reader stalls then
                yield rest.pop()
            if cursor is None:
                return

    return Dataset(resource.name, resource.chosen(query.fields), rows(), Meta(reader.revision, 0), form=form)
