"""What filters mean: ranges, hedges (point, certain, possible), the newest period, earlier revisions, counts, and text."""

import operator
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.domain.hedges import HEDGES, bounds_of, hedge_of
from app.publishing.revisions import publish
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import NewDatabase, rows, serving
from tests.documents import article, vocabulary, written

WORDS = [None, "近", "不超过", "达", "约", "级", "至少", "超"]
VALUES = [-20, 0, 90, 100, 110, 1000]
CASES = [(value, word) for value in VALUES for word in WORDS]


@pytest.fixture(scope="module")
def claims(new_database: NewDatabase) -> Iterator[TestClient]:
    """A service over one observation for every value under every kind of hedge, and an ordinal one."""
    data = article()
    data["observations"] = [
        {
            "key": f"case-{number}",
            "indicator": "companies",
            "subject": "any-chips",
            "value": value,
            **({"hedge": word} if word else {}),
            "cite": {"line": 2, "text": f"{word or ''}{value}家"},
        }
        for number, (value, word) in enumerate(CASES)
    ]
    scope = {"en": "here", "zh": "本地"}
    data["observations"].append(
        {
            "key": "ordinal",
            "indicator": "companies",
            "subject": "any-chips",
            "rank": {"place": 1, "scope": scope},
            "cite": {"line": 2, "text": "第一"},
        }
    )
    database = new_database()
    publish(database, written(vocabulary()))
    publish(database, written(data))
    with serving(database) as client:
        yield client
    database.engine.dispose()


COMPARE: dict[str, Any] = {
    "value": operator.eq, "value_lt": operator.lt, "value_lte": operator.le, "value_gt": operator.gt, "value_gte": operator.ge,
}  # fmt: skip
NUMBERS = st.sampled_from(sorted({0, *(delta + value for value in VALUES for delta in (-10, -1, 0, 1, 10))})) | st.floats(
    -2000, 2000, allow_nan=False
)


def samples(value: float, word: str | None) -> list[float]:
    """Numbers that the claim leaves open, those next to its ends among them."""
    hedge = hedge_of(word)
    bounds = bounds_of(value, hedge)
    low = -1e9 if bounds.lower is None else bounds.lower + (1e-6 if hedge.comparator == ">" else 0)
    high = 1e9 if bounds.upper is None else bounds.upper - (1e-6 if hedge.comparator == "<" else 0)
    return [low, (low + high) / 2, high]


@given(NUMBERS, st.sampled_from(sorted(COMPARE)))
@settings(max_examples=80, deadline=None)
def test_point_certain_and_possible(claims: TestClient, number: float, name: str) -> None:
    """The laws: certain holds for every number left open, possible for some, and both agree with point where none is."""
    parameters = {name: repr(number), "limit": 1000, "fields": "id"}
    found = {
        match: {row["id"].removeprefix("news.") for row in rows(claims, "/v1/observations", match=match, **parameters)}
        for match in ("point", "certain", "possible")
    }
    assert found["certain"] <= found["possible"]
    assert "ordinal" not in found["possible"]
    for place, (value, word) in enumerate(CASES):
        key = f"case-{place}"
        assert (key in found["point"]) == COMPARE[name](value, number)
        open_numbers = samples(value, word)
        if key in found["certain"]:
            assert all(COMPARE[name](each, number) for each in open_numbers)
        if any(COMPARE[name](each, number) for each in open_numbers):
            assert key in found["possible"]
        if hedge_of(word).comparator == "=":
            assert (key in found["certain"]) == (key in found["possible"]) == (key in found["point"])


TRUTH = {
    # hedge: what certain and possible say of > 100, >= 100, = 100, <= 100, < 100, for the stated number 100
    None: "no no|yes yes|yes yes|yes yes|no no",
    "近": "no no|no no|no no|yes yes|yes yes",
    "不超过": "no no|no yes|no yes|yes yes|no yes",
    "约": "no yes|no yes|no yes|no yes|no yes",
    "级": "no yes|no yes|no yes|no yes|no yes",
    "至少": "no yes|yes yes|no yes|no yes|no no",
    "超": "yes yes|yes yes|no no|no no|no no",
}


@pytest.mark.parametrize("word", TRUTH, ids=str)
def test_the_truth_table(claims: TestClient, word: str | None) -> None:
    key = f"news.case-{CASES.index((100, word))}"
    cells = []
    for name in ("value_gt", "value_gte", "value", "value_lte", "value_lt"):
        said = [
            "yes" if rows(claims, "/v1/observations", match=match, id=key, **{name: 100}) else "no"
            for match in ("certain", "possible")
        ]
        cells.append(" ".join(said))
    assert "|".join(cells) == TRUTH[word]


def test_every_kind_of_hedge_is_tried() -> None:
    kinds = {(hedge.comparator, hedge.bounds_basis) for hedge in HEDGES.values()}
    assert {(hedge_of(word).comparator, hedge_of(word).bounds_basis) for word in WORDS} == kinds


@pytest.mark.parametrize(
    "query", ["value_gte=5&value_lt=4", "value_gt=5&value_lte=4.9", "period_from=2024-01-02&period_to=2024-01-01"]
)
def test_inverted_ranges(claims: TestClient, query: str) -> None:
    (fault,) = claims.get(f"/v1/observations?{query}").json()["errors"]
    assert (fault["code"], fault["parameter"]) == ("inverted_range", query.split("=", maxsplit=1)[0])


