"""CSV (RFC 4180) in UTF-8: a header line, one line a row, nulls as empty cells."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.dataset import ColumnType, Dataset, Row
from app.formats.base import Format, batches

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text cell that begins like this; an apostrophe before it makes it text again."""


def write(dataset: Dataset) -> Iterator[bytes]:
    """The header, then the rows in batches."""
    text = [place for place, column in enumerate(dataset.columns) if column.type == "string"]
    other = [place for place, column in enumerate(dataset.columns) if column.type in _WRITTEN]
    writers = [(place, _WRITTEN[dataset.columns[place].type]) for place in other]
    yield _lines([[column.name for column in dataset.columns]])
    for batch in batches(dataset):
        yield _lines([_written(row, text, writers) for row in batch])


def _written(row: Row, text: Sequence[int], writers: Sequence[tuple[int, Callable[[Any], str]]]) -> Row:
    """The row as its cells are written; mostly it is the row itself."""
    changed = {place: _neutral(row[place]) for place in text if str(row[place]).startswith(FORMULA)}
    changed |= {place: write_cell(row[place]) for place, write_cell in writers if row[place] is not None}
    return [changed.get(place, cell) for place, cell in enumerate(row)] if changed else row


def _neutral(cell: Any) -> Any:
    """The text, such that no spreadsheet runs it; a lone ``=`` is a comparator, and no formula."""
    return "'" + cell if isinstance(cell, str) and len(cell) > 1 else cell


def _truth(cell: bool) -> str:  # noqa: FBT001  it is a cell
    return "true" if cell else "false"


def _joined(cell: list[str]) -> str:
    """One member a line: the line end is the only character that no member has."""
    text = "\n".join(cell)
    return _neutral(text) if text.startswith(FORMULA) else text


_WRITTEN: dict[ColumnType, Callable[[Any], str]] = {"boolean": _truth, "strings": _joined}


def _lines(rows: Sequence[Row]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


CSV = Format(
    "csv",
    "text/csv",
    "csv",
    write,
    "RFC 4180 in UTF-8; nulls are empty cells.",
    parameters="; charset=utf-8; header=present",
    streams=True,
)
