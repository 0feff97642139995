"""What a query selects: keys and conditions on components (SDMX-REST 2.1, data queries)."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import Fault, nearest
from app.resources.base import NUMBER
from app.sdmx.cells import Cells
from app.sdmx.dsd import BY_ID, DIMENSIONS, PLACES, TIME, Component
from app.sdmx.time_period import span

ALL = ("", "*", "all")
"""A part of a key, or a key, that allows everything."""
CODE = re.compile(r"[A-Za-z0-9_@$-]+")

Key = tuple[frozenset[str] | None, ...]
"""Per dimension the codes that it may have; None for any."""
Compared = Callable[[Any, Any], bool]

ORDERED: Mapping[str, Compared] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
PERIODS: Mapping[str, Compared] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": lambda cell, given: cell[1] < given[0],
    "le": lambda cell, given: cell[1] <= given[1],
    "gt": lambda cell, given: cell[0] > given[1],
    "ge": lambda cell, given: cell[0] >= given[0],
}
"""How spans of days compare: one is within a range when all of it is."""
TEXTS: Mapping[str, Compared] = {
    "co": operator.contains,
    "nc": lambda cell, given: given not in cell,
    "sw": str.startswith,
    "ew": str.endswith,
}
OPERATORS = (*ORDERED, *TEXTS)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a cell with a given value, both made comparable by ``read``."""

    operator: str
    value: str
    compare: Compared
    read: Callable[[Any], Any]
    given: Any

    def passes(self, cell: Any) -> bool:
        """Whether the cell does; what is not stated passes nothing."""
        return cell is not None and self.compare(self.read(cell), self.given)


@dataclass(frozen=True, slots=True)
class Condition:
    """On one component: any of some alternatives, of each all tests."""

    place: int
    alternatives: tuple[tuple[Test, ...], ...]

    def passes(self, cells: Cells) -> bool:
        """Whether the observation does."""
        cell = cells[self.place]
        return any(all(test.passes(cell) for test in tests) for tests in self.alternatives)

    @property
    def codes(self) -> frozenset[str] | None:
        """The codes that it allows, where it is a list of codes."""
        if all(len(tests) == 1 and tests[0].operator == "eq" for tests in self.alternatives):
            return frozenset(tests[0].value for tests in self.alternatives)
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for: any of the keys, all of the conditions, of each series so many observations."""

    keys: tuple[Key, ...] = ()
    conditions: tuple[Condition, ...] = ()
    first: int | None = None
    last: int | None = None

    def of(self, block: Sequence[Cells]) -> list[Cells]:
        """The observations of a block that are selected."""
        found = [cells for cells in block if not self._failing(cells)] if self.keys or self.conditions else list(block)
        return self._ends(found) if self.first or self.last else found

    def _ends(self, cells: list[Cells]) -> list[Cells]:
        """The first and last so many of each series."""
        series: dict[Cells, list[Cells]] = {}
        for each in cells:
            series.setdefault(each[: len(DIMENSIONS)], []).append(each)
        kept: list[Cells] = []
        for found in series.values():
            head, tail = self.first or 0, len(found) - (self.last or 0)
            kept += [each for number, each in enumerate(found) if number < head or number >= tail]
        return kept

    def blockers(self, cells: Cells) -> set[int]:
        """The places of the components by which the observation is left out; empty where it is selected."""
        found = {condition.place for condition in self.conditions if not condition.passes(cells)}
        if self.keys:
            found |= min((_blocking(key, cells) for key in self.keys), key=len)
        return found

    def _failing(self, cells: Cells) -> bool:
        if any(not condition.passes(cells) for condition in self.conditions):
            return True
        return bool(self.keys) and all(_blocking(key, cells) for key in self.keys)

    def allowed(self) -> dict[str, frozenset[str]]:
        """Per dimension the codes outside of which nothing is selected, where that can be said without looking."""
        found: dict[str, frozenset[str]] = {}
        for place, dimension in enumerate(DIMENSIONS):
            parts = [key[place] for key in self.keys]
            sets = [frozenset().union(*(part for part in parts if part))] if parts and None not in parts else []
            sets += [condition.codes for condition in self.conditions if condition.place == place and condition.codes is not None]
            if sets:
                found[dimension.id] = frozenset.intersection(*sets)
        return found


def _blocking(key: Key, cells: Cells) -> set[int]:
    return {place for place, part in enumerate(key) if part is not None and str(cells[place]) not in part}


def keys(text: str) -> tuple[tuple[Key, ...], list[Fault]]:
    """The keys in ``text``: parts by dots, several codes of a part by ``+``, several keys by commas; and what is wrong."""
    if text in ALL:
        return (), []
    found, faults = [], []
    for each in text.split(","):
        parts = [frozenset(part.split("+")) if part not in ALL else None for part in each.split(".")]
        if len(parts) > len(DIMENSIONS):
            names = ".".join(dimension.id for dimension in DIMENSIONS)
            faults.append(Fault(f"The key has {len(parts)} parts; expected {names}.", "malformed_key", parameter="key"))
        elif malformed := [code for part in parts for code in part or () if not CODE.fullmatch(code)]:
            message = f"{malformed[0]!r} is no code; expected codes by `+`, and dimensions by `.`."
            faults.append(Fault(message, "malformed_key", parameter="key"))
        else:
            found.append((*parts, *[None] * (len(DIMENSIONS) - len(parts))))
    return tuple(found), faults


def condition(name: str, text: str) -> tuple[Condition | None, list[Fault]]:
    """The condition ``c[name]=text``: alternatives by commas, of each the tests by ``+``; and what is wrong with it."""
    parameter = f"c[{name}]"
    component = BY_ID.get(name)
    if component is None:
        known = tuple(BY_ID)
        fault = Fault("No component has this id.", "unknown_component", parameter, allowed=known, suggestion=nearest(name, known))
        return None, [fault]
    alternatives, faults = [], []
    for part in text.split(","):
        tests = []
        for each in part.split("+"):
            try:
                tests.append(_test(component, each))
            except ValueError as error:
                faults.append(Fault(str(error) + ".", "malformed_condition", parameter=parameter))
        alternatives.append(tuple(tests))
    return Condition(PLACES[name], tuple(alternatives)), faults


def between(start: str | None, end: str | None) -> tuple[list[Condition], list[Fault]]:
    """The conditions that ``startPeriod`` and ``endPeriod`` are; and what is wrong with them."""
    found, faults = [], []
    for parameter, name, text in (("startPeriod", "ge", start), ("endPeriod", "le", end)):
        if text is not None:
            try:
                found.append(Condition(PLACES[TIME], ((_test(BY_ID[TIME], f"{name}:{text}"),),)))
            except ValueError as error:
                faults.append(Fault(str(error) + ".", "malformed_period", parameter=parameter))
    return found, faults


def _test(component: Component, text: str) -> Test:
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch("[a-z]{2}", name)):
        name, value = "eq", text
    elif name not in OPERATORS:
        raise ValueError(f"There is no operator {name}; expected one of {', '.join(OPERATORS)}")
    if not value:
        raise ValueError("Expected a value")
    if name in TEXTS:
        return Test(name, value, TEXTS[name], str, value)
    if component.id == TIME:
        return Test(name, value, PERIODS[name], span, span(value))
    if component.is_numeric:
        if not re.fullmatch(NUMBER, value):
            raise ValueError(f"Expected a number for {component.id}, such as 12, -0.5 or 1e6")
        return Test(name, value, ORDERED[name], float, float(value))
    return Test(name, value, ORDERED[name], str, value)
