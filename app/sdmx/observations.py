"""What SDMX messages are made of, read from the database: the names of codes, observations, and which values occur."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, or_, select

from app.db.engines import Opened
from app.domain.dataset import Row
from app.errors import NotFound
from app.query.snapshot import Snapshot, revision_at
from app.query.sql import before, table_of
from app.query.stream import stream
from app.resources.base import MAX_FILTER_VALUES, Lang
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS, ObservationQuery
from app.resources.regions import REGIONS
from app.resources.sources import SOURCES
from app.sdmx.cells import COLUMNS, SERIES_ORDER, Cells, blocks, changed
from app.sdmx.cube import Part
from app.sdmx.data_query import Selection
from app.sdmx.dsd import CLOSED, COMPONENTS, DIMENSIONS, NOT_APPLICABLE, PLACES, TIME, Names, Vocabulary, unit_code
from app.sdmx.time_period import span

FILTERS = {"REF_AREA": "region", "SUBJECT": "subject", "INDICATOR": "indicator", "NATURE": "nature", "SOURCE": "source"}
"""The dimensions by which rows can be looked up, with the filters that do."""


def vocabulary(connection: Connection) -> Vocabulary:
    """The names of all codes, by code list."""
    entity, indicator, source = (table_of(resource).c for resource in (REGIONS, INDICATORS, SOURCES))
    entities = connection.execute(select(entity.id, entity.kind, entity.name_en, entity.name_zh).order_by(entity.id)).all()
    indicators = connection.execute(
        select(
            indicator.id, indicator.name_en, indicator.name_zh, indicator.unit, indicator.unit_name_en, indicator.unit_name_zh
        ).order_by(indicator.id)
    ).all()
    sources = connection.execute(select(source.id, source.title_en, source.title_zh).order_by(source.id)).all()
    units: dict[str, Names] = {}
    for row in indicators:
        named = (f"{row.unit_name_en} ({row.unit})", f"{row.unit_name_zh} ({row.unit})")
        units.setdefault(unit_code(row.unit), named)
    found: dict[str, dict[str, Names]] = {
        "CL_REF_AREA": {NOT_APPLICABLE: ("Not applicable: active in many regions", "不适用")}
        | {row.id: (row.name_en, row.name_zh) for row in entities if row.kind == "region"},
        "CL_SUBJECT": {row.id: (row.name_en, row.name_zh) for row in entities},
        "CL_INDICATOR": {row.id: (row.name_en, row.name_zh) for row in indicators},
        "CL_SOURCE": {row.id: (row.title_en, row.title_zh) for row in sources},
        "CL_UNIT_MEASURE": units,
    }
    return {each.codes: CLOSED.get(each.codes) or found[each.codes] for each in COMPONENTS if each.codes is not None}


@dataclass(frozen=True, slots=True)
class Store:
    """Observations as of one revision, in one language.

    Attributes:
        opened: Gives a connection to read a piece from.
        lang: Of texts that are in one language.
        as_of: The revision.
    """

    opened: Opened
    lang: Lang
    as_of: int

    def blocks(self, selection: Selection) -> Iterator[list[Cells]]:
        """The blocks in which all is that is selected, and more: what can be looked up is, the rest is left to the caller."""
        allowed = {FILTERS[name]: codes for name, codes in selection.allowed().items() if name in FILTERS}
        filters = {name: sorted(codes) for name, codes in allowed.items() if NOT_APPLICABLE not in codes}
        if not filters:
            return blocks(self._rows({}))
        found = (self._rows(filters | {"subject": [subject]}) for subject in self._subjects(filters))
        return blocks(chain.from_iterable(found))  # subject by subject: the order of series is theirs first

    def _subjects(self, filters: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """The subjects of all observations, of whichever revision, that the filters let through, in order."""
        table = table_of(OBSERVATIONS)
        wanted = select(table.c.subject).distinct().order_by(table.c.subject)
        for name, codes in filters.items():
            passing, kept = table.c[name].in_(codes), before(table, name)
            once = None if kept is None else table.c.id.in_(select(kept.c.id).where(kept.c[name].in_(codes)))
            wanted = wanted.where(passing if once is None else or_(passing, once))
        with self.opened() as connection:
            return connection.execute(wanted).scalars().all()

    def _rows(self, filters: Mapping[str, Sequence[str]]) -> Iterator[Row]:
        """The observations in the order of series; what would be too long for a filter is left to the caller."""
        given: Any = {name: list(codes) for name, codes in filters.items() if len(codes) <= MAX_FILTER_VALUES}
        query = ObservationQuery(sort=list(SERIES_ORDER), fields=list(COLUMNS), limit=None, as_of=self.as_of, **given)
        return iter(stream(self.opened, OBSERVATIONS, query, self.lang).rows)

    def observations(self, selection: Selection) -> Iterator[Cells]:
        """What is selected."""
        return chain.from_iterable(map(selection.of, self.blocks(selection)))

    def changes(self, selection: Selection, since: int) -> Iterator[Part]:
        """What of it is new or other since a revision, and then what is gone."""
        before = Store(self.opened, self.lang, since)
        old, new = (filter(None, map(selection.of, store.blocks(selection))) for store in (before, self))
        gone: list[Cells] = []

        found = changed(old, new)
        first = next(found, None)
        if first is None:
            raise NotFound("Nothing of this kind has changed.")

        def revised() -> Iterator[Cells]:
            for here, away in chain((first,), found):
                gone.extend(away)
                yield from here

        yield Part("Replace", revised())
        if gone:
            yield Part("Delete", gone)


@dataclass(slots=True)
class Survey:
    """Which values of each dimension occur, when, and how often."""

    values: dict[str, set[str]] = field(default_factory=lambda: {each.id: set() for each in DIMENSIONS})
    times: set[str] = field(default_factory=set)
    series: int = 0
    observations: int = 0

    @property
    def period(self) -> tuple[str, str] | None:
        """The first and the last day of all periods."""
        spans = [span(time) for time in self.times]
        return (str(min(spans)[0]), str(max(last for _, last in spans))) if spans else None


def survey(store: Store, selection: Selection, mode: str) -> Survey:
    """What a selection finds; with ``mode`` available, also each value that it would find if it left that dimension open."""
    found = Survey()
    key = len(DIMENSIONS)
    everything = Selection() if mode == "available" else selection
    for block in store.blocks(everything):
        seen = set()
        for cells in block:
            blockers = selection.blockers(cells)
            for place, dimension in enumerate(DIMENSIONS):
                if not blockers or (mode == "available" and blockers == {place}):
                    found.values[dimension.id].add(str(cells[place]))
            if not blockers:
                found.times.add(cells[PLACES[TIME]])
                found.observations += 1
                seen.add(cells[:key])
        found.series += len(seen)
    if not found.observations:
        raise NotFound("There are no observations of this kind.")
    return found


WHOLE = 256 * 1024
"""Bytes of an answer that is sent, and kept, as one."""


def begun(make: Callable[[], Iterator[bytes]]) -> tuple[bytes, Iterator[bytes] | None]:
    """The beginning of what ``make`` writes, and the rest of it; None where that was all."""
    pieces, size, chunks = [], 0, make()
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > WHOLE:
            return b"".join(pieces), chunks
    return b"".join(pieces), None


def at_least_one(cells: Iterator[Cells]) -> Iterator[Cells]:
    """The observations. Raises NotFound where there are none."""
    first = next(cells, None)
    if first is None:
        raise NotFound("There are no observations of this kind.")
    return chain((first,), cells)


def revision_of(opened: Opened, moment: int | datetime | None, parameter: str) -> int | None:
    """The revision that stood at a moment, where one is given."""
    if moment is None:
        return None
    with opened() as connection:
        return revision_at(Snapshot.of(connection), moment, parameter)
