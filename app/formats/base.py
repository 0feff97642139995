"""Declarations of formats, and helpers for writing them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from app.domain.dataset import Column, ColumnType, Dataset, RowForm

BATCH = 500
"""Rows written at a time: the most that a stalled client holds in memory. Other requests run between two batches."""


Content = TypeVar("Content")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Medium(Generic[Content]):
    """One representation of content other than a dataset; ``write`` returns its bytes."""

    name: str
    media_type: str
    write: Callable[[Content], bytes]
    content_type: str


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One representation of a dataset.

    Attributes:
        name: The value of the ``format`` parameter.
        media_type: The media type in Accept and Content-Type.
        extension: The extension of file names, without the dot.
        write: A pure generator of the bytes of a dataset.
        description: The description in OpenAPI.
        parameters: Parameters of the media type in Content-Type (``; charset=utf-8``).
        headers: Further response headers.
        streams: True if it is written row by row, so that lists of any length can be.
        counts: True if it includes the counts of facets.
        row_form: The form of rows that it writes fastest.
        inline_rows: Rows that are read and written in a few milliseconds; more would block the event loop.
        fits: Predicate: can a dataset with these columns be written in this format?
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
    row_form: RowForm = "cells"
    inline_rows: int = 100
    fits: Callable[[Sequence[Column]], bool] = lambda _: True

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + self.parameters


CELL_TEXT: Mapping[ColumnType, Callable[[Any], str]] = {
    "boolean": lambda cell: "true" if cell else "false",
    "strings": "\n".join,  # the line end is the only character that no member has
}
"""Conversions of cells to text by column type, for types other than those that use ``str``."""


def batches(rows: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Yield rows in batches of ``size``; one empty batch if there are no rows.

    No row is referenced here after it was yielded, so that a stalled client does not pin memory.
    """
    iterator = iter(rows)
    yield list(islice(iterator, size))
    for first in iterator:
        yield [first, *islice(iterator, size - 1)]
