"""SDMX-REST, data: keys, conditions, periods, revisions, and what is said of each observation."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.revisions import publish
from app.resources.observations import OBSERVATIONS
from app.sdmx.cells import SERIES_ORDER
from tests.conftest import serving
from tests.documents import Data, article, vocabulary, written
from tests.sdmx.messages import DIMENSIONS, FLOW, JSON_2, KEY, rows


@pytest.fixture
def client(database: Database) -> Any:
    publish(database, written(vocabulary()))
    publish(database, written(article()))
    with serving(database) as found:
        yield found


def test_the_order_of_series_has_an_index() -> None:
    assert SERIES_ORDER in OBSERVATIONS.orders


def test_every_observation_is_there_once(seed_client: TestClient) -> None:
    found = rows(seed_client)
    ours = seed_client.get("/v1/observations?limit=1000").json()["data"]
    assert sorted(row["OBS_ID"] for row in found) == [row["id"] for row in ours]
    assert len({tuple(row[name] for name in DIMENSIONS) for row in found}) == len(found)


def test_an_observation_says_what_the_source_says(seed_client: TestClient) -> None:
    (row,) = rows(seed_client, **{"c[OBS_ID]": "thepaper-20240329-xuhui.llm-chain-companies"})
    ours = seed_client.get(f"/v1/observations/{row['OBS_ID']}").json()["data"]
    assert row == {
        "STRUCTURE": "dataflow",
        "STRUCTURE_ID": "RI:OBSERVATIONS(1.0.0)",
        "ACTION": "I",
        "FREQ": "_U",
        "REF_AREA": "310104",
        "SUBJECT": ours["subject"],
        "INDICATOR": "companies",
        "NATURE": "actual",
        "SOURCE": ours["source"],
        "CLAIM": "1",
        "TIME_PERIOD": "2024-03-29",
        "OBS_VALUE": "300",
        "OBS_LOWER": "",
        "OBS_UPPER": "300",
        "COMPARATOR": "lt",
        "BOUNDS_BASIS": "stated",
        "HEDGE": "近",
        "AS_WRITTEN": ours["as_written"],
        "UNIT_MEASURE": "_company_",
        "UNIT_MULT": "0",
        "OBS_STATUS": "A",
        "RANK": "",
        "RANK_OF": "",
        "RANK_BAND": "",
        "RANK_SCOPE": "",
        "PERIOD_LABEL": "",
        "PERIOD_BASIS": "unstated",
        "REPORTED_ON": "2024-03-29",
        "SOURCE_LINE": str(ours["line"]),
        "OBS_ID": ours["id"],
    }


PERIODS = {
    ("2023-01-01", "2023-12-31"): ("A", "2023"),
    ("2023-07-01", "2023-12-31"): ("S", "2023-S2"),
    ("2024-01-01", "2024-03-31"): ("Q", "2024-Q1"),
    ("2024-02-01", "2024-02-29"): ("M", "2024-02"),
    ("2024-02-29", "2024-02-29"): ("D", "2024-02-29"),
    ("2019-01-01", "2023-12-31"): ("_O", "2019-01-01/P60M"),
    ("2024-03-04", "2024-03-10"): ("_O", "2024-03-04/P7D"),
}


def test_periods_are_written_as_sdmx_writes_them(database: Database) -> None:
    document = article()
    document["observations"] = [
        figure(f"figure-{number}", period={"label": "某时", "basis": "stated", "start": start, "end": end})
        for number, (start, end) in enumerate(PERIODS)
    ]
    document["observations"].append(figure("without-dates", period={"label": "近五年", "basis": "stated"}))
    document["observations"].append(figure("without-period"))
    publish(database, written(vocabulary()))
    publish(database, written(document))
    with serving(database) as client:
        found = {row["OBS_ID"]: (row["FREQ"], row["TIME_PERIOD"]) for row in rows(client)}
        undated = {row["OBS_ID"]: row["PERIOD_LABEL"] for row in rows(client, **{"c[FREQ]": "_U"})}
        for freq, period in PERIODS.values():
            assert [row["FREQ"] for row in rows(client, **{"c[TIME_PERIOD]": period})] == [freq]
    assert [found[f"news.figure-{number}"] for number in range(len(PERIODS))] == list(PERIODS.values())
    assert found["news.without-dates"] == found["news.without-period"] == ("_U", "2024-03-29")
    assert undated == {"news.without-dates": "近五年", "news.without-period": ""}


def figure(key: str, value: float = 1, **more: Any) -> Data:
    """An observation of one thing."""
    return {"key": key, "indicator": "companies", "subject": "990100", "value": value, "cite": {"line": 3, "text": "1家"}, **more}


def test_claims_about_the_same_do_not_collide(database: Database) -> None:
    document = article()
    document["observations"] = [figure(f"claim-{number}", number) for number in range(3)]
    publish(database, written(vocabulary()))
    publish(database, written(document))
    with serving(database) as client:
        everything = [(row["CLAIM"], row["OBS_VALUE"]) for row in rows(client)]
        assert everything == [("1", "0"), ("2", "1"), ("3", "2")]
        assert [(row["CLAIM"], row["OBS_VALUE"]) for row in rows(client, **{"c[OBS_VALUE]": "gt:0"})] == everything[1:]
        assert [row["OBS_VALUE"] for row in rows(client, f"{FLOW}/_U......2")] == ["1"]


KEYS = {
    "": 49,
    "*": 49,
    "all": 49,
    "A": 2,
    "A.310104": 2,
    "A.*.*.supported-employers": 1,
    "..310104+310000": 18,
    "..310104,..310000": 18,
    "A,_U.310000": 3,
    "A.310104.xuhui-rental-subsidies.rental-subsidies.actual.thepaper-20240329-xuhui.1": 1,
    "X": 0,
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("flow", [FLOW, "/sdmx/2.1/data/OBSERVATIONS", "/sdmx/2.1/data/RI,OBSERVATIONS,latest"])
def test_keys(seed_client: TestClient, flow: str, key: str) -> None:
    assert len(rows(seed_client, f"{flow}/{key}")) == KEYS[key]


CONDITIONS = {
    "c[FREQ]=A": 2,
    "c[FREQ]=ne:A": 47,
    "c[SUBJECT]=310104,310000": 18,
    "c[REF_AREA]=310104&c[FREQ]=_U": 46,
    "c[INDICATOR]=co:companies": 4,
    "c[INDICATOR]=nc:companies": 45,
    "c[INDICATOR]=sw:metro": 3,
    "c[INDICATOR]=ew:-schools": 1,
    "c[INDICATOR]=sw:metro+ew:density": 2,
    "c[INDICATOR]=sw:metro+ew:density,companies": 4,
    "c[OBS_VALUE]=ge:1000000": 12,
    "c[OBS_VALUE]=ge:400%2Blt:1000": 3,
    "c[OBS_VALUE]=400": 1,
    "c[HEDGE]=%E8%BF%91": 3,
    "c[COMPARATOR]=lt": 3,
    "c[TIME_PERIOD]=2023": 2,
    "c[TIME_PERIOD]=ge:2023-01+le:2023-12": 2,
    "c[TIME_PERIOD]=gt:2023": 47,
    "c[TIME_PERIOD]=lt:2024-03-29": 2,
    "startPeriod=2023&endPeriod=2023-Q4": 2,
    "startPeriod=2024": 47,
    "endPeriod=2024-02": 2,
    "startPeriod=2023-06": 47,
}


@pytest.mark.parametrize("query", CONDITIONS)
def test_conditions(seed_client: TestClient, query: str) -> None:
    assert len(rows(seed_client, f"{FLOW}?{query}")) == CONDITIONS[query]


NUMBERS = st.sampled_from([0.13, 4, 33, 300, 400, 22030000]) | st.floats(-1e12, 1e12, allow_nan=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=NUMBERS)
def test_conditions_part_the_numbers(seed_client: TestClient, number: float) -> None:
    def found(operator: str) -> set[str]:
        return {row["OBS_ID"] for row in rows(seed_client, **{"c[OBS_VALUE]": f"{operator}:{number!r}"})}

    stated = {row["OBS_ID"] for row in rows(seed_client) if row["OBS_VALUE"]}
    assert found("lt") | found("eq") | found("gt") == stated
    assert found("le") == found("lt") | found("eq")
    assert found("ge") == found("gt") | found("eq")
    assert found("ne") == stated - found("eq")
    assert not found("lt") & found("ge")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_key_selects_as_conditions_do(seed_client: TestClient, data: st.DataObject) -> None:
    everything = rows(seed_client)
    codes = {name: sorted({row[name] for row in everything}) for name in KEY}
    asked = {name: data.draw(st.lists(st.sampled_from(found), max_size=3, unique=True), name) for name, found in codes.items()}
    by_key = rows(seed_client, f"{FLOW}/{'.'.join('+'.join(found) for found in asked.values())}")
    by_conditions = rows(seed_client, **{f"c[{name}]": ",".join(found) for name, found in asked.items() if found})
    expected = [row for row in everything if all(not found or row[name] in found for name, found in asked.items())]
    assert by_key == by_conditions == expected


def series_of(document: Data, years: range) -> None:
    """Give the document a figure a year instead of its own."""
    document["observations"] = [
        figure(
            f"y{year}", year, period={"label": f"{year}年", "basis": "stated", "start": f"{year}-01-01", "end": f"{year}-12-31"}
        )
        for year in years
    ]


@pytest.fixture
def yearly(database: Database) -> Any:
    document = article()
    series_of(document, range(2015, 2024))
    publish(database, written(vocabulary()))
    publish(database, written(document))
    with serving(database) as found:
        yield found


def test_the_first_and_last_of_each_series(yearly: TestClient) -> None:
    def years(**asked: str) -> list[str]:
        return [row["TIME_PERIOD"] for row in rows(yearly, **asked)]

    assert years() == [str(year) for year in range(2015, 2024)]
    assert years(firstNObservations="2") == ["2015", "2016"]
    assert years(lastNObservations="1") == ["2023"]
    assert years(firstNObservations="1", lastNObservations="2") == ["2015", "2022", "2023"]
    assert years(lastNObservations="1", endPeriod="2020") == ["2020"]


def test_series_are_in_the_order_of_time(yearly: TestClient) -> None:
    message = yearly.get(FLOW, headers={"Accept": JSON_2}).json()["data"]
    (series,) = message["dataSets"][0]["series"].values()
    times = next(each for each in message["structures"][0]["dimensions"]["observation"])["values"]
    assert len(series["observations"]) == 9
    assert all(before["value"] < after["value"] for before, after in pairwise(times))


def test_revisions_are_read_as_they_were(client: TestClient, database: Database) -> None:
    document = article()
    document["observations"][0]["value"] = 310
    document["observations"][0]["cite"]["text"] = "近310家"
    del document["observations"][1]
    document["observations"].append(figure("new", 7))
    publish(database, written(document))
    assert {row["OBS_ID"]: row["OBS_VALUE"] for row in rows(client)} == {"news.chip-companies": "310", "news.new": "7"}
    before = rows(client, asOf="2")
    assert {row["OBS_ID"]: row["OBS_VALUE"] for row in before} == {
        "news.chip-companies": "300",
        "news.district-companies": "4000",
    }
    changes = rows(client, updatedAfter="2")
    assert [(row["ACTION"], row["OBS_ID"]) for row in changes] == [
        ("R", "news.new"),
        ("R", "news.chip-companies"),
        ("D", "news.district-companies"),
    ]
    assert rows(client, updatedAfter="3") == []
    assert client.get(f"{FLOW}?updatedAfter=3").status_code == 404


REVISED = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2), max_size=5)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(REVISED, min_size=2, max_size=3))
def test_changes_make_the_new_of_the_old(client: TestClient, database: Database, versions: list[dict[str, int]]) -> None:
    revisions = []
    for version in versions:
        document = article()
        document["observations"] += [figure(key, value) for key, value in version.items()]
        revisions.append(publish(database, written(document)).revision)

    def cells(**asked: str) -> dict[tuple[str, ...], dict[str, str]]:
        return {tuple(row[name] for name in DIMENSIONS): row for row in rows(client, **asked)}

    known = cells(asOf=str(revisions[0]))
    for place, row in cells(updatedAfter=str(revisions[0])).items():
        if row["ACTION"] == "D":
            del known[place]
        else:
            known[place] = row | {"ACTION": "I"}
    assert known == cells()


def test_what_is_shown_can_be_chosen(seed_client: TestClient) -> None:
    def columns(**asked: str) -> list[str]:
        return list(rows(seed_client, f"{FLOW}/A", **asked)[0])[3:]

    assert columns(attributes="none") == [*DIMENSIONS, "OBS_VALUE"]
    assert columns(attributes="none", measures="none") == list(DIMENSIONS)
    assert columns(attributes="HEDGE,COMPARATOR", measures="none") == [*DIMENSIONS, "COMPARATOR", "HEDGE"]
    assert columns(attributes="series") == columns(detail="dataonly") == [*DIMENSIONS, "OBS_VALUE"]
    assert columns(attributes="dsd", measures="all") == columns(attributes="all") == columns()
    assert columns(detail="serieskeysonly") == columns(detail="nodata", dimensionAtObservation="AllDimensions") == list(KEY)


def test_what_is_of_no_region_is_found_by_not_applicable(database: Database) -> None:
    """``_Z`` stands for no value: alone, beside others, and denied, in conditions as in keys."""
    data = article()
    data["observations"].append(
        {**data["observations"][1], "key": "of-acme", "subject": "acme", "cite": {"line": 3, "text": "4000家"}}
    )
    for each in (vocabulary(), data):
        publish(database, written(each))
    with serving(database) as client:
        every = {row["OBS_ID"]: row["REF_AREA"] for row in rows(client)}
        assert every == {"news.chip-companies": "990100", "news.district-companies": "990100", "news.of-acme": "_Z"}
        for wanted, areas in {"_Z": {"_Z"}, "_Z,990100": {"_Z", "990100"}, "990100": {"990100"}, "ne:_Z": {"990100"}}.items():
            found = {row["OBS_ID"] for row in rows(client, **{"c[REF_AREA]": wanted})}
            assert found == {name for name, area in every.items() if area in areas}, wanted
        assert {row["OBS_ID"] for row in rows(client, f"{FLOW}/*._Z.*")} == {"news.of-acme"}


def test_csv_runs_no_formula_and_leaves_figures(database: Database) -> None:
    data = article()
    texts = ["=1+1家", "+4000家", "-1.48‰", "@1家"]
    data["observations"] = [
        {**data["observations"][1], "key": f"k{number}", "value": value, "cite": {"line": 3, "text": text}}
        for number, (value, text) in enumerate(zip((1, 4000, -1.48, 1), texts, strict=True))
    ]
    for each in (vocabulary(), data):
        publish(database, written(each))
    found = sorted((row["OBS_ID"], row["AS_WRITTEN"], row["OBS_VALUE"]) for row in rows(serving(database)))
    assert [text for _, text, _ in found] == ["'=1+1家", "+4000家", "-1.48‰", "'@1家"]
    assert [float(value) for _, _, value in found] == [1, 4000, -1.48, 1]
