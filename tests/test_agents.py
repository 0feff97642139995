"""The tools of agents, called by the official client: over HTTP, over stdin and stdout, and in this process."""

import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from starlette.testclient import TestClient

from app.api.query_params import list_parameters
from app.db.database import Database
from app.main import create_service
from app.mcp.tools import HIDDEN, TOOLS
from app.publishing.revisions import publish
from app.resources.observations import OBSERVATIONS
from app.settings import Settings
from tests import documents
from tests.conftest import migrated, rows, seeded, serving
from tests.server import Running, running

Session = Callable[[Callable[[Client], Coroutine[Any, Any, None]]], None]
MOST = 25_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service over the seed; it speaks with this machine alone."""
    folder = tmp_path_factory.mktemp("agents")
    url = f"sqlite:///{folder}/indicators.db"
    seeded(migrated(url)).close()
    with running(url, folder, environment={"TRUSTED_HOSTS": "127.0.0.1"}) as found:
        yield found


@pytest.fixture(scope="module", params=["http", "stdio"])
def session(request: pytest.FixtureRequest, server: Running) -> Iterator[Session]:
    """Runs what an agent does in one session, over one transport or the other."""
    arguments = ["-c", "from app.cli import run; run()", "mcp"]
    environment = {"DATABASE_URL": f"sqlite:///{server.log.parent}/indicators.db", "PATH": ""}
    local = StdioServerParameters(command=sys.executable, args=arguments, env=environment, cwd=Path.cwd())
    where: Any = server.url + "/mcp" if request.param == "http" else stdio_client(local)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(where)) as client:
        yield lambda doing: portal.call(doing, client)


def within(database: Database, doing: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    """Run what an agent does, with the tools over ``database`` in this process."""
    server = create_service(Settings(database_url=database.url, rate_limit="")).agents
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        portal.call(doing, client)


def content(result: Any) -> Any:
    """What a tool answered; the client has checked it against the schema that the tool has for it."""
    assert not result.is_error, result.content
    assert len(result.model_dump_json(by_alias=True)) <= MOST
    (text,) = result.content
    assert json.loads(text.text) == result.structured_content
    return result.structured_content


async def refusal(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """What a tool says of arguments that it refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (text,) = result.content
    return str(getattr(text, "text", None))


async def whole(client: Client, tool: str, **arguments: Any) -> list[Any]:
    """All pages of what a tool answers."""
    pages = [content(await client.call_tool(tool, arguments))]
    while pages[-1]["next_cursor"]:
        assert "next_cursor" in pages[-1]["note"]
        pages.append(content(await client.call_tool(tool, {**arguments, "cursor": pages[-1]["next_cursor"]})))
    assert pages[-1]["note"] is None
    return pages


def test_the_tools_only_read_and_are_described(session: Session) -> None:
    async def look(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "describe_indicators", "get_observations", "region_profile", "compare", "cite"}
        for tool in tools.values():
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert all(parameter.get("description") for parameter in tool.input_schema["properties"].values()), tool.name
            assert tool.input_schema["additionalProperties"] is False
            assert {"meta", "next_cursor", "note"} <= set((tool.output_schema or {})["required"])
        assert client.instructions is not None
        assert "hedge_required" in client.instructions

    session(look)


def test_arguments_are_called_as_in_rest() -> None:
    found = {name: set(tool.input_schema["properties"]) for name, tool in TOOLS.items()}
    assert found["get_observations"] == set(list_parameters(OBSERVATIONS).model_fields) - set(HIDDEN)
    assert found["search"] == {"q", "resource", "region", "limit", "lang", "cursor"}
    assert found["region_profile"] == {"id", "lang", "fields", "cursor"}
    assert found["compare"] == {"indicator", "region", "nature", "as_of", "lang", "fields", "cursor"}
    assert found["cite"] == {"id", "lang", "format", "as_of"}


