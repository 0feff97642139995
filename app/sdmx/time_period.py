"""Time periods of SDMX (SDMX 2.1, section 6, part 4.2): reporting and Gregorian periods, and time ranges."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

Span = tuple[date, date]
"""First and last day."""

UNSPECIFIED, OTHER = "_U", "_O"
"""Frequencies of observations without a period, and of periods that no other frequency fits."""
MONTHS = {"A": 12, "S": 6, "T": 4, "Q": 3, "M": 1}
"""Lengths of reporting periods in months, by the letter in their notation."""

WRITTEN = "ASQM"
"""Reporting periods in which observations are written; the others are only read."""


@lru_cache(maxsize=4096)
def period(start: str | None, end: str | None, reported_on: str) -> tuple[str, str]:
    """Return the frequency and the TIME_PERIOD of an observation.

    If its source states no period, or none with dates, the period is the day of reporting and the frequency ``_U``: SDMX has
    no observations without a time.
    """
    if start is None or end is None:
        return UNSPECIFIED, reported_on
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first == last:
        return "D", start
    if first.day == 1 and last == _month_end(last.year, last.month):
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        for letter in WRITTEN:
            length = MONTHS[letter]
            if months == length and (first.month - 1) % length == 0:
                return letter, _notation(letter, first, (first.month - 1) // length + 1)
        return OTHER, f"{start}/P{months}M"
    return OTHER, f"{start}/P{(last - first).days + 1}D"


def _notation(letter: str, first: date, number: int) -> str:
    if letter == "A":
        return f"{first.year:04}"
    return f"{first.year:04}-{number:02}" if letter == "M" else f"{first.year:04}-{letter}{number}"


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _after(first: date, months: int) -> date:
    """Return the day before the same day ``months`` later."""
    if first.day == 1:  # the result may be the last day that ``date`` supports
        year, month = divmod(first.year * 12 + first.month - 2 + months, 12)
        return _month_end(year, month + 1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1])) - timedelta(days=1)


def _part_of_year(year: str, letter: str, number: str) -> Span:
    length = MONTHS[letter]
    if not 1 <= int(number) <= 12 // length:
        raise ValueError
    first = date(int(year), (int(number) - 1) * length + 1, 1)
    return first, _after(first, length)


def _range(start: str, count: str, unit: str) -> Span:
    first, number = date.fromisoformat(start), int(count)
    months = {"Y": 12, "M": 1}.get(unit)
    return first, _after(first, number * months) if months else first + timedelta(days=number - 1)


def _week(year: str, number: str) -> Span:
    first = date.fromisocalendar(int(year), int(number), 1)
    return first, first + timedelta(days=6)


def _day(text: str) -> Span:
    return date.fromisoformat(text), date.fromisoformat(text)


FORMS: tuple[tuple[str, Callable[..., Span]], ...] = (
    (r"(\d{4})(?:-A1)?", lambda year: (date(int(year), 1, 1), date(int(year), 12, 31))),
    (r"(\d{4})-(\d{2})", lambda year, month: (date(int(year), int(month), 1), _month_end(int(year), int(month)))),
    (r"(\d{4}-\d{2}-\d{2})(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?", _day),
    (r"(\d{4})-([STQM])(\d{1,2})", _part_of_year),
    (r"(\d{4})-W(\d{1,2})", _week),
    (r"(\d{4})-D(\d{3})", lambda year, day: _day(str(date(int(year), 1, 1) + timedelta(days=int(day) - 1)))),
    (r"(\d{4}-\d{2}-\d{2})/P(\d{1,7})([YMD])", _range),
)
"""Patterns of the notations of a time, with parsers of their groups to spans."""


@lru_cache(maxsize=4096)
def span(text: str) -> Span:
    """Return the first and last day of a TIME_PERIOD, or of a time compared with one.

    Raises:
        ValueError: for any other text.
    """
    for form, parse in FORMS:
        if match := re.fullmatch(form, text, re.ASCII):
            try:
                return parse(*match.groups())
            except (ValueError, OverflowError):
                break
    raise ValueError("Expected a period: 2023, 2023-05, 2023-05-01, 2023-Q2, 2023-S1, 2023-W07, or 2023-01-01/P3M")