def test_periods(seed_client: TestClient) -> None:
    def keys(**parameters: str) -> set[str]:
        return {row["id"].split(".")[1] for row in rows(seed_client, "/v1/observations", limit=1000, **parameters)}

    dated = {"rental-subsidies", "rental-subsidy-employers"}
    assert keys(period_from="2023-12-31") == keys(period_to="2023-01-01") == dated
    assert keys(period_from="2024-01-01") == keys(period_to="2022-12-31") == set()
    assert len(keys(reported_from="2024-03-29", reported_to="2024-03-29")) == 51 - 2
    assert keys(reported_from="2024-03-30") == set()


def test_places_are_listed_as_ids_are(seed_client: TestClient) -> None:
    whole = rows(seed_client, "/v1/observations", limit=1000)
    assert rows(seed_client, "/v1/observations", rank="1,2", limit=1000) == [row for row in whole if row["rank"] in (1, 2)] != []


@pytest.fixture
def history(new_database: NewDatabase) -> Iterator[TestClient]:
    """A service over three revisions of a source, and another source about an earlier period."""
    database = new_database()
    publish(database, written(vocabulary()))
    data = article()
    publish(database, written(data))
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    del data["designations"]
    publish(database, written(data))
    older = article()
    older["source"] |= {"id": "old-news", "published_on": "2023-05-01"}
    del older["clusters"], older["organisations"], older["relations"], older["designations"]
    older["observations"][1]["period"] |= {"start": "2022-01-01", "end": "2022-12-31"}
    publish(database, written(older))
    with serving(database) as client:
        yield client
    database.engine.dispose()


def test_as_of_a_revision(history: TestClient) -> None:
    def values(**parameters: Any) -> dict[str, Any]:
        return {row["id"]: row["value"] for row in rows(history, "/v1/observations", subject="any-chips", **parameters)}

    assert values() == {"news.chip-companies": 350, "old-news.chip-companies": 300}
    assert values(as_of=3) == {"news.chip-companies": 350}
    assert values(as_of=2) == {"news.chip-companies": 300}
    assert values(as_of=1) == values(as_of=0) == values(as_of="2020-01-01") == {}
    assert values(as_of="2999-01-01") == values()
    assert len(rows(history, "/v1/designations", as_of=2)) == 1
    assert rows(history, "/v1/designations", as_of=3) == []
    assert len(rows(history, "/v1/observations", subject="any-chips", as_of=3)) == 1
    assert rows(history, "/v1/designations") == []
    assert history.get("/v1/designations/news.pilot?as_of=2").json()["meta"]["revision"] == 2
    assert history.get("/v1/designations/news.pilot").status_code == 404
    moments = {row["id"]: row["published_at"] for row in rows(history, "/v1/revisions")}
    assert values(as_of=moments[2]) == values(as_of=2)
    assert history.get("/v1/observations?as_of=2").json()["meta"]["revision"] == 2


@pytest.mark.parametrize("as_of", ["5", "-1", "yesterday", "2024-02-30", "1e3", "2024-13"])
def test_there_is_no_such_revision(history: TestClient, as_of: str) -> None:
    answer = history.get("/v1/observations", params={"as_of": as_of})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "as_of"


def test_a_cursor_belongs_to_its_revision(history: TestClient) -> None:
    following = history.get("/v1/observations?limit=1&as_of=2").json()["links"]["next"]
    assert history.get(following).status_code == 200
    (fault,) = history.get(following.replace("as_of=2&", "")).json()["errors"]
    assert "as_of=2" in fault["message"]


def test_latest_keeps_the_newest_period(history: TestClient) -> None:
    everything = rows(history, "/v1/observations", subject="990100")
    assert {row["period_end"] for row in everything} == {"2023-12-31", "2022-12-31"}
    newest = rows(history, "/v1/observations", subject="990100", latest="true")
    assert [row["period_end"] for row in newest] == ["2023-12-31"]
    undated = rows(history, "/v1/observations", subject="any-chips", latest="true")
    assert [row["reported_on"] for row in undated] == ["2024-03-29"]
    earlier = rows(history, "/v1/observations", source="old-news", latest="true")
    assert len(earlier) == 2


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)
def test_facets_count_the_whole_result(seed_client: TestClient, resource: Resource) -> None:
    address = f"/v1/{resource.name}"
    whole = rows(seed_client, address, limit=1000)
    body = seed_client.get(address, params={"facets": ",".join(resource.facets), "limit": 1}).json()
    assert list(body["facets"]) == list(resource.facets)
    for name, counts in body["facets"].items():
        values = [row[name] for row in whole]
        assert {count["value"]: count["count"] for count in counts} == {value: values.count(value) for value in values}
        assert [count["count"] for count in counts] == sorted((count["count"] for count in counts), reverse=True)
    name = resource.facets[0]
    page = seed_client.get(address, params={"facets": name, "format": "html"}).text
    shown = [f"{'null' if each['value'] is None else each['value']} ({each['count']})" for each in body["facets"][name]]
    assert f"<p>{name}: {', '.join(shown)}.</p>" in page
    (fault,) = seed_client.get(address, params={"facets": name, "format": "csv"}).json()["errors"]
    assert (fault["parameter"], fault["code"], fault["allowed"]) == ("facets", "facets_format", ["format=json", "format=html"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("模速", {"mosu-space"}),
        ("MOSU space", {"mosu-space"}),
        ("space mosu", {"mosu-space"}),
        ("mos spa", {"mosu-space"}),
        ("漕河涇", {"caohejing", "caokaifa"}),
        ("osu", set()),
        ("河", {"caohejing", "caokaifa"}),
        ("mosu%space", {"mosu-space"}),
    ],
)
def test_text_is_found_literally(seed_client: TestClient, text: str, found: set[str]) -> None:
    assert {row["id"] for row in rows(seed_client, "/v1/zones", q=text)} == found
