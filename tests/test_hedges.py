"""What hedge words claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hedges import COMPARATORS, HEDGES, bounds_of, hedge_of, plain_number, wording

FIGURES = st.floats(min_value=-(2**53), max_value=2**53, allow_nan=False)
WORDS = st.sampled_from([None, *HEDGES])

CLAIMS = {
    "近": ("<", None, 300),
    "将近": ("<", None, 300),
    "接近": ("<", None, 300),
    "nearly": ("<", None, 300),
    "almost": ("<", None, 300),
    "不到": ("<", None, 300),
    "不超过": ("<=", None, 300),
    "最多": ("<=", None, 300),
    "以下": ("<=", None, 300),
    "at most": ("<=", None, 300),
    "up to": ("<=", None, 300),
    None: ("=", 300, 300),
    "达": ("=", 300, 300),
    "达到": ("=", 300, 300),
    "约": ("~", 270, 330),
    "大约": ("~", 270, 330),
    "左右": ("~", 270, 330),
    "about": ("~", 270, 330),
    "around": ("~", 270, 330),
    "级": ("~", None, None),
    "体量": ("~", None, None),
    "至少": (">=", 300, None),
    "不少于": (">=", 300, None),
    "以上": (">=", 300, None),
    "at least": (">=", 300, None),
    "超": (">", 300, None),
    "超过": (">", 300, None),
    "逾": (">", 300, None),
    "余": (">", 300, None),
    "多": (">", 300, None),
    "over": (">", 300, None),
    "more than": (">", 300, None),
}


@pytest.mark.parametrize(("word", "claim"), CLAIMS.items())
def test_a_word_claims_what_it_says_and_no_more(word: str | None, claim: tuple[str, float | None, float | None]) -> None:
    hedge = hedge_of(word)
    bounds = bounds_of(300, hedge)
    assert (hedge.comparator, bounds.lower, bounds.upper) == claim


@given(FIGURES, WORDS)
def test_bounds_always_hold_the_figure_and_follow_the_comparator(value: float, word: str | None) -> None:
    hedge = hedge_of(word)
    bounds = bounds_of(value, hedge)
    assert hedge.comparator in COMPARATORS
    assert bounds.lower is None or bounds.lower <= value
    assert bounds.upper is None or bounds.upper >= value
    stated = {"<": (False, True), "<=": (False, True), "=": (True, True), ">=": (True, False), ">": (True, False)}
    expected = (hedge.bounds_basis == "convention",) * 2 if hedge.comparator == "~" else stated[hedge.comparator]
    assert (bounds.lower is not None, bounds.upper is not None) == expected


@given(FIGURES, WORDS, st.sampled_from(["en", "zh"]))
def test_the_wording_never_loses_a_hedge(value: float, word: str | None, lang: str) -> None:
    hedge = hedge_of(word)
    text = wording(value, "m²", hedge, lang)
    assert plain_number(value) in text
    plain = wording(value, "m²", hedge_of(None), lang)
    assert (text == plain) == (hedge.comparator == "=")


@pytest.mark.parametrize(
    ("value", "text"), [(25_000_000_000, "25,000,000,000"), (72.2, "72.2"), (0.13, "0.13"), (1e-7, "0.0000001"), (-1.0, "-1")]
)
def test_numbers_are_written_out(value: float, text: str) -> None:
    assert plain_number(value) == text


@pytest.mark.parametrize(
    ("word", "en", "zh"),
    [
        ("近", "nearly 300 companies", "近300家"),
        ("多", "more than 300 companies", "300多家"),
        ("余", "more than 300 companies", "300余家"),
        ("左右", "around 300 companies", "300家左右"),
        ("nearly", "nearly 300 companies", "近300家"),
        (None, "300 companies", "300家"),
    ],
)
def test_hedges_stand_where_the_language_puts_them(word: str | None, en: str, zh: str) -> None:
    assert wording(300, "companies", hedge_of(word), "en") == en
    assert wording(300, "家", hedge_of(word), "zh") == zh
