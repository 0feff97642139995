"""SDMX-CSV 1.0 and 2.0: one line per observation, with all its dimensions."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from app.formats.spreadsheets import neutral
from app.sdmx.cells import Cells
from app.sdmx.cube import Cube
from app.sdmx.dsd import AGENCY, COMPONENTS, FLOW, PLACES, VERSION, Component

BATCH = 500
"""Lines that are written at a time."""
FLOW_URN = f"{AGENCY}:{FLOW}({VERSION})"
ACTIONS = {"Information": "I", "Replace": "R", "Delete": "D"}


def version_1(cube: Cube) -> Iterator[bytes]:
    """Return a message of SDMX-CSV 1.0 in chunks."""
    return _write(cube, ("DATAFLOW",), lambda _: (FLOW_URN,))


def version_2(cube: Cube) -> Iterator[bytes]:
    """Return a message of SDMX-CSV 2.0 in chunks; every line has an action."""
    return _write(cube, ("STRUCTURE", "STRUCTURE_ID", "ACTION"), lambda action: ("dataflow", FLOW_URN, ACTIONS[action]))


def _write(cube: Cube, first: Sequence[str], prefix: Callable[[str], tuple[str, ...]]) -> Iterator[bytes]:
    columns = (*cube.dimensions, *cube.shown) if cube.observed else cube.key
    language = 1 if cube.lang == "zh" else 0
    header = (f"{column.id}: {column.names[language]}" if cube.labels else column.id for column in columns)
    yield _lines([[*first, *header]])
    select = _selector(cube, columns, language)
    for part in cube.parts:
        first_cells = prefix(part.action)
        lines = select(part.cells) if cube.observed else (key for key, _ in cube.series(part))
        while batch := list(islice(lines, BATCH)):
            yield _lines([(*first_cells, *cells) for cells in batch])


def _selector(cube: Cube, columns: Sequence[Component], language: int) -> Callable[[Any], Iterator[Cells]]:
    """Return a function that selects columns of observations, with optional labels."""
    places = [PLACES[column.id] for column in columns]
    lists = [cube.names.get(column.codes or "", {}) if cube.labels else {} for column in columns]

    def select(observations: Iterator[Cells]) -> Iterator[Cells]:
        if columns == COMPONENTS and not cube.labels:
            yield from observations
            return
        for cells in observations:
            yield tuple(
                f"{cells[place]}: {names[cells[place]][language]}" if cells[place] in names else cells[place]
                for place, names in zip(places, lists, strict=True)
            )

    return select


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    buffer = io.StringIO()
    safe = ([neutral(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    csv.writer(buffer, lineterminator="\r\n").writerows(safe)
    return buffer.getvalue().encode()
