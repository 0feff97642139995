"""CSV (RFC 4180) in UTF-8: a header line, one line per row, nulls as empty cells.

Whole batches are checked at once, which costs a fraction of checking every cell: most batches need no quotes.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from app.domain.dataset import SEPARATOR, Column, Dataset, Row
from app.formats.base import CELL_TEXT, Format, batches
from app.formats.spreadsheets import FORMULA, neutral

END = b"\r\n"
_CELL = SEPARATOR.encode()
_ROW = _CELL + b"\x1e" + _CELL
"""Separator of lines that are checked together; it keeps every cell between two cell separators."""
_COMMAS = bytes.maketrans(_CELL, b",")
_QUOTED = (b",", b'"', b"\r", b"\n")
_SUSPECT = re.compile(_CELL + b"(?:" + b"|".join(re.escape(sign.encode()) for sign in FORMULA) + rb")[^\x1f]")
"""Pattern of a cell that may be a formula."""
_TEXTS = ("string", "strings", "html")


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield the header, then batches of rows, with formulas escaped for spreadsheets."""
    return _write(dataset, plain=False)


def write_plain(dataset: Dataset) -> Iterator[bytes]:
    """Yield the header, then batches of rows, with texts as published, for programs."""
    return _write(dataset, plain=True)


def _write(dataset: Dataset, *, plain: bool) -> Iterator[bytes]:
    yield b",".join(column.name.encode() for column in dataset.columns) + END
    write_batch = partial(_from_lines if dataset.form == "lines" else _from_cells, columns=dataset.columns, plain=plain)
    yield from map(write_batch, batches(dataset.rows))  # unlike a loop variable, map pins no batch while a client stalls


def _from_lines(batch: Sequence[bytes], columns: Sequence[Column], *, plain: bool) -> bytes:
    """Return a batch as CSV, by replacing its separators if no cell needs quotes."""
    joined = _ROW.join([b"", *batch, b""])
    if len(columns) == 1 or _is_special(joined):
        return _from_columns(list(zip(*(line.split(_CELL) for line in batch), strict=True)), columns, plain=plain)
    return joined[len(_ROW) :].replace(_ROW, END).translate(_COMMAS)


def _from_cells(batch: Sequence[Row], columns: Sequence[Column], *, plain: bool) -> bytes:
    texts = [CELL_TEXT.get(column.type, str) for column in columns]
    cells = zip(*batch, strict=True) if batch else ()
    return _from_columns(
        [[b"" if cell is None else text(cell).encode() for cell in column] for text, column in zip(texts, cells, strict=False)],
        columns,
        plain=plain,
    )


def _from_columns(cells_by_column: list[Sequence[bytes]], columns: Sequence[Column], *, plain: bool) -> bytes:
    """Return columns of cells as CSV.

    Empty cells of a single column are quoted: a parser would skip an empty line.
    """
    if not cells_by_column:
        return b""
    for place, (column, cells) in enumerate(zip(columns, cells_by_column, strict=True)):
        if column.type in _TEXTS and _is_special(_ROW.join([b"", *set(cells), b""])):
            cells_by_column[place] = [_quoted(cell if plain else neutral(cell.decode()).encode()) for cell in cells]
    if len(cells_by_column) == 1:
        cells_by_column[0] = [cell or b'""' for cell in cells_by_column[0]]
    return END.join(map(b",".join, zip(*cells_by_column, strict=True))) + END


def _is_special(joined: bytes) -> bool:
    """Return whether any of these cells may need quotes, or may be a formula."""
    return any(sign in joined for sign in _QUOTED) or _SUSPECT.search(joined) is not None


def _quoted(cell: bytes) -> bytes:
    return b'"' + cell.replace(b'"', b'""') + b'"' if any(sign in cell for sign in _QUOTED) else cell


CSV = Format(
    "csv",
    "text/csv",
    "csv",
    write,
    "RFC 4180 in UTF-8; nulls are empty cells.",
    parameters="; charset=utf-8; header=present",
    streams=True,
    takes="lines",
    at_once=500,
)
