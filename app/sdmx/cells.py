"""Conversion of observation rows to SDMX observations: tuples of cells in the order of ``COMPONENTS``."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from app.domain.dataset import Row
from app.sdmx.dsd import COMPARATORS, COMPONENTS, NOT_APPLICABLE, PLACES, TIME, unit_code
from app.sdmx.time_period import period

Cells = tuple[Any, ...]
"""One observation: one cell per component; None if it has no value."""

SERIES_ORDER = ("subject", "indicator", "nature", "source")
"""Sort order in which rows are read: it keeps the rows of a block together."""
_SOURCE_COLUMNS = ("region", "period_start", "period_end", "unit", "comparator")
"""Columns from which cells are derived; the other cells are copied."""
COLUMNS = tuple(
    dict.fromkeys((*SERIES_ORDER, *_SOURCE_COLUMNS, *(component.column for component in COMPONENTS if component.column)))
)
"""Columns that are read."""
_AT = {name: place for place, name in enumerate(COLUMNS)}
_block_key = itemgetter(*(_AT[name] for name in SERIES_ORDER))


def _cell_builder() -> Callable[[Row, str, str], list[Any]]:
    """Return a function from row, frequency and time to cells; CLAIM is set later."""
    region, unit, comparator, value = (_AT[name] for name in ("region", "unit", "comparator", "value"))
    copy_cells = itemgetter(*(_AT[component.column or "id"] for component in COMPONENTS))
    places = [PLACES[name] for name in ("FREQ", "REF_AREA", TIME, "COMPARATOR", "UNIT_MEASURE", "UNIT_MULT", "OBS_STATUS")]
    freq_at, area_at, time_at, comparator_at, unit_at, mult_at, status_at = places

    def build(row: Any, freq: str, time: str) -> list[Any]:
        cells = list(copy_cells(row))
        cells[freq_at], cells[time_at] = freq, time
        cells[area_at] = row[region] or NOT_APPLICABLE
        cells[comparator_at] = COMPARATORS.get(row[comparator])
        cells[unit_at], cells[mult_at] = unit_code(row[unit]), 0
        cells[status_at] = "M" if row[value] is None else "A"
        return cells

    return build


def blocks(rows: Iterable[Row]) -> Iterator[list[Cells]]:
    """Yield blocks: the observations of one subject, indicator, nature and source.

    A block is in the order of series and time. ``rows`` have the columns ``COLUMNS`` and are sorted by ``SERIES_ORDER``, then
    by id. If a source states several claims about the same thing and time, ``CLAIM`` numbers them in the order of their ids.
    """
    build, claim = _cell_builder(), PLACES["CLAIM"]
    start, end, reported = (_AT[name] for name in ("period_start", "period_end", "reported_on"))
    order = itemgetter(PLACES["FREQ"], claim, PLACES[TIME])
    for _, group in groupby(rows, _block_key):
        claims: Counter[tuple[str, str]] = Counter()
        block: list[list[Any]] = []
        for row in group:
            freq_and_time = period(row[start], row[end], row[reported])  # type: ignore[arg-type]  # columns of dates
            claims[freq_and_time] += 1
            cells = build(row, *freq_and_time)
            cells[claim] = claims[freq_and_time]
            block.append(cells)
        block.sort(key=order)
        yield [tuple(cells) for cells in block]


def block_changes(old: Iterable[list[Cells]], new: Iterable[list[Cells]]) -> Iterator[tuple[list[Cells], list[Cells]]]:
    """Yield per block the new or revised observations, and the deleted ones."""
    key = itemgetter(*(place for place, component in enumerate(COMPONENTS) if component.role in ("dimension", "time")))
    old_blocks, new_blocks = iter(old), iter(new)
    before, after = next(old_blocks, None), next(new_blocks, None)
    while before or after:
        position_before, position_after = _position(before), _position(after)
        old_cells = {key(cells): cells for cells in before} if before and not (after and position_after < position_before) else {}
        new_cells = {key(cells): cells for cells in after} if after and not (before and position_before < position_after) else {}
        if old_cells:
            before = next(old_blocks, None)
        if new_cells:
            after = next(new_blocks, None)
        revised = [cells for place, cells in new_cells.items() if old_cells.get(place) != cells]
        deleted = [cells for place, cells in old_cells.items() if place not in new_cells]
        if revised or deleted:
            yield revised, deleted


def _position(block: Sequence[Cells] | None) -> tuple[Any, ...]:
    """Return the sort key of a block in the order of blocks."""
    return tuple(block[0][PLACES[name.upper()]] for name in SERIES_ORDER) if block else ()
