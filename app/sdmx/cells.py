"""From the rows of observations to SDMX observations: tuples of cells in the order of ``COMPONENTS``."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from app.domain.dataset import Row
from app.sdmx.dsd import COMPARATORS, COMPONENTS, NOT_APPLICABLE, PLACES, TIME, unit_code
from app.sdmx.time_period import period

Cells = tuple[Any, ...]
"""One observation: a cell per component, None where it has none."""

SERIES_ORDER = ("subject", "indicator", "nature", "source")
"""The order in which rows are read: those of one block stand together."""
_MADE_OF = ("region", "period_start", "period_end", "unit", "comparator")
COLUMNS = tuple(dict.fromkeys((*SERIES_ORDER, *_MADE_OF, *(each.column for each in COMPONENTS if each.column))))
"""What is read of each row."""
_AT = {name: place for place, name in enumerate(COLUMNS)}
_block = itemgetter(*(_AT[name] for name in SERIES_ORDER))


def _reader() -> Callable[[Row, str, str], list[Any]]:
    """What makes cells of a row, a frequency and a time; all but which claim it is."""
    region, unit, comparator, value = (_AT[name] for name in ("region", "unit", "comparator", "value"))
    copied = itemgetter(*(_AT[each.column or "id"] for each in COMPONENTS))
    places = [PLACES[name] for name in ("FREQ", "REF_AREA", TIME, "COMPARATOR", "UNIT_MEASURE", "UNIT_MULT", "OBS_STATUS")]
    freq_at, area_at, time_at, comparator_at, unit_at, mult_at, status_at = places

    def read(row: Any, freq: str, time: str) -> list[Any]:
        cells = list(copied(row))
        cells[freq_at], cells[time_at] = freq, time
        cells[area_at] = row[region] or NOT_APPLICABLE
        cells[comparator_at] = COMPARATORS.get(row[comparator])
        cells[unit_at], cells[mult_at] = unit_code(row[unit]), 0
        cells[status_at] = "M" if row[value] is None else "A"
        return cells

    return read


def blocks(rows: Iterable[Row]) -> Iterator[list[Cells]]:
    """The observations of each subject, indicator, nature and source in turn, in the order of series and time.

    ``rows`` have the columns ``COLUMNS`` and come in the order ``SERIES_ORDER``, then by id. Where a source states several
    claims about the same thing and time, ``CLAIM`` numbers them in the order of their ids.
    """
    read, claim = _reader(), PLACES["CLAIM"]
    start, end, reported = (_AT[name] for name in ("period_start", "period_end", "reported_on"))
    order = itemgetter(PLACES["FREQ"], claim, PLACES[TIME])
    for _, group in groupby(rows, _block):
        seen: Counter[tuple[str, str]] = Counter()
        found: list[list[Any]] = []
        for row in group:
            when = period(row[start], row[end], row[reported])  # type: ignore[arg-type]  # columns of dates
            seen[when] += 1
            cells = read(row, *when)
            cells[claim] = seen[when]
            found.append(cells)
        found.sort(key=order)
        yield [tuple(cells) for cells in found]


def changed(old: Iterable[list[Cells]], new: Iterable[list[Cells]]) -> Iterator[tuple[list[Cells], list[Cells]]]:
    """What blocks have become since: of each the observations that are new or other, and those that are gone."""
    key = itemgetter(*(place for place, each in enumerate(COMPONENTS) if each.role in ("dimension", "time")))
    befores, afters = iter(old), iter(new)
    before, after = next(befores, None), next(afters, None)
    while before or after:
        place_before, place_after = _place(before), _place(after)
        there = {key(cells): cells for cells in before} if before and not (after and place_after < place_before) else {}
        here = {key(cells): cells for cells in after} if after and not (before and place_before < place_after) else {}
        if there:
            before = next(befores, None)
        if here:
            after = next(afters, None)
        revised = [cells for place, cells in here.items() if there.get(place) != cells]
        gone = [cells for place, cells in there.items() if place not in here]
        if revised or gone:
            yield revised, gone


def _place(block: Sequence[Cells] | None) -> tuple[Any, ...]:
    """Where a block stands in the order of blocks."""
    return tuple(block[0][PLACES[name.upper()]] for name in SERIES_ORDER) if block else ()
