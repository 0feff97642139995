"""CSV (RFC 4180) in UTF-8: a header line, one line a row, nulls as empty cells.

Written by whole batches, which cost a fraction of cell by cell: most batches have nothing that must be quoted.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from app.domain.dataset import SEPARATOR, Column, Dataset, Row
from app.formats.base import WRITTEN, Format, batches
from app.formats.spreadsheets import FORMULA, neutral

END = b"\r\n"
_CELL = SEPARATOR.encode()
_ROW = _CELL + b"\x1e" + _CELL
"""Between lines that are looked at together: each cell of them stands between two separators."""
_COMMAS = bytes.maketrans(_CELL, b",")
_QUOTED = (b",", b'"', b"\r", b"\n")
_SUSPECT = re.compile(_CELL + b"(?:" + b"|".join(re.escape(sign.encode()) for sign in FORMULA) + rb")[^\x1f]")
"""Finds a cell that may be a formula."""
_TEXTS = ("string", "strings", "html")


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield the header, then the rows in batches; no spreadsheet runs a text of it."""
    return _written(dataset, plain=False)


def write_plain(dataset: Dataset) -> Iterator[bytes]:
    """Yield the same with every text as it was published, for programs."""
    return _written(dataset, plain=True)


def _written(dataset: Dataset, *, plain: bool) -> Iterator[bytes]:
    yield b",".join(column.name.encode() for column in dataset.columns) + END
    written = partial(_of_lines if dataset.form == "lines" else _of_cells, columns=dataset.columns, plain=plain)
    yield from map(written, batches(dataset.rows))  # which holds no batch while a reader stalls


def _of_lines(batch: Sequence[bytes], columns: Sequence[Column], *, plain: bool) -> bytes:
    """Return the lines, where nothing in them must be quoted simply with commas."""
    joined = _ROW.join([b"", *batch, b""])
    if len(columns) == 1 or _is_special(joined):
        return _of_columns(list(zip(*(line.split(_CELL) for line in batch), strict=True)), columns, plain=plain)
    return joined[len(_ROW) :].replace(_ROW, END).translate(_COMMAS)


def _of_cells(batch: Sequence[Row], columns: Sequence[Column], *, plain: bool) -> bytes:
    texts = [WRITTEN.get(column.type, str) for column in columns]
    cells = zip(*batch, strict=True) if batch else ()
    return _of_columns(
        [[b"" if cell is None else text(cell).encode() for cell in column] for text, column in zip(texts, cells, strict=False)],
        columns,
        plain=plain,
    )


def _of_columns(found: list[Sequence[bytes]], columns: Sequence[Column], *, plain: bool) -> bytes:
    """Return columns of cells as text. Those of one column are never quite empty: a reader would skip the line."""
    if not found:
        return b""
    for place, (column, cells) in enumerate(zip(columns, found, strict=True)):
        if column.type in _TEXTS and _is_special(_ROW.join([b"", *set(cells), b""])):
            found[place] = [_quoted(cell if plain else neutral(cell.decode()).encode()) for cell in cells]
    if len(found) == 1:
        found[0] = [cell or b'""' for cell in found[0]]
    return END.join(map(b",".join, zip(*found, strict=True))) + END


def _is_special(joined: bytes) -> bool:
    """Whether something in these cells must perhaps be quoted, or kept from being run."""
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
