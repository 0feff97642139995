"""The transcription: what the service answers about the article, figure by figure, and that nothing of it is a sentence."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import ARTICLE, SEED, rows

SOURCE = "thepaper-20240329-xuhui"

Figure = tuple[int, str, float | None, str | None, float | None, float | None, str | None, str]

FIGURES: dict[str, Figure] = {
    # line, subject, value, comparator, lower, upper, hedge, nature
    "fiscal-revenue": (24, "310104", 25e9, "=", 25e9, 25e9, "达", "actual"),
    "mnc-headquarters-and-rd-centres": (24, "310104", 157, "=", 157, 157, None, "actual"),
    "research-institutions": (26, "310104", 100, "=", 100, 100, None, "actual"),
    "universities": (26, "310104", 13, "=", 13, 13, None, "actual"),
    "high-value-invention-patents": (26, "310104", 72.2, "=", 72.2, 72.2, "达", "actual"),
    "talent-apartments": (28, "xuhui-talent-apartments", 10_000, ">", 10_000, None, "余", "actual"),
    "rental-subsidy-employers": (28, "xuhui-rental-subsidies", 400, ">", 400, None, "多", "actual"),
    "rental-subsidies": (28, "xuhui-rental-subsidies", 22_030_000, "=", 22_030_000, 22_030_000, None, "actual"),
    "metro-stations": (30, "310104", 33, "=", 33, 33, None, "actual"),
    "metro-density": (30, "310104", 1.15, "=", 1.15, 1.15, "达到", "actual"),
    "metro-density-shanghai": (30, "310000", 0.13, "=", 0.13, 0.13, None, "actual"),
    "century-old-schools": (30, "310104", 20, "=", 20, 20, None, "actual"),
    "top-tertiary-hospitals": (30, "310104", 8, "=", 8, 8, None, "actual"),
    "share-of-cultural-institutions": (30, "310104", 80, "=", 80, 80, None, "actual"),
    "clusters-of-100-billion-scale": (38, "310104", 4, "=", 4, 4, None, "target"),
    "cluster-scale": (38, "310104", 1e11, "~", None, None, "级", "target"),
    "share-of-ai-core-companies": (38, "xuhui-artificial-intelligence", 20, "=", 20, 20, None, "actual"),
    "ai-output-growth": (38, "xuhui-artificial-intelligence", 30, ">", 30, None, "超", "actual"),
    "llm-chain-companies": (40, "xuhui-large-models", 300, "<", None, 300, "近", "actual"),
    "financial-institutions": (50, "xuhui-modern-finance", 900, "<", None, 900, "近", "actual"),
    "ten-plans": (58, "xuhui-ten-plans", 10, "=", 10, 10, None, "actual"),
    "ten-plans-funding": (58, "xuhui-ten-plans", 5e9, "=", 5e9, 5e9, None, "planned"),
    "ten-plans-key-industrial-chains": (58, "xuhui-ten-plans", 10, "=", 10, 10, None, "target"),
    "ten-plans-cooperation-platforms": (58, "xuhui-ten-plans", 50, "=", 50, 50, None, "target"),
    "ten-plans-application-scenarios": (58, "xuhui-ten-plans", 100, "=", 100, 100, None, "target"),
    "ten-plans-listing-reserve": (58, "xuhui-ten-plans", 500, "=", 500, 500, None, "target"),
    "ten-plans-projects": (58, "xuhui-ten-plans", 1000, "=", 1000, 1000, None, "target"),
    "individual-policies": (60, "xuhui-service-package", 30, "<", None, 30, "近", "actual"),
    "functional-zones": (62, "xuhui-five-functional-zones", 5, "=", 5, 5, None, "actual"),
    "itc-volume": (64, "xujiahui-itc", 900_000, "~", 810_000, 990_000, "约", "planned"),
    "west-bund-projects": (66, "west-bund-riverside", 4, "=", 4, 4, None, "actual"),
    "west-bund-media-port-volume": (66, "west-bund-media-port", 1e6, "~", None, None, "体量", "actual"),
    "west-bund-digital-valley-volume": (66, "west-bund-digital-valley", 1e6, "~", None, None, "体量", "actual"),
    "west-bund-financial-hub-volume": (66, "west-bund-financial-hub", 1e6, "~", None, None, "体量", "actual"),
    "life-blue-bay-volume": (66, "life-blue-bay", 1e6, "~", None, None, "体量", "actual"),
    "caohejing-expansion-space": (68, "caohejing-eastward-expansion", 1.4e6, "~", 1.26e6, 1.54e6, "约", "actual"),
    "central-xuhui-new-premises": (70, "central-xuhui", 1.5e6, ">", 1.5e6, None, "超", "actual"),
    "beiyang-volume": (72, "beiyang-ai-town", 1e6, "=", 1e6, 1e6, None, "planned"),
    "huazhimen-volume": (72, "huazhimen", 1.3e6, "=", 1.3e6, 1.3e6, None, "planned"),
}

STANDINGS: dict[str, tuple[int, int | None, str | None, str | None]] = {
    # line, rank, band, region whose parts are ranked
    "overall-economic-strength": (24, None, "leading", None),
    "mnc-headquarters-and-rd-centres": (24, 1, None, "310000"),
    "high-value-invention-patents": (26, 1, None, "310000"),
    "talent-services": (28, None, "leading", None),
    "education-health-culture-and-sports": (30, None, "leading", "310000"),
    "business-environment": (32, None, "first_class", None),
    "legal-environment": (32, None, "first_class", None),
    "llm-first-in-shanghai": (40, 1, None, "310000"),
    "llm-concentration": (40, None, "leading", "100000"),
    "llm-visibility": (40, None, "leading", "100000"),
    "fintech-companies": (50, None, "leading", "310000"),
    "caohejing-first": (68, 1, None, "100000"),
}

PERIODS = {
    "rental-subsidy-employers": ("去年", "2023-01-01", "2023-12-31", "derived"),
    "rental-subsidies": ("去年", "2023-01-01", "2023-12-31", "derived"),
    "ai-output-growth": ("近五年", None, None, "stated"),
}


@pytest.fixture(scope="module")
def observations(seed_client: TestClient) -> dict[str, dict[str, Any]]:
    """The article's observations by key."""
    return {row["id"].removeprefix(f"{SOURCE}."): row for row in rows(seed_client, "/v1/observations", limit=1000)}


