"""The contract of every list: envelope, paging, order, filters, columns, languages, formats."""

import csv
import io
import json
import re
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

import pyarrow as pa
import pytest
from html5rdf import HTMLParser
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from starlette.testclient import TestClient

from app.formats import FORMATS, Format, formats_for
from app.resources import ALL, BY_NAME
from app.resources.base import Resource
from tests.conftest import rows

EACH = pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)


def address(resource: Resource) -> str:
    return f"/v1/{resource.name}"


@EACH
def test_envelope(seed_client: TestClient, resource: Resource) -> None:
    answer = seed_client.get(address(resource), params={"total": "true", "limit": 3})
    body = answer.json()
    assert set(body) == {"data", "meta", "links"}
    assert body["meta"]["count"] == len(body["data"]) <= 3
    assert body["meta"]["total"] >= body["meta"]["count"] > 0
    assert body["meta"]["revision"] == 2
    assert body["links"]["self"] == f"{address(resource)}?total=true&limit=3"
    assert (body["links"]["next"] is None) == (body["meta"]["total"] <= 3)
    assert list(body["data"][0]) == [column.name for column in resource.columns]


@EACH
def test_rows_are_of_their_public_model(seed_client: TestClient, resource: Resource) -> None:
    for row in rows(seed_client, address(resource), limit=1000):
        resource.public.model_validate(row, extra="forbid")


@EACH
def test_total_only_on_request(seed_client: TestClient, resource: Resource) -> None:
    assert seed_client.get(address(resource)).json()["meta"]["total"] is None


@EACH
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_make_up_the_whole_list_once(seed_client: TestClient, resource: Resource, limit: int) -> None:
    whole = rows(seed_client, address(resource), limit=1000)
    paged, following = [], f"{address(resource)}?limit={limit}"
    while following:
        answer = seed_client.get(following)
        paged += answer.json()["data"]
        following = answer.json()["links"]["next"]
        assert (f'<{following}>; rel="next"' in answer.headers["link"]) == (following is not None)
    assert paged == whole


@EACH
def test_every_sort_key_orders_with_nulls_last_and_pages(seed_client: TestClient, resource: Resource) -> None:
    for name in resource.sort:
        for key in (name, f"-{name}"):
            found = rows(seed_client, address(resource), sort=key, limit=1000)
            values = [row[name] for row in found]
            stated = [value for value in values if value is not None]
            assert values == stated + [None] * (len(values) - len(stated))
            ascending = list(reversed(stated)) if key.startswith("-") else stated
            assert all(not later < earlier for earlier, later in pairwise(ascending))
            half = len(found) // 2 or 1
            first = seed_client.get(address(resource), params={"sort": key, "limit": half}).json()
            rest = rows(seed_client, first["links"]["next"]) if first["links"]["next"] else []
            assert first["data"] + rest == found[: half + len(rest)]


