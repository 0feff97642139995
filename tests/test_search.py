"""The search: what is found, in what order, how it is shown, and that no text is anything but text."""

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.database import Database
from app.publishing.ingest import publish
from app.tokens import BEGINNING, asked, fold, forbidden, indexed, snippet
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
    [
        "AND",
        "OR",
        "NOT mosu",
        "mosu*",
        '"mosu',
        "=zones",
        "mosu AND space",
        "title:mosu",
        "(mosu",
        "mosu^2",
        "a-b",
        "NEAR(a b)",
        "mosu:*",
        "mosu & 'x",
        "a\\b",
    ],
)
def test_operators_are_text(seed_client: TestClient, query: str) -> None:
    found = ids(seed_client, q=query)
    assert found == ids(seed_client, q=" ".join(asked(query)))
    assert ids(seed_client, q="mosu*") == ids(seed_client, q="mosu")


@pytest.mark.parametrize("query", ["", "x" * 201, "%00"])
def test_queries_out_of_range(seed_client: TestClient, query: str) -> None:
    answer = seed_client.get(f"/v1/search?q={query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "q")
    assert seed_client.get("/v1/search").json()["errors"][0]["parameter"] == "q"


@given(st.text(max_size=60, alphabet=st.characters(codec="utf-8")))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_search(seed_client: TestClient, text: str) -> None:
    for address in ("/v1/search", "/v1/zones"):
        answer = seed_client.get(address, params={"q": text})
        assert answer.status_code == (422 if forbidden(text) or not asked(text) else 200)


@given(st.text(max_size=30), st.data())
@settings(max_examples=300)
def test_a_text_is_found_by_any_piece_of_it(text: str, data: st.DataObject) -> None:
    """However it is written: composed or not, full-width or not, in any case. Pieces are cut between words and characters."""
    words = text.split()
    piece = data.draw(st.sampled_from(words)) if words else ""
    for form in (piece, unicodedata.normalize("NFD", piece), piece.upper() if fold(piece.upper()) == fold(piece) else piece):
        assert has(text, form)


def has(text: str, query: str) -> bool:
    """Whether the tokens of the text have all that a query asks for."""
    tokens = set(indexed(text))
    return all(
        any(token.startswith(wanted[:-1]) for token in tokens) if wanted.endswith(BEGINNING) else wanted in tokens
        for wanted in asked(query)
    )


@given(st.text(max_size=40))
@example("ﬀǄẞ\u0345")
@settings(max_examples=300)
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


ALIKE = {
    "Москва": ["МОСКВА", "москва"],
    "Élan": ["élan", "ELAN", "E\u0301lan", "ｅｌａｎ"],
    "L'Oréal": ["oreal", "loreal", "l'oréal", "L’OREAL", "ORÉAL", "L'Or"],
    "Łódź": ["lodz", "ŁÓDŹ"],
    "Straße": ["strasse", "STRASSE"],
    "徐汇区": ["徐匯", "徐汇", "汇", "匯區"],
    "臺灣": ["台湾", "臺灣", "湾"],
    "ＡＩ企业": ["ai", "AI企業"],
    "ガス": ["ｶﾞｽ", "カ\u3099ス"],
    "models": ["mod", "MODEL", "models"],
}


@pytest.mark.parametrize("text", ALIKE)
def test_case_width_accents_and_forms_do_not_matter(text: str) -> None:
    for query in ALIKE[text]:
        assert has(text, query), query
    assert "<mark>" in snippet(text, ALIKE[text][0])


def test_words_are_found_by_their_beginnings_not_by_their_insides() -> None:
    assert not has("England", "land")
    assert not has("L'Oréal", "real")
    assert has("the land of lands", "lan")
    assert snippet("England land lands", "land") == "England <mark>land</mark> <mark>land</mark>s"
    assert has("某人工智能", "工智")  # of Chinese, insides are


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\ufeff"])
def test_characters_that_are_not_seen_are_refused(seed_client: TestClient, character: str) -> None:
    for address in ("search", "zones", "revisions"):
        (fault,) = seed_client.get(f"/v1/{address}", params={"q": f"mosu{character}"}).json()["errors"]
        assert fault["parameter"] == "q"


@pytest.mark.parametrize("query", ["%", "_", "'", "\\", '"', "…", " ", "*"])
def test_a_query_has_a_letter_or_a_digit(seed_client: TestClient, query: str) -> None:
    for address in ("search", "zones"):
        (fault,) = seed_client.get(f"/v1/{address}", params={"q": query}).json()["errors"]
        assert (fault["parameter"], fault["message"]) == ("q", "Expected at least one letter or digit.")


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
