"""Periods: what is written as SDMX writes it is read back as the same days."""

from datetime import date

from hypothesis import example, given
from hypothesis import strategies as st

from app.sdmx.time_period import period, span


@given(st.tuples(st.dates(), st.dates()).map(sorted))
@example([date(1, 1, 1), date(9999, 12, 31)])
@example([date(1000, 1, 1), date(2023, 12, 31)])
@example([date(9999, 10, 1), date(9999, 12, 31)])
@example([date(1, 1, 2), date(9999, 12, 30)])
@example([date(2024, 2, 1), date(2024, 2, 29)])
def test_every_period_is_read_back(days: list[date]) -> None:
    start, end = days
    _, written = period(str(start), str(end), "2024-03-29")
    assert span(written) == (start, end)
