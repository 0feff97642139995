"""Filters on hedged figures: three-valued, as a claim leaves numbers open."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from app.resources.base import Match, Operator

Condition = ColumnElement[bool]

OPERATORS: Mapping[Operator, Callable[[Any, Any], Condition]] = {
    "in": lambda column, values: column.in_(values),
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Conditions on a column that is not hedged, or on the stated number alone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The numbers that a source leaves open: those between the bounds, which belong to them unless the comparator is strict."""

    lower: ColumnElement[Any]
    upper: ColumnElement[Any]
    comparator: ColumnElement[Any]

    def all_above(self, number: Any) -> Condition:
        """Require that every number of the claim is greater."""
        return or_(self.lower > number, and_(self.lower == number, self.comparator == ">"))

    def all_below(self, number: Any) -> Condition:
        """Require that every number of the claim is less."""
        return or_(self.upper < number, and_(self.upper == number, self.comparator == "<"))

    def some_above(self, number: Any) -> Condition:
        """Require that some number of the claim is greater."""
        return or_(self.upper.is_(None), self.upper > number)

    def some_below(self, number: Any) -> Condition:
        """Require that some number of the claim is less."""
        return or_(self.lower.is_(None), self.lower < number)

    def some_at_least(self, number: Any) -> Condition:
        """Require that some number of the claim is as great."""
        return or_(self.some_above(number), and_(self.upper == number, self.comparator != "<"))

    def some_at_most(self, number: Any) -> Condition:
        """Require that some number of the claim is as small."""
        return or_(self.some_below(number), and_(self.lower == number, self.comparator != ">"))


HEDGED: Mapping[Match, Mapping[Operator, Callable[[Claim, Any], Condition]]] = {
    "certain": {
        "<": lambda claim, number: claim.all_below(number),
        "<=": lambda claim, number: claim.upper <= number,
        "=": lambda claim, number: and_(claim.lower == number, claim.upper == number),
        ">=": lambda claim, number: claim.lower >= number,
        ">": lambda claim, number: claim.all_above(number),
    },
    "possible": {
        "<": lambda claim, number: claim.some_below(number),
        "<=": lambda claim, number: claim.some_at_most(number),
        "=": lambda claim, number: and_(claim.some_at_least(number), claim.some_at_most(number)),
        ">=": lambda claim, number: claim.some_at_least(number),
        ">": lambda claim, number: claim.some_above(number),
    },
}
"""Conditions by ``match``: ``certain`` is true whatever the hedge leaves open, ``possible`` is not ruled out by it."""
