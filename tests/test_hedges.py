"""What hedge words claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.hedges import COMPARATORS, HEDGES, bounds_of, hedge_of, plain_number, singular, wording

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


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("stations", "station"),
        ("companies", "company"),
        ("enterprises", "enterprise"),
        ("businesses", "business"),
        ("branches", "branch"),
        ("boxes", "box"),
        ("houses", "house"),
        ("buses", "bus"),
        ("people", "person"),
        ("ties", "tie"),
        ("square metres", "square metre"),
        ("US dollars", "US dollar"),
        ("patents per 10,000 people", "patent per 10,000 people"),
        ("tonnes of coal equivalent", "tonne of coal equivalent"),
        ("degrees Celsius", "degree Celsius"),
        ("seats (beds)", "seat (beds)"),
        ("visits/day", "visit/day"),
        ("person-times", "person-time"),
        ("headquarters", "headquarters"),
        ("yuan", "yuan"),
        ("%", "%"),
        ("m²", "m²"),
        ("km per km²", "km per km²"),
        ("gauss", "gauss"),
        ("s", "s"),
        ("rank", "rank"),
        ("", ""),
    ],
)
def test_one_of_a_unit_is_singular(several: str, one: str) -> None:
    assert singular(several) == one
    assert wording(1, several, hedge_of(None), "en").endswith(one)
    assert wording(-1.0, several, hedge_of("nearly"), "en").endswith(one)
    for value in (0, 2, 1.5, 0.1, 10, 11):
        assert wording(value, several, hedge_of(None), "en").endswith(several)
    assert wording(1, "家", hedge_of("近"), "zh") == "近1家"


@given(st.from_regex(r"[a-z]{3,12}(y|e|n|ss|ch|x)", fullmatch=True))
def test_regular_plurals_are_undone(noun: str) -> None:
    """The law of English plurals: -y after a consonant becomes -ies, a hiss takes -es, the rest -s."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        several = f"{noun[:-1]}ies"
    elif noun.endswith(("ss", "ch", "x")):
        several = f"{noun}es"
    else:
        several = f"{noun}s"
    if not several.endswith(("sses", "shes", "ches", "xes", "ies")) or not noun.endswith("e"):
        assert singular(several) == noun