def test_every_figure(observations: dict[str, dict[str, Any]]) -> None:
    names = ("line", "subject", "value", "comparator", "lower", "upper", "hedge", "nature")
    found = {key: tuple(row[name] for name in names) for key, row in observations.items() if row["value"] is not None}
    assert found == FIGURES


def test_every_standing(observations: dict[str, dict[str, Any]]) -> None:
    names = ("line", "rank", "rank_band", "rank_region")
    standing = {key: row for key, row in observations.items() if row["rank"] is not None or row["rank_band"] is not None}
    assert {key: tuple(row[name] for name in names) for key, row in standing.items()} == STANDINGS


def test_a_period_only_where_one_is_stated(observations: dict[str, dict[str, Any]]) -> None:
    names = ("period_label", "period_start", "period_end", "period_basis")
    unstated = (None, None, None, "unstated")
    assert {key: tuple(row[name] for name in names) for key, row in observations.items()} == {
        key: PERIODS.get(key, unstated) for key in observations
    }


def test_every_row_of_the_article_is_cited(seed_client: TestClient) -> None:
    for name in ("observations", "relations", "designations", "clusters", "zones", "programmes", "organisations", "projects"):
        for row in rows(seed_client, f"/v1/{name}", limit=1000):
            assert row["source"] == SOURCE
            assert row["line"] > 0
            assert row["as_written" if "as_written" in row else "name_as_written"]


def test_the_page_and_the_speaker(seed_client: TestClient) -> None:
    page = seed_client.get(f"/v1/sources/{SOURCE}").json()["data"]
    assert (page["author"], page["published_on"], page["published_time"]) == ("访客", "2024-03-29", "16:00:55")
    assert (page["views"], page["comments"], page["photographer"]) == (74797, 0, "李佳蔚")
    assert page["speakers"][0].startswith("yu-linwei: Yu Linwei")
    quoted = {row["line"] for row in rows(seed_client, "/v1/observations", speaker="yu-linwei")}
    assert quoted == {38, 60}


def test_what_belongs_together(seed_client: TestClient) -> None:
    members = {row["subject"] for row in rows(seed_client, "/v1/relations", object="xuhui-life-and-health")}
    assert members == {
        "3m", "msd", "johnson-and-johnson", "orient-gene", "united-imaging", "cspc", "ascentage", "caokaifa", "xuhui-1-4-3-x",
    }  # fmt: skip
    assert len(rows(seed_client, "/v1/relations", predicate="partner_of", object="310104")) == 7
    inside = {row["subject"] for row in rows(seed_client, "/v1/relations", object="west-bund-riverside")}
    assert inside == {"west-bund-media-port", "west-bund-digital-valley", "west-bund-financial-hub", "life-blue-bay"}
    statuses = {row["id"]: row["status"] for row in rows(seed_client, "/v1/projects")}
    assert statuses["xujiahui-itc"] == "completing"
    assert statuses["beiyang-ai-town"] == statuses["huazhimen"] == "under_construction"


@pytest.mark.skipif(not ARTICLE.exists(), reason="the article is not beside this checkout")
def test_the_project_holds_no_sentence_of_the_article() -> None:
    """Phrases of up to 21 characters may be cited; the title is bibliographic."""
    text = ARTICLE.read_text(encoding="utf8").split("\n")
    title = text[2]
    long = {line[start : start + 22] for line in text for start in range(len(line) - 21)}
    for path in SEED:
        for line in path.read_text(encoding="utf8").replace(title, "").split("\n"):
            assert not long & {line[start : start + 22] for start in range(len(line) - 21)}, line