def test_every_figure_comes_with_what_may_be_said(session: Session, server: Running) -> None:
    rest = {row["id"]: row for row in httpx.get(server.url + "/v1/observations?region=310104&limit=100").json()["data"]}

    async def ask(client: Client) -> None:
        pages = await whole(client, "get_observations", region="310104", limit=100)
        found = [row for page in pages for row in page["data"]]
        assert [row["id"] for row in found] == list(rest)
        assert len(pages) > 1
        for row in found:
            same = rest[row["id"]]
            assert {name: row[name] for name in ("statement", "value", "comparator", "hedge", "unit")} == {
                name: same[name] for name in ("statement", "value", "comparator", "hedge", "unit")
            }
            assert row["citation"] == f"{same['source']}, line {same['line']}: {same['as_written']}"
            assert row["hedge_required"] == (same["hedge"] is not None or same["comparator"] not in (None, "="))
            assert (row["period"] is None) == (same["period_basis"] == "unstated")
        assert {row["hedge_required"] for row in found} == {True, False}

    session(ask)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_profile_has_everything_in_pieces(session: Session, server: Running, lang: str) -> None:
    everything = httpx.get(f"{server.url}/v1/regions/310104/profile?lang={lang}").json()["data"]
    figures = rows_of(server, f"/v1/observations?region=310104&limit=1000&lang={lang}")

    async def ask(client: Client) -> None:
        pages = await whole(client, "region_profile", id="310104", lang=lang)
        assert all(page["data"]["region"]["name"] == everything["region"]["name"] for page in pages)
        parts: dict[str, list[Any]] = {}
        for page in pages:
            for name, found in page["data"].items():
                parts[name] = parts.get(name, []) + (found if isinstance(found, list) else [])
        for name in ("clusters", "zones", "programmes", "projects", "designations"):
            assert [row["id"] for row in parts[name]] == [row["id"] for row in everything[name]]
        assert {row["id"] for row in parts["metrics"] + parts["figures"]} == {row["id"] for row in figures}
        assert all("hedge_required" in row and row["citation"] for row in parts["metrics"] + parts["figures"])
        ties = {row["id"] for row in everything["organisations"]}
        assert ties <= {row["subject"] for row in parts["organisations"]}
        texts = [text for source in parts["not_stated"] for text in source["not_stated"]]
        assert texts == [each["text"] for each in everything["not_stated"] if each["missing"] is None]

    session(ask)


def rows_of(server: Running, address: str) -> list[dict[str, Any]]:
    """The rows of a list of the running service."""
    found: list[dict[str, Any]] = httpx.get(server.url + address).json()["data"]
    return found


@pytest.mark.client("mcp, over HTTP and stdio")
@pytest.mark.capability("calls the tools")
def test_search_describe_compare_and_cite(session: Session) -> None:
    async def ask(client: Client) -> None:
        hits = content(await client.call_tool("search", {"q": "大模型", "lang": "zh"}))["data"]
        assert all("statement" in hit for hit in hits if hit["resource"] == "observations")
        assert {hit["resource"] for hit in hits} > {"observations"}
        indicators = content(await client.call_tool("describe_indicators", {"topic": "transport"}))["data"]
        assert [row["id"] for row in indicators if row["id"] == "metro-density"]
        asked = {"indicator": "metro-density", "region": ["310104", "310000"]}
        first, second = content(await client.call_tool("compare", asked))["data"]
        assert (first["subject"], second["subject"]) == ("310104", "310000")
        assert second["difference"] == {"lower": -1.02, "upper": -1.02, "exact": True}
        (row,) = content(await client.call_tool("get_observations", {"indicator": "metro-density", "subject": "310104"}))["data"]
        assert "The Paper" in content(await client.call_tool("cite", {"id": row["id"]}))["text"]
        assert content(await client.call_tool("cite", {"id": row["id"], "format": "csl"}))["items"]
        assert content(await client.call_tool("cite", {"id": row["id"], "format": "bibtex"}))["text"].startswith("@misc")

    session(ask)


