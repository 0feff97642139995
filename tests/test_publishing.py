"""Revisions: what publishing a document does to what is served."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db.database import Database
from app.errors import DocumentFaulty
from app.publishing.preparation import Changes
from app.publishing.revisions import publish
from tests.conftest import rows, serving
from tests.documents import article, vocabulary, written


@pytest.fixture
def client(database: Database) -> TestClient:
    """The service over a database with the vocabulary and the article."""
    publish(database, written(vocabulary()))
    publish(database, written(article()))
    return serving(database)


def test_a_publication_is_one_revision(client: TestClient, database: Database) -> None:
    receipt = publish(database, written(article()))
    assert (receipt.revision, receipt.new, receipt.changes) == (2, False, Changes())
    found = rows(client, "/v1/revisions")
    assert [(row["id"], row["source"], row["added"]) for row in found] == [(1, "words", 0), (2, "news", 4)]


def test_unchanged_facts_keep_their_version_and_others_get_one(client: TestClient, database: Database) -> None:
    data = article()
    data["observations"][0]["value"] = 350
    data["observations"][0]["cite"]["text"] = "近350家"
    del data["designations"]
    data["observations"].append({**data["observations"][1], "key": "more"})
    receipt = publish(database, written(data))
    assert (receipt.revision, receipt.new, receipt.changes) == (3, True, Changes(added=1, changed=1, retracted=1))
    found = {row["id"]: row for row in rows(client, "/v1/observations")}
    assert {key: row["revision"] for key, row in found.items()} == {
        "news.chip-companies": 3, "news.district-companies": 2, "news.more": 3,
    }  # fmt: skip
    assert found["news.chip-companies"]["upper"] == 350
    assert rows(client, "/v1/designations") == []
    publish(database, written(article()))
    assert [row["revision"] for row in rows(client, "/v1/designations")] == [4]


def test_earlier_versions_stay_in_the_database(client: TestClient, database: Database) -> None:
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    publish(database, written(data))
    with database.read() as connection:
        versions = connection.exec_driver_sql(
            "SELECT revision, retracted_in, value FROM observation WHERE id = 'news.chip-companies' ORDER BY revision"
        ).all()
    assert [tuple(version) for version in versions] == [(2, 3, 300), (3, None, 350)]
    assert rows(client, "/v1/observations", id="news.chip-companies")[0]["value"] == 350


def test_an_entity_no_longer_mentioned_is_retired_not_deleted(client: TestClient, database: Database) -> None:
    data = article()
    del data["relations"], data["organisations"]
    publish(database, written(data))
    assert rows(client, "/v1/organisations") == []
    (retired,) = rows(client, "/v1/organisations", retired="true")
    assert (retired["id"], retired["retired"], retired["revision"]) == ("acme", True, 3)
    assert client.get("/v1/organisations/acme").status_code == 200
    publish(database, written(article()))
    assert [row["revision"] for row in rows(client, "/v1/organisations")] == [4]


def test_observations_follow_an_entity_that_moves(client: TestClient, database: Database) -> None:
    data = article()
    data["clusters"][0]["region"] = "990000"
    publish(database, written(data))
    found = rows(client, "/v1/observations", subject="any-chips")
    assert [(row["region"], row["revision"]) for row in found] == [("990000", 2)]


def test_nothing_of_a_faulty_document_is_stored(client: TestClient, database: Database) -> None:
    before = [client.get(f"/v1/{name}").text for name in ("revisions", "observations", "organisations", "sources")]
    data = article()
    data["observations"][0]["value"] = 350
    data["relations"][0]["object"] = "nothing"
    with pytest.raises(DocumentFaulty):
        publish(database, written(data))
    assert [client.get(f"/v1/{name}").text for name in ("revisions", "observations", "organisations", "sources")] == before


def with_whole_numbers(number: int) -> dict[str, Any]:
    """The article with such whole numbers wherever it may have one."""
    data = article()
    data["source"] |= {"views": number, "comments": number}
    data["observations"][0] |= {"rank": {"place": number, "of": number}, "cite": {"line": number, "text": "近300家"}}
    return data


def test_the_largest_whole_numbers_are_served_again_and_larger_ones_refused(client: TestClient, database: Database) -> None:
    largest = 2**31 - 1
    publish(database, written(with_whole_numbers(largest)))
    (row,) = rows(client, "/v1/observations", id="news.chip-companies")
    assert {row["rank"], row["rank_of"], row["line"]} == {largest}
    (source,) = rows(client, "/v1/sources", id="news")
    assert {source["views"], source["comments"]} == {largest}
    with pytest.raises(DocumentFaulty) as refused:
        publish(database, written(with_whole_numbers(largest + 1)))
    found = {fault.pointer for fault in refused.value.errors if fault.code == "less_than_equal"}
    of_source, of_fact = ("views", "comments"), ("rank/place", "rank/of", "cite/line")
    assert found == {f"/source/{name}" for name in of_source} | {f"/observations/0/{name}" for name in of_fact}


def test_an_interrupted_publication_leaves_nothing(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.publishing.revisions._finish", fail)
    data = article()
    data["organisations"][0]["name"]["en"] = "Other"
    before = client.get("/v1/organisations").text
    with pytest.raises(KeyboardInterrupt):
        publish(database, written(data))
    assert client.get("/v1/organisations").text == before
    assert len(rows(client, "/v1/revisions")) == 2


def test_another_source_may_refer_to_but_not_redefine(client: TestClient, database: Database) -> None:
    other = article()
    other["source"]["id"] = "other-news"
    with pytest.raises(DocumentFaulty) as caught:
        publish(database, written(other))
    assert [fault.code for fault in caught.value.errors] == ["redefined", "redefined"]
    del other["clusters"], other["organisations"]
    publish(database, written(other))
    assert len(rows(client, "/v1/observations", subject="any-chips")) == 2
    assert {row["id"] for row in rows(client, "/v1/relations")} == {
        "news.acme-member_of-any-chips", "other-news.acme-member_of-any-chips",
    }  # fmt: skip


def test_kinds_and_units_stay(client: TestClient, database: Database) -> None:
    data = article()
    data["zones"] = [{**data.pop("clusters")[0], "type": "functional_zone"}]
    del data["relations"]
    with pytest.raises(DocumentFaulty) as caught:
        publish(database, written(data))
    assert [fault.code for fault in caught.value.errors] == ["changed_kind"]
    words = vocabulary()
    words["indicators"][0] |= {"unit": "CNY", "unit_system": "iso4217"}
    with pytest.raises(DocumentFaulty) as caught:
        publish(database, written(words))
    assert [(fault.code, fault.suggestion) for fault in caught.value.errors] == [("changed_unit", "{company}")]
    assert len(rows(client, "/v1/revisions")) == 2


def test_statements_follow_names(client: TestClient, database: Database) -> None:
    data = article()
    data["clusters"][0]["name"] = {"en": "Semiconductors", "zh": "半导体"}
    publish(database, written(data))
    (english,) = rows(client, "/v1/observations", subject="any-chips", fields="statement")
    (chinese,) = rows(client, "/v1/observations", subject="any-chips", fields="statement", lang="zh")
    assert english["statement"] == (
        "Semiconductors, Any District – Companies: nearly 300 companies (no period stated). Source: The News, 2024-03-29, line 2."
    )
    assert chinese["statement"] == "某区半导体——企业数：近300家（未说明时期）。来源：新闻社，2024-03-29，第2行。"


def test_publications_at_once_take_turns(database: Database) -> None:
    publish(database, written(vocabulary()))

    def publish_one(number: int) -> int:
        data = article()
        data["source"]["id"] = f"news-{number}"
        del data["clusters"], data["organisations"], data["relations"]
        data["observations"] = data["observations"][1:]
        return publish(database, written(data)).revision

    with ThreadPoolExecutor(8) as threads:
        revisions = list(threads.map(publish_one, range(24)))
    assert sorted(revisions) == list(range(2, 26))


def test_only_missing_sources_are_seeded(database: Database) -> None:
    publish(database, written(vocabulary()))
    data = article()
    publish(database, written(data))
    data["designations"] = []
    receipt = publish(database, written(data), only_missing=True)
    assert (receipt.revision, receipt.new) == (2, False)
