"""CSV (RFC 4180) in UTF-8: a header line, one line a row, nulls as empty cells."""

import csv
import io
from collections.abc import Iterator, Sequence

from app.dataset import Cell, Column, Dataset
from app.formats.base import Format

CHUNK = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text cell that begins like this; an apostrophe before it makes it text again."""


def write(dataset: Dataset) -> Iterator[bytes]:
    """The header, then the rows in chunks."""
    yield _lines([[column.name for column in dataset.columns]])
    for start in range(0, len(dataset.rows), CHUNK):
        chunk = dataset.rows[start : start + CHUNK]
        yield _lines([[_cell(cell, column) for cell, column in zip(row, dataset.columns, strict=True)] for row in chunk])


def _lines(rows: Sequence[Sequence[Cell]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def _cell(cell: Cell, column: Column) -> Cell:
    if isinstance(cell, list):
        cell = "\n".join(cell)  # the only character that no member contains
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and column.type in ("string", "strings") and cell.startswith(FORMULA) and len(cell) > 1:
        return "'" + cell  # a lone "=" is a comparator, and no formula
    return cell


CSV = Format(
    "csv",
    "text/csv",
    "csv",
    write,
    "RFC 4180 in UTF-8; nulls are empty cells.",
    parameters="; charset=utf-8; header=present",
)
