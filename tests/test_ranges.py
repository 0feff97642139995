"""Byte ranges: what a header asks for, of any size of file."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.byte_ranges import MOST_RANGES, ranges_of

SIZES = st.integers(0, 50)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-9", [(0, 10)]),
        ("bytes=0-10", [(0, 10)]),
        ("bytes=9-", [(9, 10)]),
        ("bytes=10-", []),
        ("bytes=-1", [(9, 10)]),
        ("bytes=-10", [(0, 10)]),
        ("bytes=-11", [(0, 10)]),
        ("bytes=-0", []),
        ("bytes=0-", [(0, 10)]),
        ("BYTES=0-1", [(0, 2)]),
        ("bytes = 0-1", [(0, 2)]),
        ("bytes=0-1, 5-6", [(0, 2), (5, 7)]),
        ("bytes=5-6,0-1", [(0, 2), (5, 7)]),
        ("bytes=0-4,5-9", [(0, 10)]),
        ("bytes=0-5,3-9", [(0, 10)]),
        ("bytes=0-1,20-30", [(0, 2)]),
        ("bytes=,0-1,", [(0, 2)]),
        ("bytes=20-30", []),
        ("bytes=1-0", None),
        ("bytes=", None),
        ("bytes", None),
        ("bytes=a-b", None),
        ("bytes=--1", None),
        ("bytes=-", None),
        ("bytes=+1-2", None),
        ("bytes=1_0-", None),
        ("bytes=١-", None),
        ("bytes=0-1;5", None),
        ("rows=0-1", None),
        ("", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("bytes=" + ",".join(["0-0"] * MOST_RANGES), [(0, 1)]),
        ("bytes=" + ",".join(["0-0"] * (MOST_RANGES + 1)), None),
    ],
)
def test_what_a_header_asks_for(field: str, expected: list[tuple[int, int]] | None) -> None:
    assert ranges_of(field, 10) == expected


@given(SIZES, st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=5))
@example(0, [(0, 0)])
@example(1, [(0, 0)])
def test_ranges_hold_exactly_the_bytes_that_are_asked_for(size: int, asked: list[tuple[int, int]]) -> None:
    pairs = [(min(pair), max(pair)) for pair in asked]
    found = ranges_of("bytes=" + ",".join(f"{first}-{last}" for first, last in pairs), size)
    assert found is not None
    wanted = {place for first, last in pairs for place in range(first, last + 1) if place < size}
    assert {place for start, stop in found for place in range(start, stop)} == wanted
    assert sum(stop - start for start, stop in found) == len(wanted)
    assert all(start < stop <= size for start, stop in found)


@given(st.text(), SIZES)
def test_any_text_is_read(text: str, size: int) -> None:
    for field in (text, f"bytes={text}"):
        assert all(0 <= start < stop <= size for start, stop in ranges_of(field, size) or [])
