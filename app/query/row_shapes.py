"""From the tuples of a driver to the rows of a dataset."""

from collections.abc import Callable, Sequence
from typing import Any

from app.db.types import CELLS
from app.domain.dataset import Row
from app.resources.base import Resource

Shaper = Callable[[Sequence[tuple[Any, ...]]], Sequence[Row]]


def shaper(resource: Resource, names: Sequence[str], dialect: str) -> Shaper:
    """What makes rows with the columns ``names`` of tuples that begin with these; most cells are as the driver gives them."""
    cells = CELLS[dialect]
    width = len(names)
    patches = [(place, cells[kind]) for place, name in enumerate(names) if (kind := resource.column(name).type) in cells]

    def shape(stored: Sequence[tuple[Any, ...]]) -> Sequence[Row]:
        if stored and len(stored[0]) > width:
            stored = [row[:width] for row in stored]
        return [_patched(row, patches) for row in stored] if patches else stored

    return shape


def _patched(row: tuple[Any, ...], patches: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    found = list(row)
    for place, convert in patches:
        if found[place] is not None:
            found[place] = convert(found[place])
    return found
