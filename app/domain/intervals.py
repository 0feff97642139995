"""Arithmetic of intervals that may be open to a side: what is known of a difference or a ratio of hedged figures. Pure."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from ``lower`` to ``upper``; None where a side is open."""

    lower: Decimal | None
    upper: Decimal | None

    @classmethod
    def of(cls, lower: float | None, upper: float | None) -> "Interval":
        """From the bounds of a figure."""
        return cls(_exact(lower), _exact(upper))

    def minus(self, other: "Interval") -> "Interval":
        """All differences of a number of this and a number of the other."""
        return Interval(_minus(self.lower, other.upper), _minus(self.upper, other.lower))

    def over(self, other: "Interval") -> "Interval | None":
        """All ratios of a number of this and a number of the other; None where the other may be zero or less."""
        if other.lower is None or other.lower <= 0:
            return None
        return Interval(_over(self.lower, other, least=True), _over(self.upper, other, least=False))


def _exact(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _minus(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return None if first is None or second is None else first - second


def _over(bound: Decimal | None, other: Interval, *, least: bool) -> Decimal | None:
    """The bound of a ratio: the number furthest from zero is divided by the least, the nearest by the greatest."""
    if bound is None or other.lower is None:
        return None
    if (bound < 0) == least:
        return bound / other.lower
    return Decimal(0) if other.upper is None else bound / other.upper
