"""The waist between selecting observations and writing messages of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from typing import Literal

from app.errors import PayloadTooLarge
from app.sdmx.cells import Cells
from app.sdmx.dsd import ALL_DIMENSIONS, BY_ID, COMPONENTS, DIMENSIONS, PLACES, TIME, Component, Vocabulary

Action = Literal["Information", "Replace", "Delete"]
MOST_SORTED = 100_000
"""Observations that are put into another order than that in which they are read."""
Series = tuple[Cells, Sequence[Cells]]
"""The cells of the dimensions that its observations share, and these."""


@dataclass(frozen=True, slots=True)
class Part:
    """One data set of a message: observations, and what is to be done with them."""

    action: Action
    cells: Iterable[Cells]


@dataclass(frozen=True)
class Cube:
    """What a data message says.

    Attributes:
        parts: Its data sets, and what is in them; both can be gone through once.
        at: The dimension at the observations, or ``AllDimensions``.
        shown: The measures and attributes that it has.
        observed: Whether it has observations, and not only the keys of series.
        id: Of the message.
        prepared: When what it says was published (ISO 8601).
        lang: The language of names, where there is room for one.
        names: Of all codes.
        labels: Whether names stand beside ids, in formats that have both.
    """

    parts: Iterable[Part]
    at: str
    shown: tuple[Component, ...]
    observed: bool
    id: str
    prepared: str
    lang: Literal["en", "zh"]
    names: Vocabulary
    labels: bool = False

    @cached_property
    def dimensions(self) -> tuple[Component, ...]:
        """The dimensions, time among them."""
        return tuple(each for each in COMPONENTS if each.role in ("dimension", "time"))

    @cached_property
    def key(self) -> tuple[Component, ...]:
        """The dimensions that the observations of a series share."""
        return tuple(each for each in self.dimensions if each.id != self.at) if self.at != ALL_DIMENSIONS else ()

    def series(self, part: Part) -> Iterator[Series]:
        """The series of a data set; where there are no series, each observation as one without a key."""
        places = [PLACES[each.id] for each in self.key]
        if not places:
            yield from (((), (cells,)) for cells in part.cells)
            return
        pick = itemgetter(*places)
        for key, found in groupby(part.cells, pick):
            yield key, tuple(found) if self.observed else ()


def in_order(cells: Iterable[Cells], at: str) -> Iterable[Cells]:
    """The observations such that those of one series stand together, whichever dimension is at the observations.

    Raises PayloadTooLarge for more than can be put in order.
    """
    if at in (TIME, ALL_DIMENSIONS):
        return cells  # as they are read
    found = list(islice(cells, MOST_SORTED + 1))
    if len(found) > MOST_SORTED:
        raise PayloadTooLarge(f"More than {MOST_SORTED} observations; ask for less, or for series of {TIME}.")
    places = [PLACES[each.id] for each in (*DIMENSIONS, BY_ID[TIME]) if each.id != at]
    return sorted(found, key=itemgetter(*places, PLACES[at]))
