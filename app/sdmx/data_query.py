"""Selection of observations by series keys and conditions on components (SDMX-REST 2.1, data queries)."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import Fault, nearest
from app.resources.parameter_types import NUMBER
from app.sdmx.cells import Cells
from app.sdmx.dsd import BY_ID, DIMENSIONS, PLACES, TIME, Component
from app.sdmx.time_period import span

ALL = ("", "*", "all")
"""Wildcards for a part of a key, or for a whole key."""
CODE = re.compile(r"[A-Za-z0-9_@$-]+")

SeriesKey = tuple[frozenset[str] | None, ...]
"""A series key of a query: per dimension, the codes that are selected; None for all."""
Comparison = Callable[[Any, Any], bool]

ORDERED: Mapping[str, Comparison] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
PERIODS: Mapping[str, Comparison] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": lambda cell, value: cell[1] < value[0],
    "le": lambda cell, value: cell[1] <= value[1],
    "gt": lambda cell, value: cell[0] > value[1],
    "ge": lambda cell, value: cell[0] >= value[0],
}
"""Comparisons of spans of days: a span lies in a range only as a whole."""
TEXTS: Mapping[str, Comparison] = {
    "co": operator.contains,
    "nc": lambda cell, value: value not in cell,
    "sw": str.startswith,
    "ew": str.endswith,
}
OPERATORS = (*ORDERED, *TEXTS)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a cell with a value, ``operand``; ``convert`` makes cells comparable with it."""

    operator: str
    value: str
    compare: Comparison
    convert: Callable[[Any], Any]
    operand: Any

    def matches(self, cell: Any) -> bool:
        """Return whether the cell matches; an absent value never does."""
        return cell is not None and self.compare(self.convert(cell), self.operand)