def test_other_fields_and_filters_of_rest(session: Session) -> None:
    async def ask(client: Client) -> None:
        asked = {"region": 310104, "value_gte": 300, "latest": True, "nature": ["actual"], "fields": ["lower", "topic"]}
        found = content(await client.call_tool("get_observations", asked))["data"]
        assert found
        assert all(set(row) == {"id", "statement", "lower", "topic", "hedge_required", "citation"} for row in found)
        assert content(await client.call_tool("get_observations", {"region": None, "limit": 1.0}))["meta"]["count"] == 1

    session(ask)


WRONG: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("search", {"q": "x", "limt": 3}, ("limt: Unknown parameter", "did you mean limit?")),
    ("get_observations", {"regoin": "310104"}, ("regoin", "did you mean region?")),
    ("get_observations", {"match": "pont", "limit": 101, "latest": "perhaps"}, ("did you mean point?", "limit", "latest")),
    ("get_observations", {"limit": "many", "value_gte": "much"}, ("limit", "value_gte")),
    ("get_observations", {"region": {"id": "310104"}, "limt": 1}, ("region: Expected a text", "did you mean limit?")),
    ("get_observations", {"region": [["310104"]]}, ("region: Expected a text",)),
    ("get_observations", {"q": "a\0b"}, ("q: Expected a text",)),
    ("get_observations", {"fields": ["valu"]}, ("did you mean value?",)),
    ("get_observations", {"fields": ["format"]}, ("fields",)),
    ("get_observations", {"format": "csv"}, ("format: Unknown parameter",)),
    ("get_observations", {"cursor": "x"}, ("cursor",)),
    ("describe_indicators", {"sort": "nme"}, ("did you mean name?",)),
    ("region_profile", {"id": "310199"}, ("No region has this id", "did you mean 31010")),
    ("region_profile", {"region": "310104"}, ("region: Unknown parameter", "id: Field required")),
    ("region_profile", {"id": "310104/profile"}, ("id",)),
    ("region_profile", {"id": ".."}, ("id",)),
    ("region_profile", {"id": "310104", "cursor": "99."}, ("cursor",)),
    ("region_profile", {"id": "310104", "cursor": "0.x"}, ("cursor",)),
    ("compare", {"indicator": "metro-density", "regions": ["310104", "310000"]}, ("did you mean region?",)),
    ("compare", {"indicator": "metro-density", "region": ["310104"]}, ("region",)),
    ("compare", {"indicator": "metro-density", "region": ["310104", "310000"], "cursor": "1.other"}, ("cursor",)),
    ("cite", {"id": "x", "format": "csll"}, ("did you mean csl?",)),
    ("cite", {"observation": "x"}, ("observation: Unknown parameter", "id: Field required")),
]


def test_errors_say_what_would_have_been_right(session: Session) -> None:
    async def ask(client: Client) -> None:
        for tool, arguments, parts in WRONG:
            said = await refusal(client, tool, arguments)
            assert all(part in said for part in parts), (tool, arguments, said)
        with pytest.raises(MCPError, match=r"did you mean get_observations\?"):
            await client.call_tool("get_observation", {})

    session(ask)


def test_errors_are_the_sentences_of_rest(session: Session, server: Running) -> None:
    fault = httpx.get(server.url + "/v1/observations?match=pont").json()["errors"][0]

    async def ask(client: Client) -> None:
        said = await refusal(client, "get_observations", {"match": "pont"})
        assert fault["message"].removesuffix(".") in said

    session(ask)


