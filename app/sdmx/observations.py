"""Database reads for SDMX messages: the names of codes, observations, and the values that occur."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from app.db.engines import Opened
from app.domain.dataset import Row
from app.errors import NotFound
from app.query.snapshot import Snapshot, revision_at
from app.query.sql import history_of, table_of
from app.query.stream import stream
from app.resources.base import Lang
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS, ObservationQuery
from app.resources.parameter_types import MAX_FILTER_VALUES
from app.resources.regions import REGIONS
from app.resources.sources import SOURCES
from app.sdmx.cells import COLUMNS, SERIES_ORDER, Cells, block_changes, blocks
from app.sdmx.cube import DataSet
from app.sdmx.data_query import Selection
from app.sdmx.dsd import CLOSED, COMPONENTS, DIMENSIONS, NOT_APPLICABLE, PLACES, TIME, CodeNames, InternationalString, unit_code
from app.sdmx.time_period import span

FILTERS = {"REF_AREA": "region", "SUBJECT": "subject", "INDICATOR": "indicator", "NATURE": "nature", "SOURCE": "source"}
"""Filters of observations by dimension, for the dimensions that have one."""


def vocabulary(connection: Connection) -> CodeNames:
    """Return the names of all codes, by code list."""
    entity, indicator, source = (table_of(resource).c for resource in (REGIONS, INDICATORS, SOURCES))
    entities = connection.execute(select(entity.id, entity.kind, entity.name_en, entity.name_zh).order_by(entity.id)).all()
    indicators = connection.execute(
        select(
            indicator.id, indicator.name_en, indicator.name_zh, indicator.unit, indicator.unit_name_en, indicator.unit_name_zh
        ).order_by(indicator.id)
    ).all()
    sources = connection.execute(select(source.id, source.title_en, source.title_zh).order_by(source.id)).all()
    units: dict[str, InternationalString] = {}
    for row in indicators:
        name = (f"{row.unit_name_en} ({row.unit})", f"{row.unit_name_zh} ({row.unit})")
        units.setdefault(unit_code(row.unit), name)
    published: dict[str, dict[str, InternationalString]] = {
        "CL_REF_AREA": {NOT_APPLICABLE: ("Not applicable: active in many regions", "不适用")}
        | {row.id: (row.name_en, row.name_zh) for row in entities if row.kind == "region"},
        "CL_SUBJECT": {row.id: (row.name_en, row.name_zh) for row in entities},
        "CL_INDICATOR": {row.id: (row.name_en, row.name_zh) for row in indicators},
        "CL_SOURCE": {row.id: (row.title_en, row.title_zh) for row in sources},
        "CL_UNIT_MEASURE": units,
    }
    lists = (component.codes for component in COMPONENTS if component.codes is not None)
    return {name: CLOSED.get(name) or published[name] for name in lists}


@dataclass(frozen=True, slots=True)
class ObservationStore:
    """Observations as of one revision, in one language.

    Attributes:
        opened: The factory of connections for reading a batch.
        lang: The language of texts that are in one language.
        as_of: The revision.
    """

    opened: Opened
    lang: Lang
    as_of: int

    def blocks(self, selection: Selection) -> Iterator[list[Cells]]:
        """Return the blocks that contain the selection.

        Filters of the database narrow them down; the caller applies the rest of the selection.
        """
        allowed = {FILTERS[name]: codes for name, codes in selection.allowed().items() if name in FILTERS}
        filters = {name: sorted(codes) for name, codes in allowed.items() if NOT_APPLICABLE not in codes}
        if not filters:
            return blocks(self._rows({}))
        rows = (self._rows(filters | {"subject": [subject]}) for subject in self._subjects(filters))
        return blocks(chain.from_iterable(rows))  # SERIES_ORDER begins with the subject

    def _subjects(self, filters: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """Return, in order, the subjects of observations that match in any revision."""
        table = table_of(OBSERVATIONS)
        query = select(table.c.subject).distinct().order_by(table.c.subject)
        for name, codes in filters.items():
            matches: ColumnElement[bool] = table.c[name].in_(codes)
            history = history_of(table, name)
            if history is not None:
                matches = or_(matches, table.c.id.in_(select(history.c.id).where(history.c[name].in_(codes))))
            query = query.where(matches)
        with self.opened() as connection:
            return connection.execute(query).scalars().all()

    def _rows(self, filters: Mapping[str, Sequence[str]]) -> Iterator[Row]:
        """Return the observations in series order, ignoring filters with too many codes."""
        values: Any = {name: list(codes) for name, codes in filters.items() if len(codes) <= MAX_FILTER_VALUES}
        query = ObservationQuery(sort=list(SERIES_ORDER), fields=list(COLUMNS), limit=None, as_of=self.as_of, **values)
        return iter(stream(self.opened, OBSERVATIONS, query, self.lang).rows)

    def observations(self, selection: Selection) -> Iterator[Cells]:
        """Return the selected observations."""
        return chain.from_iterable(map(selection.of, self.blocks(selection)))

    def changes(self, selection: Selection, since: int) -> Iterator[DataSet]:
        """Yield the selected observations revised since a revision, then the deleted ones."""
        earlier = ObservationStore(self.opened, self.lang, since)
        old, new = (filter(None, map(selection.of, store.blocks(selection))) for store in (earlier, self))
        deleted: list[Cells] = []

        changes = block_changes(old, new)
        first = next(changes, None)
        if first is None:
            raise NotFound("Nothing of this kind has changed.")

        def revised() -> Iterator[Cells]:
            for replaced, removed in chain((first,), changes):
                deleted.extend(removed)
                yield from replaced

        yield DataSet("Replace", revised())
        if deleted:
            yield DataSet("Delete", deleted)


@dataclass(slots=True)
class Survey:
    """Availability of data: the values of every dimension, the periods, and the numbers of series and observations."""

    values: dict[str, set[str]] = field(default_factory=lambda: {dimension.id: set() for dimension in DIMENSIONS})
    times: set[str] = field(default_factory=set)
    series: int = 0
    observations: int = 0

    @property
    def period(self) -> tuple[str, str] | None:
        """The first and the last day of all periods."""
        spans = [span(time) for time in self.times]
        return (str(min(spans)[0]), str(max(last for _, last in spans))) if spans else None


def survey(store: ObservationStore, selection: Selection, mode: str) -> Survey:
    """Return the availability of a selection.

    With ``mode`` available, it includes the values that would be selected if their dimension were left open.

    Raises:
        NotFound: if no observation is selected.
    """
    result = Survey()
    key_size = len(DIMENSIONS)
    scope = Selection() if mode == "available" else selection
    for block in store.blocks(scope):
        series = set()
        for cells in block:
            blockers = selection.blockers(cells)
            for place, dimension in enumerate(DIMENSIONS):
                if not blockers or (mode == "available" and blockers == {place}):
                    result.values[dimension.id].add(str(cells[place]))
            if not blockers:
                result.times.add(cells[PLACES[TIME]])
                result.observations += 1
                series.add(cells[:key_size])
        result.series += len(series)
    if not result.observations:
        raise NotFound("There are no observations of this kind.")
    return result


MAX_BUFFERED = 256 * 1024
"""Bytes of the largest response that is sent, and cached, as a whole."""


def first_chunk(make: Callable[[], Iterator[bytes]]) -> tuple[bytes, Iterator[bytes] | None]:
    """Return the first bytes that ``make`` writes, and the remaining chunks, or None."""
    pieces, size, chunks = [], 0, make()
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > MAX_BUFFERED:
            return b"".join(pieces), chunks
    return b"".join(pieces), None


def at_least_one(cells: Iterator[Cells]) -> Iterator[Cells]:
    """Return the observations. Raises NotFound if there are none."""
    first = next(cells, None)
    if first is None:
        raise NotFound("There are no observations of this kind.")
    return chain((first,), cells)


def revision_of(opened: Opened, moment: int | datetime | None, parameter: str) -> int | None:
    """Return the revision that was current at a moment; None without a moment."""
    if moment is None:
        return None
    with opened() as connection:
        return revision_at(Snapshot.of(connection), moment, parameter)
