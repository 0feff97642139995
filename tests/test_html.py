"""Pages for browsers: what they show, where they lead, and that nothing in them is run."""

import base64
import hashlib
from typing import Any
from urllib.parse import urljoin

import pytest
from html5rdf import HTMLParser
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.db.database import Database
from app.domain.dataset import Column, Dataset, Meta
from app.formats import BY_NAME
from app.publishing.revisions import publish
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import rows, serving
from tests.documents import article, vocabulary, written

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def parsed(text: str) -> Any:
    """The page as a browser takes it; what a browser would have to forgive is an error."""
    return HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def texts(element: Any, name: str) -> list[str]:
    """The text of each element of that name."""
    return ["".join(found.itertext()) for found in element.iter(name)]


def test_browsers_are_shown_a_page_and_others_json(seed_client: TestClient) -> None:
    page = seed_client.get("/v1/zones", headers={"Accept": FIREFOX})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["vary"]
    assert seed_client.get("/v1/zones", headers={"Accept": "*/*"}).headers["content-type"] == "application/json"


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)
def test_every_link_leads_somewhere(seed_client: TestClient, resource: Resource) -> None:
    start = f"/v1/{resource.name}?lang=zh&limit=2&format=html"
    links = {link.get("href"): link.text for link in parsed(seed_client.get(start).text).iter("a")}
    items = {address for address in links if address.startswith(f"/v1/{resource.name}/")}
    assert len(items) == len(rows(seed_client, f"/v1/{resource.name}", limit=2))
    for address in items:
        page = seed_client.get(address)
        assert (page.headers["content-type"], page.headers["content-language"]) == ("text/html; charset=utf-8", "zh")
        links |= {link.get("href"): link.text for link in parsed(page.text).iter("a")}
    assert {"up", "json", "csv"} <= set(links.values())
    for address in (address for address in links if address.startswith("/")):
        assert seed_client.get(urljoin(start, address)).status_code == 200, address


def test_links_of_an_earlier_revision_stay_there(seed_client: TestClient) -> None:
    page = parsed(seed_client.get("/v1/observations?as_of=2&limit=1&format=html").text)
    (identifier,) = [row["id"] for row in rows(seed_client, "/v1/observations", limit=1, as_of=2)]
    assert f"/v1/observations/{identifier}?as_of=2&format=html" in [link.get("href") for link in page.iter("a")]


def test_an_item_is_shown_with_all_that_it_carries(seed_client: TestClient) -> None:
    data = seed_client.get("/v1/zones/caohejing").json()["data"]
    page = parsed(seed_client.get("/v1/zones/caohejing?format=html").text)
    upright, *carried = page.iter("table")
    shown = dict(zip(texts(upright, "th"), texts(upright, "td"), strict=True))
    assert (shown["id"], shown["aliases"], shown["retired"], shown["parent"]) == ("caohejing", "", "false", "")
    assert shown["summary"] == data["summary"]
    lists = {name: value for name, value in data.items() if isinstance(value, list) and name not in shown}
    assert texts(page, "h2") == [name.capitalize() for name in lists]
    for table, expected in zip(carried, lists.values(), strict=True):
        head, *lines = table.iter("tr")
        found = [dict(zip(texts(head, "th"), texts(line, "td"), strict=True)) for line in lines]
        assert [row["id"] for row in found] == [row["id"] for row in expected]


def test_markup_that_is_published_is_text(database: Database) -> None:
    data = article()
    data["source"]["title"] = literal = '<script>alert(1)</script> "&amp;'
    for each in (vocabulary(), data):
        publish(database, written(each))
    page = parsed(serving(database).get("/v1/sources?format=html").text)
    assert list(page.iter("script")) == []
    assert literal in texts(page, "td")


def test_nothing_is_run_and_only_its_own_style_applies(seed_client: TestClient) -> None:
    page = seed_client.get("/v1/zones?format=html")
    (style,) = texts(parsed(page.text), "style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.headers["content-security-policy"] == f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z"))), max_size=5))
def test_any_text_is_read_back(cells: list[str]) -> None:
    data = Dataset("test", (Column("cell", "string", "A <cell>."),), [[cell] for cell in cells], Meta(1, len(cells)))
    page = parsed(b"".join(BY_NAME["html"].write(data)).decode())
    assert texts(page, "td") == cells
    assert [head.get("title") for head in page.iter("th")] == ["A <cell>."]
