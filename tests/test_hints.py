"""Hints of empty lists: the filter that names something that there is not, and what is most like it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.api.hints import references
from app.db.database import Database
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import rows, seeded, serving


def hints(client: TestClient, address: str, **parameters: str) -> list[dict[str, Any]]:
    """The hints of a list, of which each says what is wrong."""
    found: list[dict[str, Any]] = client.get(f"/v1/{address}", params=parameters).json()["meta"].get("hints", [])
    assert all(hint.pop("message") for hint in found)
    return found


@pytest.mark.parametrize(
    ("address", "parameter", "value", "suggestion"),
    [
        ("observations", "region", "徐汇区", "310104"),
        ("observations", "region", "徐匯", "310104"),
        ("zones", "region", "xuhui", "310104"),
        ("zones", "region", "XUHUI DISTRICT", "310104"),
        ("zones", "region", "mosu-space", None),
        ("observations", "region", "3101044", "310104"),
        ("observations", "subject", "模速空间", "mosu-space"),
        ("observations", "subject", "mosu-spce", "mosu-space"),
        ("observations", "subject", "nosu-space", "mosu-space"),
        ("observations", "indicator", "metro stations", "metro-stations"),
        ("observations", "source", "thepaper-20240329-xuhi", "thepaper-20240329-xuhui"),
        ("observations", "id", "thepaper-20240329-xuhui.metro-densty", "thepaper-20240329-xuhui.metro-density"),
        ("relations", "object_region", "徐汇", "310104"),
        ("regions", "parent", "上海", "310000"),
        ("organisations", "id", "腾讯", "tencent"),
        ("search", "region", "徐汇区", "310104"),
    ],
)
def test_what_is_most_like_it(seed_client: TestClient, address: str, parameter: str, value: str, suggestion: str | None) -> None:
    more = {"q": "metro"} if address == "search" else {}
    (hint,) = hints(seed_client, address, **{parameter: value}, **more)
    if suggestion is not None:
        assert hint == {"parameter": parameter, "value": value, "suggestion": suggestion}


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)
def test_every_filter_by_ids_has_hints(seed_client: TestClient, resource: Resource) -> None:
    expected = {"id", "region", "source", "parent", "subject", "object", "indicator", "object_region"} & set(resource.filters)
    assert set(references(resource)) == expected - ({"id"} if resource.name == "revisions" else set())
    for name in expected:
        (hint,) = hints(seed_client, resource.name, **{name: "zzz-nothing-zzz"})
        assert hint == {"parameter": name, "value": "zzz-nothing-zzz"}


def test_only_where_nothing_was_found_and_an_id_is_not_there(seed_client: TestClient) -> None:
    assert hints(seed_client, "zones", region="310104,xuhui") == []
    assert hints(seed_client, "zones", region="310104", q="zzz") == []
    assert hints(seed_client, "zones", region="310000") == []
    assert hints(seed_client, "zones", region=",".join(f"x{number}" for number in range(200)))[20:] == []
    page = seed_client.get("/v1/zones", params={"region": "徐汇区<", "format": "html"}).text
    assert "<p>region=徐汇区&lt;: No region has this id; did you mean 310104?</p>" in page


def test_snippets_are_html_in_pages_too(seed_client: TestClient) -> None:
    page = seed_client.get("/v1/search", params={"q": "mosu", "format": "html"}).text
    assert "<mark>Mosu</mark>" in page
    assert "&lt;mark" not in page


def test_an_unknown_id_is_compared_with_few_rows(database: Database) -> None:
    client = serving(seeded(database))
    for row in rows(client, "/v1/observations", limit=5):
        wrong = row["id"][:-2] + row["id"][-1]
        (fault,) = client.get(f"/v1/observations/{wrong}").json()["errors"]
        assert fault["suggestion"] == row["id"]
    (fault,) = client.get("/v1/revisions/01").json()["errors"]
    assert fault["suggestion"] == "1"
