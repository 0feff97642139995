"""What publications changed, and how a figure is cited."""

import json
from typing import Any

import feedparser
import pytest
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.revisions import publish
from tests.conftest import seeded, serving
from tests.documents import STEPS, article, other, vocabulary, written

FACTS = ("observations", "relations", "designations")
ID = "thepaper-20240329-xuhui.llm-chain-companies"


@pytest.fixture
def client(database: Database) -> TestClient:
    """A service over three revisions: a vocabulary, an article, and a correction of it."""
    publish(database, written(vocabulary()))
    publish(database, written(article()))
    publish(database, written(corrected()))
    return serving(database)


def corrected() -> dict[str, Any]:
    """The article with a figure changed, one more, and a designation less."""
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    del data["designations"]
    data["observations"].append({**data["observations"][1], "key": "more"})
    return data


def changes(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    """The changes that are answered."""
    found: list[dict[str, Any]] = client.get(f"/v1/changes{query}").json()["data"]
    return found


def test_every_change_has_its_old_and_new_row(client: TestClient) -> None:
    found = {(row["id"], row["change"]): row for row in changes(client, "?since=2")}
    assert set(found) == {("news.chip-companies", "changed"), ("news.more", "added"), ("news.pilot", "retracted")}
    changed = found["news.chip-companies", "changed"]
    assert (changed["old"]["value"], changed["new"]["value"]) == (300, 350)
    assert (changed["old"]["revision"], changed["new"]["revision"]) == (2, 3)
    assert found["news.more", "added"]["old"] is None
    assert found["news.pilot", "retracted"]["new"] is None
    assert found["news.pilot", "retracted"]["old"]["title"] == "Pilot district"


def test_changes_add_up_to_the_present(client: TestClient) -> None:
    """Applying all changes in their order gives the rows that the lists answer with."""
    state: dict[tuple[str, str], Any] = {}
    for change in changes(client):
        state[change["resource"], change["id"]] = change["new"]
    present = {key: row for key, row in state.items() if row is not None}
    for name in FACTS:
        rows = client.get(f"/v1/{name}").json()["data"]
        assert {row["id"]: row for row in rows} == {key: row for (resource, key), row in present.items() if resource == name}


def test_old_and_new_rows_are_as_they_were_then(database: Database) -> None:
    """Whatever is published later: names, regions and days of then, as ``as_of`` answers them."""
    for each in (vocabulary(), article(), corrected(), other(), *(step() for step in STEPS.values())):
        publish(database, written(each))
    client = serving(database)
    seen = set()
    for change in changes(client, "?limit=1000"):
        address = f"/v1/{change['resource']}/{change['id']}?as_of="
        for row, moment in ((change["old"], change["revision"] - 1), (change["new"], change["revision"])):
            answer = client.get(f"{address}{moment}")
            assert answer.json().get("data") == row, (change, answer.status_code)
        seen.add(change["change"])
    assert seen == {"added", "changed", "retracted"}


def test_pages_and_ranges(client: TestClient) -> None:
    whole = changes(client)
    assert [row["revision"] for row in whole] == sorted(row["revision"] for row in whole)
    paged, following = [], "/v1/changes?limit=2"
    while following:
        body = client.get(following).json()
        paged += body["data"]
        following = body["links"]["next"]
    assert paged == whole
    assert {row["revision"] for row in changes(client, "?until=2")} == {2}
    assert changes(client, "?since=3") == []
    for query in ("since=3&until=2", "since=9", "since=x", "cursor=abc", "limit=0", "snce=1"):
        answer = client.get(f"/v1/changes?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, query.split("=")[0])


@pytest.mark.client("feedparser")
@pytest.mark.capability("reads the changes as Atom")
def test_the_feed_is_atom(client: TestClient) -> None:
    answer = client.get("/v1/changes", headers={"Accept": "application/atom+xml"})
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    assert feed.version == "atom10"
    assert len(feed.entries) == len(changes(client))
    assert len({entry.id for entry in feed.entries}) == len(feed.entries)
    entry = next(entry for entry in feed.entries if entry.title == "changed: news.chip-companies")
    assert entry.summary.startswith("Chips, Any District – Companies: nearly 350 companies")
    assert client.get(entry.link).json()["data"]["value"] == 350


def test_a_citation_as_text(seed_client: TestClient) -> None:
    english = seed_client.get(f"/v1/observations/{ID}/citation")
    assert english.headers["content-type"] == "text/plain; charset=utf-8"
    assert "The Paper" in english.text
    assert "2024-03-29, line 40: “近300家”" in english.text
    assert "nearly 300 companies" in english.text
    chinese = seed_client.get(f"/v1/observations/{ID}/citation?lang=zh")
    assert chinese.headers["content-language"] == "zh"
    assert "第40行：“近300家”" in chinese.text


def test_a_citation_for_programs(seed_client: TestClient) -> None:
    (item,) = json.loads(seed_client.get(f"/v1/observations/{ID}/citation?format=csl").content)
    assert (item["id"], item["type"], item["locator"]) == (ID, "article-newspaper", "40")
    assert item["issued"] == {"date-parts": [[2024, 3, 29]]}
    bibtex = seed_client.get(f"/v1/observations/{ID}/citation", headers={"Accept": "application/x-bibtex"}).text
    assert bibtex.startswith(f"@misc{{{ID},")
    assert "year = {2024}" in bibtex
    assert bibtex.count("{") == bibtex.count("}")


def test_what_cannot_be_cited(seed_client: TestClient) -> None:
    assert seed_client.get(f"/v1/observations/{ID}x/citation").json()["errors"][0]["suggestion"] == ID
    assert seed_client.get(f"/v1/observations/{ID}/citation?format=ris").status_code == 422
    assert seed_client.get(f"/v1/observations/{ID}/citation", headers={"Accept": "image/png"}).status_code == 406


def test_a_page_that_ends_with_the_last_change_has_no_next(database: Database) -> None:
    client = serving(seeded(database))
    everything = client.get("/v1/changes?limit=1000").json()
    count = everything["meta"]["count"]
    assert everything["links"]["next"] is None
    exact, short = (client.get(f"/v1/changes?limit={limit}").json() for limit in (count, count - 1))
    assert (exact["meta"]["count"], exact["links"]["next"]) == (count, None)
    assert client.get(short["links"]["next"]).json()["meta"]["count"] == 1
