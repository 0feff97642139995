"""The search: what is found, in what order, how it is shown, and that no text is anything but text."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.database import Database
from app.publishing.ingest import publish
from app.tokens import asked, fold, indexed, snippet
from tests.conftest import rows, serving
from tests.documents import article, vocabulary, written


def ids(client: TestClient, **parameters: Any) -> list[str]:
    """The ids found, in their order."""
    return [row["id"] for row in rows(client, "/v1/search", limit=100, **parameters)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("模速空间", "mosu-space"),
        ("模速", "mosu-space"),
        ("Mosu Space", "mosu-space"),
        ("space MOSU", "mosu-space"),
        ("ＭＯＳＵ", "mosu-space"),
        ("腾讯", "tencent"),
        ("4+3+X", "xuhui-4-3-x"),
        ("ten plans", "xuhui-ten-plans"),
        ("310104", "310104"),
        ("3M", "3m"),
        ("rental subsidies paid", "rental-subsidies"),
        ("澎湃", "thepaper-20240329-xuhui"),
    ],
)
def test_the_best_match_comes_first(seed_client: TestClient, query: str, first: str) -> None:
    assert ids(seed_client, q=query)[0] == first


def test_one_character_two_and_many(seed_client: TestClient) -> None:
    one, two, three = (set(ids(seed_client, q=text)) for text in ("智", "智能", "智能座"))
    assert three == {"xuhui-large-models-smart-cockpits"}
    assert three < two < one
    assert ids(seed_client, q="能智") == []


def test_kinds_and_regions(seed_client: TestClient) -> None:
    found = rows(seed_client, "/v1/search", q="人工智能", limit=100)
    assert {"clusters", "observations", "projects"} <= {row["resource"] for row in found}
    assert {row["resource"] for row in rows(seed_client, "/v1/search", q="人工智能", resource="clusters,zones")} <= {
        "clusters",
        "zones",
    }
    assert ids(seed_client, q="metro", region="310000") == ["thepaper-20240329-xuhui.metro-density-shanghai"]


def test_every_hit_can_be_fetched_and_shows_its_match(seed_client: TestClient) -> None:
    for row in rows(seed_client, "/v1/search", q="人工智能", limit=100):
        assert "<mark>" in row["snippet"]
        assert seed_client.get(f"/v1/{row['resource']}/{row['id']}").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["AND", "OR", "NOT mosu", "mosu*", '"', "mosu AND space", "title:mosu", "(mosu", "mosu^2", "a-b", "NEAR(a b)"],
)
def test_operators_are_text(seed_client: TestClient, query: str) -> None:
    found = ids(seed_client, q=query)
    assert found == ids(seed_client, q=" ".join(asked(query)) or "zzz")
    assert ids(seed_client, q="mosu*") == ids(seed_client, q="mosu")


@pytest.mark.parametrize("query", ["", "x" * 201, "%00"])
def test_queries_out_of_range(seed_client: TestClient, query: str) -> None:
    answer = seed_client.get(f"/v1/search?q={query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "q")
    assert seed_client.get("/v1/search").json()["errors"][0]["parameter"] == "q"


@given(st.text(max_size=60, alphabet=st.characters(codec="utf-8", exclude_characters="\0")).filter(bool))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_search(seed_client: TestClient, text: str) -> None:
    assert seed_client.get("/v1/search", params={"q": text}).status_code == 200


@given(st.text(max_size=30), st.data())
@settings(max_examples=300)
def test_a_text_is_found_by_any_piece_of_it(text: str, data: st.DataObject) -> None:
    """However it is written: composed or not, full-width or not, in any case. Pieces are cut between words and characters."""
    words = text.split()
    piece = data.draw(st.sampled_from(words)) if words else ""
    for form in (piece, unicodedata.normalize("NFD", piece), piece.upper() if fold(piece.upper()) == fold(piece) else piece):
        assert set(asked(form)) <= set(indexed(text))


@given(st.text(max_size=120), st.text(min_size=1, max_size=5))
@settings(max_examples=200)
def test_snippets_are_safe_html(text: str, query: str) -> None:
    shown = snippet(text, query).replace("<mark>", "").replace("</mark>", "")
    assert "<" not in shown
    assert ">" not in shown


def test_snippets_mark_every_match() -> None:
    assert snippet("近300家AI企业 & ＡＩ", "ai") == "近300家<mark>AI</mark>企业 &amp; <mark>ＡＩ</mark>"
    assert snippet("大" * 100 + "智能" + "小" * 100, "智能") == "…" + "大" * 40 + "<mark>智能</mark>" + "小" * 40 + "…"


def test_the_index_follows_publications(database: Database) -> None:
    publish(database, written(vocabulary()))
    publish(database, written(article()))
    client = serving(database)
    assert ids(client, q="芯片")[0] == "any-chips"
    assert set(ids(client, q="芯片")) == {"any-chips", "news.chip-companies"}
    data = article()
    data["clusters"][0]["name"] = {"en": "Semiconductors", "zh": "半导体"}
    data["clusters"][0]["cite"]["text"] = "半导体"
    del data["organisations"], data["relations"]
    publish(database, written(data))
    assert ids(client, q="芯片") == []
    assert set(ids(client, q="半导体")) == {"any-chips", "news.chip-companies"}
    assert ids(client, q="Acme") == []
    words = vocabulary()
    words["indicators"][0]["name"]["en"] = "Firms"
    publish(database, written(words))
    assert set(ids(client, q="firms")) == {"companies", "news.chip-companies", "news.district-companies"}
