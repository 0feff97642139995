"""What a format is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from app.domain.dataset import Column, ColumnType, Dataset, RowForm

BATCH = 500
"""Rows that are written at once: what a reader that stalls holds in memory. Between two of them others get their turn."""


Content = TypeVar("Content")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Medium(Generic[Content]):
    """One representation of something that is no dataset; ``write`` makes its bytes."""

    name: str
    media_type: str
    write: Callable[[Content], bytes]
    content_type: str


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One representation of a dataset.

    Attributes:
        name: The value of the ``format`` parameter.
        media_type: What it is in Accept and Content-Type.
        extension: Of file names, without the dot.
        write: A pure generator of the bytes of a dataset.
        description: For OpenAPI.
        parameters: Of the media type, for Content-Type (``; charset=utf-8``).
        headers: Others of its answers.
        streams: Whether it is written row by row, so that a list of any length can be.
        counts: Whether it has room for the counts of facets.
        takes: How it likes rows best.
        at_once: Rows that are read and written in a few milliseconds; more would hold up the event loop.
        fits: Whether a dataset with these columns can be written in it.
    """

    name: str
    media_type: str
    extension: str
    write: Callable[[Dataset], Iterator[bytes]]
    description: str
    parameters: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False
    counts: bool = False
    takes: RowForm = "cells"
    at_once: int = 100
    fits: Callable[[Sequence[Column]], bool] = lambda _: True

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + self.parameters


WRITTEN: Mapping[ColumnType, Callable[[Any], str]] = {
    "boolean": lambda cell: "true" if cell else "false",
    "strings": "\n".join,  # the line end is the only character that no member has
}
"""What makes text of cells, where ``str`` does not."""


def batches(given: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Rows, ``size`` at a time; one empty batch where there are none. None is held here once it was given."""
    rows = iter(given)
    yield list(islice(rows, size))
    for first in rows:
        yield [first, *islice(rows, size - 1)]
