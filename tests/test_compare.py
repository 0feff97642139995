"""Regions side by side: differences and ratios that the hedges allow, and refusals where figures do not agree."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.db.database import Database
from app.domain.intervals import Interval
from app.publishing.revisions import publish
from tests.conftest import serving
from tests.documents import article, vocabulary, written

NUMBERS = st.integers(-100, 100).map(Decimal)


@st.composite
def intervals(draw: st.DrawFn) -> tuple[Interval, Decimal]:
    """An interval, open or not, and a number in it."""
    low, number, high = sorted(draw(st.lists(NUMBERS, min_size=3, max_size=3)))
    return Interval(low if draw(st.booleans()) else None, high if draw(st.booleans()) else None), number


@given(intervals(), intervals())
def test_intervals_hold_every_result(first: tuple[Interval, Decimal], second: tuple[Interval, Decimal]) -> None:
    (one, number), (other, divisor) = first, second
    results = [(one.minus(other), number - divisor)]
    ratio = one.over(other)
    if ratio is not None:
        results.append((ratio, number / divisor))
    for interval, result in results:
        assert interval.lower is None or interval.lower <= result
        assert interval.upper is None or interval.upper >= result


def test_two_regions_of_the_article(seed_client: TestClient) -> None:
    body = seed_client.get("/v1/compare?indicator=metro-density&region=310104,310000").json()
    assert body["meta"] == {"revision": 2, "base": "310104"}
    district, city = body["data"]
    assert (district["difference"], district["ratio"]["lower"]) == ({"lower": 0, "upper": 0, "exact": True}, 1)
    assert city["difference"] == {"lower": -1.02, "upper": -1.02, "exact": True}
    assert city["ratio"]["lower"] == city["ratio"]["upper"] == pytest.approx(0.13 / 1.15, rel=1e-9)


def compared(database: Database, *figures: dict[str, Any]) -> Any:
    """The answer about the district and the city, with these figures."""
    publish(database, written(vocabulary()))
    data = article()
    base = {"indicator": "companies", "cite": {"line": 2, "text": "近300家多，约"}}
    data["observations"] = [{"key": f"k{number}", **base, **figure} for number, figure in enumerate(figures)]
    publish(database, written(data))
    return serving(database).get("/v1/compare?indicator=companies&region=990100,990000")


def test_open_bounds_stay_open(database: Database) -> None:
    answer = compared(
        database, {"subject": "990100", "value": 300, "hedge": "近"}, {"subject": "990000", "value": 900, "hedge": "多"}
    )
    city = answer.json()["data"][1]
    assert city["difference"] == {"lower": 600, "upper": None, "exact": False}
    assert city["ratio"] is None


@pytest.mark.parametrize(
    ("base", "hedge", "other", "difference"),
    [
        (0, None, 5, (5, 5)),
        (0, None, 0, (0, 0)),
        (0, "约", 5, (5, 5)),
        (0, "近", 5, (5, None)),
        (0, "多", 5, (None, 5)),
        (-2, None, 5, (7, 7)),
    ],
)
def test_there_is_no_ratio_to_nothing(
    database: Database, base: float, hedge: str | None, other: float, difference: tuple[float | None, float | None]
) -> None:
    figures = [{"subject": "990100", "value": base}, {"subject": "990000", "value": other}]
    if hedge is not None:
        figures[0]["hedge"] = hedge
    answer = compared(database, *figures)
    assert answer.status_code == 200
    city = answer.json()["data"][1]
    assert (city["difference"]["lower"], city["difference"]["upper"]) == difference
    assert city["ratio"] is None


def test_a_ratio_of_nothing_is_nothing(database: Database) -> None:
    answer = compared(database, {"subject": "990100", "value": 5}, {"subject": "990000", "value": 0})
    assert answer.json()["data"][1]["ratio"] == {"lower": 0, "upper": 0, "exact": True}


@pytest.mark.parametrize(
    ("lower", "upper", "known"),
    [(0, 5, False), (0, 0, False), (-1, 5, False), (None, 5, False), (1, 5, True), (1, None, True), (0.001, 1, True)],
)
def test_a_ratio_needs_a_divisor_above_zero(lower: float | None, upper: float | None, *, known: bool) -> None:
    assert (Interval.of(1, 2).over(Interval.of(lower, upper)) is not None) == known


PERIOD = {"label": "2023年", "basis": "stated", "start": "2023-01-01", "end": "2023-12-31"}
EARLIER = {"label": "2022年", "basis": "stated", "start": "2022-01-01", "end": "2022-12-31"}


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"period": PERIOD}, {"period": EARLIER}, "period"),
        ({"period": PERIOD}, {}, "period"),
        ({}, {"nature": "target"}, "no_figure"),
        ({}, {"value": None, "rank": {"place": 1}}, "no_figure"),
    ],
)
def test_what_does_not_agree_is_refused(database: Database, first: dict[str, Any], second: dict[str, Any], code: str) -> None:
    figures = [{"subject": "990100", "value": 1, **first}, {"subject": "990000", "value": 2, **second}]
    answer = compared(database, *({key: value for key, value in figure.items() if value is not None} for figure in figures))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-comparable")
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]


def test_parameters(seed_client: TestClient) -> None:
    for query, name in (("region=310104,310000", "indicator"), ("indicator=x&region=310104", "region")):
        answer = seed_client.get(f"/v1/compare?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, name)
    assert seed_client.get("/v1/compare?indicator=metro-densit&region=310104,310000").status_code == 409
