"""Earlier revisions, exactly: what a list answers as of a revision is what it answered when that was the latest."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.revisions import publish, retract
from app.resources import ALL
from app.resources.base import LANGS, Resource
from tests.conftest import rows, serving
from tests.documents import STEPS, article, other, vocabulary, written

FACTS = [resource for resource in ALL if resource.versioned]
QUERIES: dict[str, list[dict[str, str]]] = {
    "observations": [
        {"region": "990100"},
        {"region": "990000,990100", "sort": "-region,topic"},
        {"region": "990000", "format": "csv", "limit": "all"},
        {"subject_kind": "cluster"},
        {"topic": "industry", "latest": "true"},
        {"reported_from": "2024-04-01"},
        {"q": "Other"},
        {"facets": "region,topic", "limit": "1"},
    ],
    "relations": [{"object_region": "990000"}, {"subject_kind": "organisation", "q": "别的"}],
    "designations": [{"q": "Pilot"}],
}
"""Of each resource, besides the whole list, what asks for that which a fact repeats of others."""


def answers(client: TestClient, resource: Resource, **as_of: int) -> list[Any]:
    """What all queries of a resource answer, in both languages, but for what names the query itself."""
    found = []
    for query in ({}, *QUERIES[resource.name]):
        for lang in LANGS:
            answer = client.get(f"/v1/{resource.name}", params={"lang": lang, **query, **as_of})
            assert answer.status_code == 200, answer.text
            body = answer.json() if "json" in answer.headers["content-type"] else {"data": answer.text}
            found.append((query, lang, body["data"], body.get("facets")))
    return found


@pytest.mark.parametrize("names", [list(STEPS), list(reversed(STEPS))], ids=["forward", "backward"])
def test_earlier_revisions_stay_as_they_were(database: Database, names: list[str]) -> None:
    client = serving(database)
    for data in (vocabulary(), article(), other()):
        publish(database, written(data))
    before = {}
    for name in names:
        publish(database, written(STEPS[name]()))
        before[client.get("/v1/observations").json()["meta"]["revision"]] = {
            resource.name: answers(client, resource) for resource in FACTS
        }
    with database.write() as connection:
        retract(connection, "news")
    for revision, then in before.items():
        for resource in FACTS:
            assert answers(client, resource, as_of=revision) == then[resource.name]


def test_items_of_earlier_revisions_stay_as_they_were(database: Database) -> None:
    client = serving(database)
    for data in (vocabulary(), article()):
        publish(database, written(data))
    address = "/v1/observations/news.chip-companies"
    then = client.get(address).json()["data"]
    publish(database, written(STEPS["a subject of another region"]()))
    publish(database, written(STEPS["an indicator renamed"]()))
    now = client.get(address).json()["data"]
    assert (then["region"], now["region"]) == ("990100", "990000")
    assert client.get(address, params={"as_of": 2}).json()["data"] == then
    assert rows(client, "/v1/observations", as_of=2, id="news.chip-companies") == [then]
