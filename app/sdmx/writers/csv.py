"""SDMX-CSV 1.0 and 2.0: one line an observation, with all its dimensions."""

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
FLOW_URN = f"{AGENCY}:{FLOW}({VERSION})"
ACTIONS = {"Information": "I", "Replace": "R", "Delete": "D"}


def version_1(cube: Cube) -> Iterator[bytes]:
    """SDMX-CSV 1.0."""
    return _written(cube, ("DATAFLOW",), lambda _: (FLOW_URN,))


def version_2(cube: Cube) -> Iterator[bytes]:
    """SDMX-CSV 2.0: says of each line what is to be done with it."""
    return _written(cube, ("STRUCTURE", "STRUCTURE_ID", "ACTION"), lambda action: ("dataflow", FLOW_URN, ACTIONS[action]))


def _written(cube: Cube, first: Sequence[str], prefix: Callable[[str], tuple[str, ...]]) -> Iterator[bytes]:
    columns = (*cube.dimensions, *cube.shown) if cube.observed else cube.key
    number = 1 if cube.lang == "zh" else 0
    yield _lines([[*first, *(f"{each.id}: {each.names[number]}" if cube.labels else each.id for each in columns)]])
    shape = _shape(cube, columns, number)
    for part in cube.parts:
        named = prefix(part.action)
        lines = shape(part.cells) if cube.observed else (key for key, _ in cube.series(part))
        while batch := list(islice(lines, BATCH)):
            yield _lines([(*named, *cells) for cells in batch])


def _shape(cube: Cube, columns: Sequence[Component], number: int) -> Callable[[Any], Iterator[Cells]]:
    """What makes lines of observations."""
    places = [PLACES[each.id] for each in columns]
    lists = [cube.names.get(each.codes or "", {}) if cube.labels else {} for each in columns]

    def shaped(found: Iterator[Cells]) -> Iterator[Cells]:
        if columns == COMPONENTS and not cube.labels:
            yield from found
            return
        for cells in found:
            yield tuple(
                f"{cells[place]}: {names[cells[place]][number]}" if cells[place] in names else cells[place]
                for place, names in zip(places, lists, strict=True)
            )

    return shaped


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    buffer = io.StringIO()
    safe = ([neutral(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    csv.writer(buffer, lineterminator="\r\n").writerows(safe)
    return buffer.getvalue().encode()
