"""Data messages, independent of syntax: the interface between selecting observations and writing them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from typing import Literal

from app.errors import PayloadTooLarge
from app.sdmx.cells import Cells
from app.sdmx.dsd import ALL_DIMENSIONS, BY_ID, COMPONENTS, DIMENSIONS, PLACES, TIME, CodeNames, Component

Action = Literal["Information", "Replace", "Delete"]
MOST_SORTED = 100_000
"""Observations that are sorted in memory, if their order differs from that in which they are read."""
Series = tuple[Cells, Sequence[Cells]]
"""The key of a series (the cells of the dimensions that its observations share), and its observations."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set of a message: observations, and the action on them."""

    action: Action
    cells: Iterable[Cells]


@dataclass(frozen=True)
class Cube:
    """The content of a data message.

    Attributes:
        parts: The data sets; they and their cells can be iterated once.
        at: The dimension at observation level, or ``AllDimensions``.
        shown: The measures and attributes in the message.
        observed: True if it has observations, False if it has only series keys.
        id: The id of the message.
        prepared: The time of publication of its content (ISO 8601).
        lang: The language of names in formats with one language.
        names: The names of all codes.
        labels: True if names accompany ids, in formats that allow both.
    """

    parts: Iterable[DataSet]
    at: str
    shown: tuple[Component, ...]
    observed: bool
    id: str
    prepared: str
    lang: Literal["en", "zh"]
    names: CodeNames
    labels: bool = False

    @cached_property
    def dimensions(self) -> tuple[Component, ...]:
        """The dimensions, including time."""
        return tuple(component for component in COMPONENTS if component.role in ("dimension", "time"))

    @cached_property
    def key(self) -> tuple[Component, ...]:
        """The dimensions that the observations of a series share."""
        return tuple(dimension for dimension in self.dimensions if dimension.id != self.at) if self.at != ALL_DIMENSIONS else ()

    def series(self, part: DataSet) -> Iterator[Series]:
        """Yield the series of a data set; in a flat list, every observation without a key."""
        places = [PLACES[dimension.id] for dimension in self.key]
        if not places:
            yield from (((), (cells,)) for cells in part.cells)
            return
        series_key = itemgetter(*places)
        for key, observations in groupby(part.cells, series_key):
            yield key, tuple(observations) if self.observed else ()


def in_order(cells: Iterable[Cells], at: str) -> Iterable[Cells]:
    """Return the observations grouped by series for the dimension ``at``.

    Raises:
        PayloadTooLarge: for more observations than can be sorted.
    """
    if at in (TIME, ALL_DIMENSIONS):
        return cells  # they are read in this order
    observations = list(islice(cells, MOST_SORTED + 1))
    if len(observations) > MOST_SORTED:
        raise PayloadTooLarge(f"More than {MOST_SORTED} observations; ask for less, or for series of {TIME}.")
    places = [PLACES[dimension.id] for dimension in (*DIMENSIONS, BY_ID[TIME]) if dimension.id != at]
    return sorted(observations, key=itemgetter(*places, PLACES[at]))
