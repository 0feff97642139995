"""What a format is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from app.dataset import Column, Dataset, Row

BATCH = 1000
"""Rows that are written at once: what a reader that stalls holds in memory."""


Content = TypeVar("Content")


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
        streams: Whether it is written row by row, so that a list of any length can be.
        takes_encoded: Whether it is made of rows as JSON objects, where a dataset has them.
        fits: Whether a dataset with these columns can be written in it.
    """

    name: str
    media_type: str
    extension: str
    write: Callable[[Dataset], Iterator[bytes]]
    description: str
    parameters: str = ""
    streams: bool = False
    takes_encoded: bool = False
    fits: Callable[[Sequence[Column]], bool] = lambda _: True

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + self.parameters


def batches(dataset: Dataset, size: int = BATCH) -> Iterator[list[Row]]:
    """The rows, ``size`` at a time; one empty batch where there are none. None is held here once it was given."""
    rows = iter(dataset.rows)
    yield list(islice(rows, size))
    for first in rows:
        yield [first, *islice(rows, size - 1)]
