"""CSV (RFC 4180) in UTF-8: a header line, one line a row, nulls as empty cells."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.dataset import ColumnType, Dataset, Row
from app.formats.base import Format, batches

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text cell that begins like this; an apostrophe before it makes it text again."""
_SUSPECT = re.compile(r"(?:\A|\0)[=+\-@\t\r][^\0]")
"""Finds one among the texts of a whole column, joined by NUL, much faster than a look at every cell; mostly there is none."""


def write(dataset: Dataset) -> Iterator[bytes]:
    """The header, then the rows in batches."""
    writers = {place: _WRITTEN[column.type] for place, column in enumerate(dataset.columns) if column.type in _WRITTEN}
    texts = [place for place, column in enumerate(dataset.columns) if column.type == "string"]

    def lines(batch: Sequence[Row]) -> bytes:
        columns = list(zip(*batch, strict=True)) if batch else []
        suspects = [place for place in texts if columns and _SUSPECT.search("\0".join(set(filter(None, columns[place]))))]
        changes = writers | dict.fromkeys(suspects, _neutral)
        return _lines([_written(row, changes) for row in batch] if changes else batch)

    yield _lines([[column.name for column in dataset.columns]])
    yield from map(lines, batches(dataset))


def _written(row: Row, changes: Mapping[int, Callable[[Any], Any]]) -> Row:
    """The row with some of its cells as they are written."""
    cells = list(row)
    for place, change in changes.items():
        if cells[place] is not None:
            cells[place] = change(cells[place])
    return cells


def _neutral(cell: str) -> str:
    """The text, such that no spreadsheet runs it; a lone ``=`` is a comparator, and no formula."""
    return "'" + cell if cell.startswith(FORMULA) and len(cell) > 1 else cell


def _truth(cell: bool) -> str:  # noqa: FBT001  it is a cell
    return "true" if cell else "false"


def _joined(cell: list[str]) -> str:
    """One member a line: the line end is the only character that no member has."""
    return _neutral("\n".join(cell))


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
