"""Interval arithmetic with open sides, for differences and ratios of hedged figures. Pure."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from ``lower`` to ``upper``; None for an open side."""

    lower: Decimal | None
    upper: Decimal | None

    @classmethod
    def of(cls, lower: float | None, upper: float | None) -> "Interval":
        """Create an interval from the bounds of a figure."""
        return cls(_exact(lower), _exact(upper))

    def minus(self, other: "Interval") -> "Interval":
        """Return the interval of all differences between numbers of this and the other."""
        return Interval(_minus(self.lower, other.upper), _minus(self.upper, other.lower))

    def over(self, other: "Interval") -> "Interval | None":
        """Return the interval of all ratios to numbers of the other; None if ≤ 0 is one."""
        if other.lower is None or other.lower <= 0:
            return None
        return Interval(_over(self.lower, other, least=True), _over(self.upper, other, least=False))


def _exact(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _minus(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return None if first is None or second is None else first - second


def _over(bound: Decimal | None, other: Interval, *, least: bool) -> Decimal | None:
    """Return a bound of a ratio.

    The bound furthest from zero is divided by the least divisor, the nearest by the greatest.
    """
    if bound is None or other.lower is None:
        return None
    if (bound < 0) == least:
        return bound / other.lower
    return Decimal(0) if other.upper is None else bound / other.upper
