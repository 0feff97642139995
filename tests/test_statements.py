"""One sentence for each figure: its period, place and region in words, each said once."""

from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.hedges import HEDGES, plain_number
from app.resources.observations import BANDED, NATURES, Nature, RankBand, statement

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
LANGS = st.sampled_from(["en", "zh"])
FIGURE: dict[str, Any] = {
    "subject": "Chips", "kind": "cluster", "region": "Any District", "indicator": "Companies", "nature": "actual", "value": 300.0,
    "unit": "companies", "hedge": None, "rank": None, "rank_of": None, "rank_band": None, "scope": None, "period_label": None,
    "period_start": None, "period_end": None, "publisher": "The News", "published_on": date(2024, 3, 29), "line": 7,
}  # fmt: skip


def said(lang: str = "en", **given_: Any) -> str:
    """The statement of a figure, but for what is given."""
    return statement(lang, **{**FIGURE, **given_})


@given(LANGS, DAYS, st.integers(0, 800))
@example("en", date(2023, 12, 31), 0)
@example("zh", date(2023, 1, 1), 364)
@example("en", date(2024, 1, 1), 365)
@example("en", date(2024, 1, 1), 364)
@example("zh", date(2023, 1, 1), 729)
@example("en", date(2022, 12, 31), 364)
def test_a_period_is_said_once(lang: str, start: date, length: int) -> None:
    end = start + timedelta(days=length)
    text = said(lang, period_label="then", period_start=start, period_end=end, published_on=date(1800, 1, 1))
    period = text.replace("（", "(").replace("）", ")").split("(")[1].split(")")[0]
    if start == end:
        assert period == str(start)
    elif (start.month, start.day) == (1, 1) and end == date(start.year, 12, 31):
        assert period == str(start.year)
    else:
        assert period == f"{start}/{end}"


@given(LANGS, st.sampled_from([None, "去年", "by then"]))
def test_a_period_without_dates_is_not_guessed(lang: str, label: str | None) -> None:
    text = said(lang, period_label=label)
    assert (label in text) if label else ({"en": "no period stated", "zh": "未说明时期"}[lang] in text)


@given(LANGS, st.integers(1, 10_000), st.none() | st.integers(1, 10_000), st.none() | st.sampled_from(["全市", "of the city"]))
@example("en", 1, 1, None)
@example("zh", 1, None, "全市")
@example("en", 1, None, "of the city")
def test_a_place_is_said_with_all_that_belongs_to_it(lang: str, place: int, of: int | None, scope: str | None) -> None:
    text = said(lang, value=None, rank=place, rank_of=of, scope=scope)
    claim = text.split(": " if lang == "en" else "：")[1].split(" (" if lang == "en" else "（")[0]
    if lang == "en":
        assert claim == f"no. {place}" + (f" of {of}" if of else "") + (f" {scope}" if scope else "")
    else:
        assert claim == (scope or "") + (f"{of}个中" if of else "") + f"第{place}位"


@given(LANGS, st.sampled_from(get_args(RankBand)), st.none() | st.just("全市"))
def test_a_band_is_said_as_such(lang: str, band: str, scope: str | None) -> None:
    text = said(lang, value=None, rank_band=band, scope=scope)
    claim = BANDED[lang][band].format(scope="" if scope is None else f" {scope}" if lang == "en" else scope)
    assert claim in text
    assert "{" not in text
    assert "None" not in text


def test_bands_and_natures_have_words_of_their_own() -> None:
    for lang in ("en", "zh"):
        assert set(BANDED[lang]) == {*get_args(RankBand)}
        assert len(set(BANDED[lang].values())) == len(BANDED[lang])
        assert set(NATURES[lang]) == {*get_args(Nature)}
        assert len(set(NATURES[lang].values())) == len(NATURES[lang])


@given(
    LANGS,
    st.none() | st.floats(-1e9, 1e9, allow_nan=False),
    st.none() | st.sampled_from([*HEDGES]),
    st.none() | st.integers(1, 99),
    st.sampled_from(get_args(Nature)),
)
@example("en", 0.0, None, 1, "target")
@example("zh", 1.0, "近", None, "planned")
def test_a_statement_has_all_that_is_claimed(
    lang: str, value: float | None, hedge: str | None, rank: int | None, nature: str
) -> None:
    text = said(lang, value=value, hedge=hedge if value is not None else None, rank=rank, nature=nature)
    assert (value is None) or plain_number(value) in text
    assert (rank is None) or ({"en": f"no. {rank}", "zh": f"第{rank}位"}[lang] in text)
    assert NATURES[lang][nature].strip(", ") in text
    for part in ("Companies", "The News", "2024-03-29", "7", "Any District"):
        assert text.count(part) == 1 or part == "7"
    assert "None" not in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("lang", "subject", "region", "expected"),
    [
        ("zh", "徐汇中城功能区", "徐汇区", "徐汇中城功能区——"),
        ("zh", "中城功能区", "徐汇区", "徐汇区中城功能区——"),
        ("zh", "上海博物馆", "上海市", "上海博物馆——"),
        ("zh", "东方公司", "东区", "东区东方公司——"),
        ("zh", "东区公司", "东区", "东区公司——"),
        ("zh", "浦东软件园", "浦东新区", "浦东软件园——"),
        ("zh", "新区公司", "浦东新区", "浦东新区新区公司——"),
        ("en", "Xuhui AI Tower", "Xuhui District", "Xuhui AI Tower –"),
        ("en", "AI Tower", "Xuhui District", "AI Tower, Xuhui District –"),
        ("en", "Pudong Software Park", "Pudong New Area", "Pudong Software Park –"),
        ("en", "Anytowners", "Anytown", "Anytowners, Anytown –"),
        ("en", "New Anytown", "Anytown", "New Anytown –"),
    ],
)
def test_a_region_is_said_once(lang: str, subject: str, region: str, expected: str) -> None:
    assert said(lang, subject=subject, region=region).startswith(expected)
    assert said(lang, subject=region, region=region, kind="region").count(region) == 1


def test_one_is_singular() -> None:
    assert "more than 1 station (" in said(value=1.0, unit="stations", hedge="多")
    assert "2 stations (" in said(value=2.0, unit="stations")
