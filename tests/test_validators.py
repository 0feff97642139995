"""Conditional requests: which copies are current."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.conditional_requests import entity_tags, is_fresh, parse_http_date

TAG = '"7-abc"'
DAY = "Fri, 29 Mar 2024 10:00:00 GMT"
OPAQUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f', exclude_categories=["Cc"]))


@pytest.mark.parametrize(
    ("known", "fresh"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other",{TAG}', True),
        (f', ,\t"a,b" , {TAG} ,', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ('"7-ab"', False),
        ('"7-abcd"', False),
        ('"x7-abc"', False),
        ('"7-ABC"', False),
        ("7-abc", False),
        (f"w/{TAG}", False),
        (f"bad, {TAG}", False),
        (f'"a{TAG}', False),
        (f"{TAG}{TAG}", False),
        ('"*"', False),
        ("**", False),
        (f"*, {TAG}", False),
    ],
)
def test_tags_are_compared_as_a_whole(known: str, *, fresh: bool) -> None:
    assert is_fresh(TAG, None, known, None) is fresh


@pytest.mark.parametrize(
    ("since", "fresh"),
    [
        (DAY, True),
        ("Fri, 29 Mar 2024 10:00:01 GMT", True),
        ("Fri, 29 Mar 2024 09:59:59 GMT", False),
        ("Friday, 29-Mar-24 10:00:00 GMT", True),
        ("Fri Mar 29 10:00:00 2024", True),
        ("2024-03-29T10:00:00Z", False),
        ("Fri, 29 Mar 2024 18:00:00 +0800", False),
        ("Fri, 29 Mar 2024 10:00:00", False),
        ("Fri, 32 Mar 2024 10:00:00 GMT", False),
        ("", False),
    ],
)
def test_dates_are_compared_to_the_second(since: str, *, fresh: bool) -> None:
    assert is_fresh(TAG, DAY, None, since) is fresh


def test_tags_win_over_dates() -> None:
    assert not is_fresh(TAG, DAY, '"other"', DAY)
    assert not is_fresh(TAG, DAY, "", DAY)
    assert is_fresh(TAG, DAY, TAG, "Fri, 29 Mar 2024 09:00:00 GMT")
    assert not is_fresh(TAG, DAY, None, None)
    assert not is_fresh(TAG, None, None, DAY)


@given(st.lists(OPAQUE), st.sampled_from([",", ", ", " ,\t", ",,"]))
@example(["a,b", "", "W/"], ",")
def test_a_list_is_taken_apart_as_it_was_put_together(opaque: list[str], comma: str) -> None:
    tags = [f'"{text}"' for text in opaque]
    assert entity_tags(comma.join(tags)) == tags
    assert entity_tags(comma.join(f"W/{tag}" for tag in tags)) == tags


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert not is_fresh(TAG, DAY, text.replace(TAG, "").replace("*", ""), None)
    parse_http_date(text)
