"""JSON: the envelope of rows, ``meta`` and ``links``."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from app.domain.dataset import Dataset
from app.formats.base import Format


@lru_cache(maxsize=256)
def _row_type(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return a struct type: built from cells by position, encoded faster than dicts."""
    return msgspec.defstruct("Row", names)


def row_type(dataset: Dataset) -> type[msgspec.Struct]:
    """Return the struct type that turns the cells of a row into an object to encode."""
    return _row_type(tuple(column.name for column in dataset.columns))


def rows_of(dataset: Dataset) -> list[Any]:
    """Return the rows as objects to encode, or as already encoded JSON."""
    if dataset.form == "objects":
        return [msgspec.Raw(row) for row in dataset.rows]
    row = row_type(dataset)
    return [row(*cells) for cells in dataset.rows]


def encoded_rows(dataset: Dataset) -> list[msgspec.Raw]:
    """Return the rows as encoded JSON objects."""
    return [row if isinstance(row, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(row)) for row in rows_of(dataset)]


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield one JSON document: rows of a list, or an item with its included rows."""
    meta: dict[str, Any]
    if dataset.included is None:
        objects = list(dataset.rows) if dataset.form == "objects" else []
        rows = objects or rows_of(dataset)
        meta = {"revision": dataset.meta.revision, "count": len(rows), "total": dataset.meta.total}
        if dataset.meta.hints:
            meta["hints"] = [hint.document() for hint in dataset.meta.hints]
        counts = {name: [{"value": value, "count": count} for value, count in values] for name, values in dataset.facets.items()}
        envelope = {"meta": meta, "links": dataset.links, **({"facets": counts} if counts else {})}
        yield _joined(objects, envelope) if objects else msgspec.json.encode({"data": rows, **envelope})
        return
    included = {name: rows_of(rows) for name, rows in dataset.included.items()}
    data = dict(dataset.records()[0]) | included
    meta = {"revision": dataset.meta.revision, "truncated": dataset.meta.truncated}
    yield msgspec.json.encode({"data": data, "meta": meta, "links": dataset.links})


def _joined(rows: Sequence[bytes], envelope: Mapping[str, Any]) -> bytes:
    """Return the object with these rows as ``data``; most bytes are copied only once."""
    pieces = list(rows)
    pieces[0] = b'{"data":[' + pieces[0]
    pieces[-1] += b"]," + msgspec.json.encode(envelope)[1:]
    return b",".join(pieces)


JSON = Format(
    "json",
    "application/json",
    "json",
    write,
    "One object with rows, `meta` and `links`.",
    counts=True,
    row_form="objects",
    inline_rows=1500,  # a page of 1,000, or an item with as many of its rows
)