@EACH
def test_pages_go_on_where_all_keys_are_descending(seed_client: TestClient, resource: Resource) -> None:
    for name in set(resource.sort) - {"id"}:
        found = rows(seed_client, address(resource), sort=f"-{name},-id", limit=1000)
        first = seed_client.get(address(resource), params={"sort": f"-{name},-id", "limit": len(found) // 2 or 1}).json()
        rest = rows(seed_client, first["links"]["next"] + "&total=true") if first["links"]["next"] else []
        assert first["data"] + rest == found[: len(first["data"]) + len(rest)]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_order_is_total(seed_client: TestClient, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(ALL))
    names = data.draw(st.lists(st.sampled_from(resource.sort), min_size=1, max_size=3, unique=True))
    keys = [name if data.draw(st.booleans()) else f"-{name}" for name in names]
    limit = data.draw(st.integers(1, 20))
    whole = [row["id"] for row in rows(seed_client, address(resource), sort=",".join(keys), limit=1000)]
    paged: list[Any] = []
    following = f"{address(resource)}?sort={','.join(keys)}&limit={limit}"
    while following and len(paged) <= len(whole):
        answer = seed_client.get(following).json()
        paged += [row["id"] for row in answer["data"]]
        following = answer["links"]["next"]
    assert paged == whole
    assert len(set(paged)) == len(paged)


@EACH
def test_every_equality_filter_selects_exactly_its_rows(seed_client: TestClient, resource: Resource) -> None:
    whole = rows(seed_client, address(resource), limit=1000)
    columns = {origin.path: name for name, origin in resource.origins.items()}
    for name, where in resource.filters.items():
        if where.operator != "in" or where.path not in columns:
            continue
        column = columns[where.path]
        values = sorted({row[column] for row in whole if row[column] is not None})[:3]
        for value in values:
            expected = [row["id"] for row in whole if row[column] == value]
            assert [row["id"] for row in rows(seed_client, address(resource), limit=1000, **{name: value})] == expected
        if len(values) > 1:
            either = [row["id"] for row in whole if row[column] in values[:2]]
            both = f"{values[0]},{values[1]}"
            assert [row["id"] for row in rows(seed_client, address(resource), limit=1000, **{name: both})] == either
            repeated = seed_client.get(f"{address(resource)}?limit=1000&{name}={values[0]}&{name}={values[1]}")
            assert [row["id"] for row in repeated.json()["data"]] == either


@EACH
def test_nothing_found_is_an_empty_list(seed_client: TestClient, resource: Resource) -> None:
    body = seed_client.get(address(resource), params={"q": "zzz-nothing-zzz", "total": "true"}).json()
    assert body["data"] == []
    assert body["meta"] == {"revision": 2, "count": 0, "total": 0}
    assert body["links"]["next"] is None


@EACH
def test_fields_choose_columns_in_their_order(seed_client: TestClient, resource: Resource) -> None:
    names = [column.name for column in resource.columns]
    chosen = [names[-1], names[0]]
    row = rows(seed_client, address(resource), fields=",".join(chosen), limit=1)[0]
    assert list(row) == chosen
    whole = rows(seed_client, address(resource), limit=1)[0]
    assert row == {name: whole[name] for name in chosen}


FITTING = pytest.mark.parametrize(
    ("resource", "format_"),
    [(resource, format_) for resource in ALL for format_ in formats_for(resource.columns)],
    ids=lambda value: value.name,
)


@FITTING
def test_formats_carry_the_same_rows(seed_client: TestClient, resource: Resource, format_: Format) -> None:
    whole = rows(seed_client, address(resource), limit=1000)
    if format_.name == "jsonstat":
        return  # a cube has no rows: see tests/test_formats.py
    for headers, parameters in (({}, {"format": format_.name}), ({"Accept": format_.media_type}, {})):
        answer = seed_client.get(address(resource), params={"limit": 1000, **parameters}, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == format_.content_type
        if format_.streams:
            streamed = seed_client.get(address(resource), params={"limit": "all", **parameters}, headers=headers)
            assert READERS[format_.name](streamed.content, resource) == whole
        assert READERS[format_.name](answer.content, resource) == whole


@FITTING
def test_other_formats_are_linked(seed_client: TestClient, resource: Resource, format_: Format) -> None:
    link = seed_client.get(address(resource), params={"format": format_.name, "limit": 2}).headers["link"]
    for other in formats_for(resource.columns):
        part = f'<?limit=2&format={other.name}>; rel="alternate"; type="{other.media_type}"'
        assert (part in link) == (other is not format_)
    assert '</openapi.json>; rel="describedby"' in link


def test_links_are_short(seed_client: TestClient) -> None:
    """Every answer carries them; who goes on to further pages has chosen a format."""
    first = seed_client.get("/v1/observations?limit=2")
    assert len(first.headers["link"]) < 600
    second = seed_client.get(first.json()["links"]["next"])
    assert 'rel="next"' in second.headers["link"]
    assert "alternate" not in second.headers["link"]
    assert len(seed_client.get("/v1/zones").headers["link"]) < 330


@EACH
def test_every_link_can_be_followed(seed_client: TestClient, resource: Resource) -> None:
    """Those of lists that not every format can answer, too."""
    for query in ("limit=2", f"facets={resource.facets[0]}", "limit=all&format=csv"):
        links = seed_client.get(f"{address(resource)}?{query}").headers["link"]
        targets = re.findall(r'<([^>]+)>; rel="(?:alternate|next)"', links)
        assert targets
        for target in targets:
            assert seed_client.get(urljoin(address(resource), target)).status_code == 200, target


@EACH
def test_language_by_parameter_then_header_then_english(seed_client: TestClient, resource: Resource) -> None:
    cases = [
        ({"lang": "zh"}, {"Accept-Language": "en"}, "zh"),
        ({}, {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh"),
        ({}, {"Accept-Language": "fr, de;q=0.5"}, "en"),
        ({}, {"Accept-Language": "zh;q=0.2, en;q=0.7"}, "en"),
        ({}, {}, "en"),
    ]
    for parameters, headers, expected in cases:
        answer = seed_client.get(address(resource), params=parameters, headers=headers)
        assert answer.headers["content-language"] == expected
        assert "Accept-Language" in answer.headers["vary"]


@EACH
def test_head_is_get_without_a_body(seed_client: TestClient, resource: Resource) -> None:
    got, head = seed_client.get(address(resource)), seed_client.head(address(resource))
    assert head.content == b""
    assert head.status_code == got.status_code
    named = {"x-request-id": ""}
    assert {**head.headers} | named == {**got.headers} | named


def read_json(content: bytes, _resource: Resource) -> list[dict[str, Any]]:
    """The rows of a JSON answer."""
    found: list[dict[str, Any]] = json.loads(content)["data"]
    return found


def read_ndjson(content: bytes, _resource: Resource) -> list[dict[str, Any]]:
    """The rows of an NDJSON answer."""
    return [json.loads(line) for line in content.splitlines()]


def read_parquet(content: bytes, _resource: Resource) -> list[dict[str, Any]]:
    """The rows of a Parquet answer, dates as text."""
    found = parquet.read_table(pa.BufferReader(content)).to_pylist()
    return [{name: _text(value) for name, value in row.items()} for row in found]


def read_html(content: bytes, resource: Resource) -> list[dict[str, Any]]:
    """The rows of a page, in the types of their columns: as a browser sees it, and one that forgives nothing."""
    page = HTMLParser(strict=True, namespaceHTMLElements=False).parse(content.decode())
    (table,) = page.iter("table")
    names = ["".join(cell.itertext()) for cell in table.iter("th")]
    kinds = {column.name: column.type for column in resource.columns}
    lines = [["".join(cell.itertext()) for cell in line.iter("td")] for line in table.find("tbody").iter("tr")]
    return [{name: CELLS[kinds[name]](text) for name, text in zip(names, line, strict=True)} for line in lines]


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def read_csv(content: bytes, resource: Resource) -> list[dict[str, Any]]:
    """The rows of a CSV answer, in the types of their columns."""
    kinds = {column.name: column.type for column in resource.columns}
    lines = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [{name: CELLS[kinds[name]](text) for name, text in line.items()} for line in lines]


def nullable(read: Any) -> Any:
    """An empty cell is null."""
    return lambda text: None if text == "" else read(text)


CELLS: dict[str, Any] = {
    "string": nullable(str),
    "date": nullable(str),
    "datetime": nullable(str),
    "integer": nullable(int),
    "number": nullable(float),
    "boolean": nullable(lambda text: {"true": True, "false": False}[text]),
    "strings": lambda text: text.split("\n") if text else [],
}
READERS: dict[str, Any] = {"json": read_json, "ndjson": read_ndjson, "csv": read_csv, "parquet": read_parquet, "html": read_html}
"""Of each format what reads it back; a format without one has no contract."""


def test_every_format_is_read_back() -> None:
    assert {*READERS, "jsonstat"} == {format_.name for format_ in FORMATS}


def test_the_catalogue_names_each_resource_once() -> None:
    assert len(BY_NAME) == len(ALL) == 12


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("", ""),
        ("?limit=2", "?limit=2"),
        ("?sort=-id&limit=2", "?sort=-id&limit=2"),
        ("?%6Cimit=%32", "?limit=2"),
        ("?q=%41%49", "?q=AI"),
        ("?q=a+b&limit=2", "?q=a+b&limit=2"),
        ("?q=a%20b&limit=2", "?q=a+b&limit=2"),
        ("?q=%e5%be%90", "?q=%E5%BE%90"),
        ("?q=a%26%3D%23", "?q=a%26%3D%23"),
        ("?fields=id%2Cname", "?fields=id,name"),
        ("?q=caf%C3%A9%2B", "?q=caf%C3%A9%2B"),
        ("?limit=2&", "?limit=2"),
    ],
)
def test_links_self_is_the_canonical_address(seed_client: TestClient, given: str, canonical: str) -> None:
    """One spelling for all ways to write a query; it leads to the same answer."""
    answer = seed_client.get(f"/v1/zones{given}")
    assert (answer.status_code, answer.json()["links"]["self"]) == (200, f"/v1/zones{canonical}")
    again = seed_client.get(answer.json()["links"]["self"])
    assert (again.json(), again.headers["etag"]) == (answer.json(), answer.headers["etag"])


def test_links_self_of_an_item_keeps_its_parameters(seed_client: TestClient) -> None:
    for query in ("", "?lang=zh", "?fields=id%2Cname"):
        answer = seed_client.get(f"/v1/zones/caohejing{query}").json()
        assert answer["links"]["self"] == f"/v1/zones/caohejing{query.replace('%2C', ',')}"
