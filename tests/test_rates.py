"""What is remembered of callers: as many as there is room for, and of those who owe nothing nothing."""

import pytest
from limits import parse

from app.api.middleware import rate_limit


@pytest.fixture
def buckets() -> rate_limit.Buckets:
    """Buckets of 60, which remember 10 callers; no time passes."""
    return rate_limit.Buckets(parse("60/minute"), most_callers=10, clock=lambda: 1000.0)


def test_the_oldest_are_forgotten_where_there_is_no_room(buckets: rate_limit.Buckets) -> None:
    for number in range(10):
        buckets.add(f"caller-{number}", -60)
    assert {buckets.level(f"caller-{number}") for number in range(10)} == {0}
    buckets.add("another", -1)
    assert [buckets.level(f"caller-{number}") for number in range(10)] == [60] * 5 + [0] * 5
    assert buckets.level("another") == 59


def test_those_who_owe_nothing_are_forgotten_first(buckets: rate_limit.Buckets) -> None:
    for number in range(5):
        buckets.add(f"owing-{number}", -60)
    for number in range(5):
        buckets.add(f"full-{number}", 0)
    buckets.add("another", -1)
    assert {buckets.level(f"owing-{number}") for number in range(5)} == {0}


def test_somebody_who_is_known_displaces_nobody(buckets: rate_limit.Buckets) -> None:
    for number in range(10):
        buckets.add(f"caller-{number}", -60)
    buckets.add("caller-9", 1)
    assert buckets.level("caller-0") == 0
    assert buckets.level("caller-9") == 1


def test_no_more_are_remembered_than_there_is_room_for(buckets: rate_limit.Buckets) -> None:
    for number in range(1000):
        buckets.add(f"caller-{number}", -60)
    owing = [number for number in range(1000) if buckets.level(f"caller-{number}") == 0]
    assert len(owing) <= 10
    assert owing[-1] == 999


def test_a_bucket_holds_no_more_than_its_size(buckets: rate_limit.Buckets) -> None:
    buckets.add("caller", -1)
    buckets.add("caller", 5)
    assert buckets.level("caller") == 60
