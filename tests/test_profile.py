"""Everything about a region in one answer."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import rows


@pytest.fixture(scope="module")
def data(seed_client: TestClient) -> dict[str, Any]:
    """The profile of the district of the seed."""
    answer = seed_client.get("/v1/regions/310104/profile")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["data"]
    return found


def test_every_observation_of_the_region_is_in_it_once(seed_client: TestClient, data: dict[str, Any]) -> None:
    topical = [row["id"] for topic in data["metrics"] for row in topic["observations"]]
    entities = [row for name in ("clusters", "zones", "projects", "programmes") for row in data[name]]
    attached = [row["id"] for entity in entities for row in (*entity["observations"], *entity.get("targets", ()))]
    assert sorted(topical + attached) == [row["id"] for row in rows(seed_client, "/v1/observations", region="310104")]
    assert all(row["topic"] == topic["topic"] for topic in data["metrics"] for row in topic["observations"])


def test_entities_carry_what_belongs_to_them(data: dict[str, Any]) -> None:
    by_id = {row["id"]: row for name in ("clusters", "zones", "programmes") for row in data[name]}
    members = {row["id"] for row in by_id["xuhui-artificial-intelligence"]["members"]}
    assert members == {"tencent", "alibaba", "sensetime"}
    assert {row["id"] for row in by_id["huajing-gateway"]["projects"]} == {"beiyang-ai-town", "huazhimen"}
    assert by_id["huajing-gateway"]["projects"][0]["observations"][0]["value"] == 1_000_000
    assert len(by_id["xuhui-ten-plans"]["targets"]) == 6
    assert [row["id"] for row in by_id["caohejing"]["located_in"]] == ["caokaifa"]
    assert {row["id"] for row in by_id["xuhui-new-track-support"]["supports"]} >= {"xuhui-metaverse", "xuhui-large-models"}
    assert len(data["designations"]) == 6
    assert {row["predicate"] for row in data["organisations"]} == {"located_in", "partner_of"}


def test_it_says_what_the_source_does_not(data: dict[str, Any]) -> None:
    told = [row["text"] for row in data["not_stated"] if row["about"] is None]
    assert any("fiscal revenue" in text for text in told)
    missing = {(row["about"].split(".")[-1], row["missing"]) for row in data["not_stated"] if row["about"]}
    assert {
        ("fiscal-revenue", "period"), ("ai-output-growth", "period_dates"), ("talent-services", "rank_scope"),
        ("life-blue-bay-volume", "bounds"), ("life-blue-bay", "status"),
    } <= missing  # fmt: skip
    assert ("rental-subsidies", "period") not in missing


def test_language_and_errors(seed_client: TestClient) -> None:
    answer = seed_client.get("/v1/regions/310104/profile?lang=zh")
    assert answer.headers["content-language"] == "zh"
    assert answer.json()["data"]["region"]["name"] == "徐汇区"
    assert seed_client.get("/v1/regions/310105/profile").json()["data"]["metrics"] == []
    (fault,) = seed_client.get("/v1/regions/31010/profile").json()["errors"]
    assert fault["suggestion"].startswith("3101")
    assert seed_client.get("/v1/regions/310104/profile?format=csv").status_code == 422
