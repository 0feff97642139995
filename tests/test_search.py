"""The search: what is found, in what order, how it is shown, and that no text is anything but text."""

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from starlette.testclient import TestClient

from app.db.database import Database
from app.db.indexes import remove_texts
from app.domain.tokenizer import BEGINNING, fold, forbidden, query_tokens, snippet, text_tokens
from app.publishing import search_index
from app.publishing.rebuild import DERIVED, rebuild
from app.publishing.revisions import publish, retract
from app.query.text_index import after_few
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import rows, serving
from tests.documents import STEPS, article, other, vocabulary, written


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
    assert found == ids(seed_client, q=" ".join(query_tokens(query)))
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
        assert answer.status_code == (422 if forbidden(text) or not query_tokens(text) else 200)


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
    tokens = set(text_tokens(text))
    return all(
        any(token.startswith(wanted[:-1]) for token in tokens) if wanted.endswith(BEGINNING) else wanted in tokens
        for wanted in query_tokens(query)
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


def entries(database: Database) -> list[dict[str, Any]]:
    """All entries of the index, of facts with their history."""
    with database.read() as connection:
        found = connection.execute(select(search_index.ENTRY).order_by("resource", "key", "held_from")).mappings().all()
    facts = {resource.name for resource in ALL if resource.versioned}
    unknown = dict.fromkeys(("id", "held_from"))
    return [
        {**row, "id": None} if row["resource"] in facts else {**row, **unknown}
        for row in found
        if row["resource"] in facts or row["held_until"] is None
    ]


@pytest.mark.parametrize("names", [list(STEPS), list(reversed(STEPS))], ids=["forward", "backward"])
def test_a_lost_index_is_made_anew(database: Database, names: list[str]) -> None:
    """As it would have become: facts are found as of every revision by what they said then."""
    for data in (vocabulary(), article(), other()):
        publish(database, written(data))
    for name in names:
        publish(database, written(STEPS[name]()))
    with database.write() as connection:
        retract(connection, "other")
    whole = entries(database)
    assert any(row["held_until"] for row in whole)
    client = serving(database)
    with database.write() as connection:
        remove_texts(connection, connection.execute(select(search_index.ENTRY.c.id)).scalars().all())
        connection.execute(delete(search_index.ENTRY))
        connection.execute(delete(DERIVED))
    assert ids(client, q="990000") == []
    for _ in range(2):  # the second time nothing is missing
        rebuild(database)
        assert entries(database) == whole
    assert ids(client, q="99000") == ["990000"]


def test_a_publication_leaves_alone_what_it_does_not_change(database: Database) -> None:
    for data in (vocabulary(), article(), other()):
        publish(database, written(data))

    def held() -> dict[tuple[str, str], tuple[int, int]]:
        with database.read() as connection:
            found = connection.execute(select(search_index.ENTRY).where(search_index.ENTRY.c.held_until.is_(None))).all()
        return {(row.resource, row.key): (row.id, row.held_from) for row in found}

    before = held()
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    data["designations"][0]["level"] = "municipal"  # which no text says
    publish(database, written(data))
    after = held()
    assert {key for key in after if after[key] != before.get(key)} == {
        ("observations", "news.chip-companies"),
        ("revisions", "4"),
    }
    assert after["observations", "news.chip-companies"][1] == 4


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)
def test_every_row_of_every_list_is_found_by_its_id(seed_client: TestClient, resource: Resource) -> None:
    if resource.name == "revisions":
        assert [row["id"] for row in rows(seed_client, "/v1/revisions", q="xuhui")] == [2]
    for row in rows(seed_client, f"/v1/{resource.name}", limit=5):
        assert row["id"] in [each["id"] for each in rows(seed_client, f"/v1/{resource.name}", q=str(row["id"]), limit=1000)]


def test_what_is_retired_is_found_in_its_list_alone(database: Database) -> None:
    for data in (vocabulary(), article()):
        publish(database, written(data))
    client = serving(database)
    assert "any-chips" in ids(client, q="chips")
    with database.write() as connection:
        retract(connection, "news")
    assert ids(client, q="chips") == []
    assert rows(client, "/v1/clusters", q="chips") == []
    assert [row["id"] for row in rows(client, "/v1/clusters", q="chips", retired="true")] == ["any-chips"]
    assert [row["id"] for row in rows(client, "/v1/observations", q="chips", as_of=2)] == ["news.chip-companies"]


def test_pages_of_what_very_many_texts_say(seed_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are gone through instead of looked up: the answer is the same."""
    queries = [("observations", "xuhui"), ("observations", "3"), ("organisations", "上海"), ("revisions", "thepaper")]
    few = [rows(seed_client, f"/v1/{name}", q=text, limit=1000, lang="en") for name, text in queries]
    assert all(few)
    monkeypatch.setattr("app.query.text_index.FEW", 0)
    after_few.cache_clear()
    many = [rows(seed_client, f"/v1/{name}", q=text, limit=999, lang="en") for name, text in queries]
    after_few.cache_clear()
    assert many == few


def test_words_of_any_length_are_indexed_on_every_engine(database: Database) -> None:
    """One character may stand for many: PostgreSQL takes no word of more than 2046 bytes."""
    data = vocabulary()
    data["indicators"][0]["definition"]["en"] = "\ufdf4" * 500
    publish(database, written(data))
    assert [row["id"] for row in rows(serving(database), "/v1/indicators", q="\ufdf4" * 50)] == ["companies"]