@dataclass(frozen=True, slots=True)
class ComponentCondition:
    """A condition on one component: any alternative has to match, with all its terms."""

    place: int
    alternatives: tuple[tuple[Term, ...], ...]

    def matches(self, cells: Cells) -> bool:
        """Return whether the observation matches."""
        cell = cells[self.place]
        return any(all(term.matches(cell) for term in terms) for terms in self.alternatives)

    @property
    def codes(self) -> frozenset[str] | None:
        """The codes that it selects; None if it is not a list of codes."""
        if all(len(terms) == 1 and terms[0].operator == "eq" for terms in self.alternatives):
            return frozenset(terms[0].value for terms in self.alternatives)
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of observations: any key and all conditions match; ``first`` and ``last`` limit every series."""

    keys: tuple[SeriesKey, ...] = ()
    conditions: tuple[ComponentCondition, ...] = ()
    first: int | None = None
    last: int | None = None

    def of(self, block: Sequence[Cells]) -> list[Cells]:
        """Return the selected observations of a block."""
        matches = [cells for cells in block if self._matches(cells)] if self.keys or self.conditions else list(block)
        return self._ends(matches) if self.first or self.last else matches

    def _ends(self, block: list[Cells]) -> list[Cells]:
        """Return the first and last N observations of every series."""
        series: dict[Cells, list[Cells]] = {}
        for cells in block:
            series.setdefault(cells[: len(DIMENSIONS)], []).append(cells)
        ends: list[Cells] = []
        for observations in series.values():
            head, tail = self.first or 0, len(observations) - (self.last or 0)
            ends += [cells for number, cells in enumerate(observations) if number < head or number >= tail]
        return ends

    def blockers(self, cells: Cells) -> set[int]:
        """Return the places of the components that exclude the observation."""
        places = {condition.place for condition in self.conditions if not condition.matches(cells)}
        if self.keys:
            places |= min((_mismatches(key, cells) for key in self.keys), key=len)
        return places

    def _matches(self, cells: Cells) -> bool:
        if any(not condition.matches(cells) for condition in self.conditions):
            return False
        return not self.keys or any(not _mismatches(key, cells) for key in self.keys)

    def allowed(self) -> dict[str, frozenset[str]]:
        """Return a superset of the selected codes per dimension, where the query has one."""
        codes: dict[str, frozenset[str]] = {}
        for place, dimension in enumerate(DIMENSIONS):
            parts = [key[place] for key in self.keys]
            sets = [frozenset().union(*(part for part in parts if part))] if parts and None not in parts else []
            sets += [condition.codes for condition in self.conditions if condition.place == place and condition.codes is not None]
            if sets:
                codes[dimension.id] = frozenset.intersection(*sets)
        return codes


def _mismatches(key: SeriesKey, cells: Cells) -> set[int]:
    """Return the places of the dimensions whose code is not in the key."""
    return {place for place, part in enumerate(key) if part is not None and str(cells[place]) not in part}


def keys(text: str) -> tuple[tuple[SeriesKey, ...], list[Fault]]:
    """Return the keys in ``text``, and its faults.

    Commas separate keys, dots the parts of a key, ``+`` the codes of a part.
    """
    if text in ALL:
        return (), []
    series_keys, faults = [], []
    for key in text.split(","):
        parts = [frozenset(part.split("+")) if part not in ALL else None for part in key.split(".")]
        if len(parts) > len(DIMENSIONS):
            names = ".".join(dimension.id for dimension in DIMENSIONS)
            faults.append(Fault(f"The key has {len(parts)} parts; expected {names}.", "malformed_key", parameter="key"))
        elif malformed := [code for part in parts for code in part or () if not CODE.fullmatch(code)]:
            message = f"{malformed[0]!r} is no code; expected codes by `+`, and dimensions by `.`."
            faults.append(Fault(message, "malformed_key", parameter="key"))
        else:
            series_keys.append((*parts, *[None] * (len(DIMENSIONS) - len(parts))))
    return tuple(series_keys), faults


def condition(name: str, text: str) -> tuple[ComponentCondition | None, list[Fault]]:
    """Return the condition ``c[name]=text``, and its faults.

    Commas separate alternatives, ``+`` the terms of an alternative.
    """
    parameter = f"c[{name}]"
    component = BY_ID.get(name)
    if component is None:
        known = tuple(BY_ID)
        fault = Fault("No component has this id.", "unknown_component", parameter, allowed=known, suggestion=nearest(name, known))
        return None, [fault]
    alternatives, faults = [], []
    for alternative in text.split(","):
        terms = []
        for term in alternative.split("+"):
            try:
                terms.append(_term(component, term))
            except ValueError as error:
                faults.append(Fault(str(error) + ".", "malformed_condition", parameter=parameter))
        alternatives.append(tuple(terms))
    return ComponentCondition(PLACES[name], tuple(alternatives)), faults


def between(start: str | None, end: str | None) -> tuple[list[ComponentCondition], list[Fault]]:
    """Return the conditions of ``startPeriod`` and ``endPeriod``, and their faults."""
    conditions, faults = [], []
    for parameter, name, text in (("startPeriod", "ge", start), ("endPeriod", "le", end)):
        if text is not None:
            try:
                conditions.append(ComponentCondition(PLACES[TIME], ((_term(BY_ID[TIME], f"{name}:{text}"),),)))
            except ValueError as error:
                faults.append(Fault(str(error) + ".", "malformed_period", parameter=parameter))
    return conditions, faults


def _term(component: Component, text: str) -> Term:
    """Return the term that ``text`` states. Raises ValueError if it is malformed."""
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch("[a-z]{2}", name)):
        name, value = "eq", text
    elif name not in OPERATORS:
        raise ValueError(f"There is no operator {name}; expected one of {', '.join(OPERATORS)}")
    if not value:
        raise ValueError("Expected a value")
    if name in TEXTS:
        return Term(name, value, TEXTS[name], str, value)
    if component.id == TIME:
        return Term(name, value, PERIODS[name], span, span(value))
    if component.is_numeric:
        if not re.fullmatch(NUMBER, value):
            raise ValueError(f"Expected a number for {component.id}, such as 12, -0.5 or 1e6")
        return Term(name, value, ORDERED[name], float, float(value))
    return Term(name, value, ORDERED[name], str, value)