def test_documents_are_resources(session: Session, server: Running) -> None:
    published = httpx.get(server.url + "/v1/revisions/2/document?format=json").json()

    async def ask(client: Client) -> None:
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "indicators://documents/{revision}"
        listed = (await client.list_resources()).resources
        assert [resource.uri for resource in listed] == ["indicators://documents/2", "indicators://documents/1"]
        assert "thepaper-20240329-xuhui" in listed[0].name
        (found,) = (await client.read_resource(listed[0].uri)).contents
        assert json.loads(getattr(found, "text", "")) == published
        for uri in ("indicators://documents/99", "indicators://documents/x", "indicators://other/2", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    session(ask)


def test_there_may_be_more_documents_than_one_page_lists(database: Database) -> None:
    publish(database, documents.written(documents.vocabulary()))
    for number in range(101):
        data = documents.vocabulary()
        data["indicators"][0]["definition"]["en"] = f"Companies, version {number}."
        publish(database, documents.written(data))

    async def ask(client: Client) -> None:
        first = await client.list_resources()
        rest = await client.list_resources(cursor=first.next_cursor)
        assert len(first.resources) == 100
        assert [resource.uri for resource in rest.resources] == ["indicators://documents/2", "indicators://documents/1"]
        assert rest.next_cursor is None

    within(database, ask)


def large(longest: int) -> documents.Data:
    """A document with very many figures of one region, in which texts are as long and as awkward as they may be."""
    awkward = ('"\\' * 250)[:longest]
    data = documents.article()
    data["source"]["title"] = awkward or "x"
    data["source"]["not_stated"] = [
        {"en": f"{number} {awkward}"[:500], "zh": f"{number} {awkward}"[:500]} for number in range(40)
    ]
    data["clusters"][0]["name"] = {"en": f"Chips {awkward}"[:500], "zh": f"芯片{awkward}"[:500]}
    del data["designations"], data["relations"]
    figure = data["observations"][0]
    data["observations"] = [
        figure | {"key": f"f{number}", "cite": {"line": number + 1, "text": f"近{number}{awkward}"[:500]}}
        for number in range(600)
    ]
    return data


@pytest.mark.parametrize("longest", [20, 500])
def test_no_result_is_too_long_over_any_data(database: Database, longest: int) -> None:
    publish(database, documents.written(documents.vocabulary()))
    publish(database, documents.written(large(longest)))
    with serving(database) as client:
        everything = [row["id"] for row in rows(client, "/v1/observations?region=990100&limit=1000")]
        columns = [column.name for column in OBSERVATIONS.columns]

    async def ask(client: Client) -> None:
        for lang in ("en", "zh"):
            pages = await whole(client, "region_profile", id="990100", lang=lang)
            assert [row["id"] for page in pages for row in page["data"].get("figures", ())] == everything
            pages = await whole(client, "get_observations", region="990100", limit=100, lang=lang)
            assert [row["id"] for page in pages for row in page["data"]] == everything
            pages = await whole(client, "search", q="芯片", limit=100, lang=lang)
            hits = [row["id"] for page in pages for row in page["data"]]
            assert len(hits) == len(set(hits)) == 100
            content(await client.call_tool("get_observations", {"region": "990100", "fields": columns, "lang": lang}))
            for form in ("text", "csl", "bibtex"):
                content(await client.call_tool("cite", {"id": everything[0], "format": form, "lang": lang}))

    within(database, ask)


def test_other_hosts_are_not_spoken_with(server: Running) -> None:
    answer = httpx.post(server.url + "/mcp", json={}, headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_scripts_of_other_origins_may_ask(server: Running, seed_client: TestClient) -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, mcp-protocol-version, mcp-session-id",
    }
    preflight = httpx.options(server.url + "/mcp", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("content-type", "accept", "mcp-protocol-version", "mcp-session-id", "mcp-method"))
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Origin": "https://app.example", "Accept": "application/json, text/event-stream"}
    answer = httpx.post(server.url + "/mcp", json=message, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"
    publishing = seed_client.options("/v1/publications", headers=asked)
    assert "access-control-allow-origin" not in publishing.headers
