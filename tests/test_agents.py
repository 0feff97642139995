"""The tools of agents, called by the official client: over HTTP, and over stdin and stdout."""

import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.conftest import migrated, seeded
from tests.server import Running, running

Session = Callable[[Callable[[Client], Coroutine[Any, Any, None]]], None]


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


def content(result: Any) -> Any:
    """What a tool answered."""
    assert not result.is_error, result.content
    return result.structured_content


def test_the_tools_only_read_and_are_described(session: Session) -> None:
    async def look(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "describe_indicators", "get_observations", "region_profile", "compare", "cite"}
        for tool in tools.values():
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert all(parameter.get("description") for parameter in tool.input_schema["properties"].values()), tool.name
        assert client.instructions is not None
        assert "hedge_required" in client.instructions

    session(look)


def test_every_figure_comes_with_what_may_be_said(session: Session, server: Running) -> None:
    rest = httpx.get(server.url + "/v1/observations?region=310104&limit=100").json()

    async def ask(client: Client) -> None:
        found = content(await client.call_tool("get_observations", {"region": "310104", "limit": 100}))
        assert [row["id"] for row in found["data"]] == [row["id"] for row in rest["data"]]
        for row, same in zip(found["data"], rest["data"], strict=True):
            assert row["statement"] == same["statement"]
            assert row["citation"] == f"{same['source']}, line {same['line']}: {same['as_written']}"
            assert row["hedge_required"] == (same["hedge"] is not None or same["comparator"] not in (None, "="))
        assert {row["hedge_required"] for row in found["data"]} == {True, False}
        profile = content(await client.call_tool("region_profile", {"region": "310104", "lang": "zh"}))
        assert all("hedge_required" in row for topic in profile["data"]["metrics"] for row in topic["observations"])

    session(ask)


@pytest.mark.client("mcp, over HTTP and stdio")
@pytest.mark.capability("calls the tools")
def test_search_describe_compare_and_cite(session: Session) -> None:
    async def ask(client: Client) -> None:
        hits = content(await client.call_tool("search", {"q": "大模型", "lang": "zh"}))["data"]
        assert hits
        indicators = content(await client.call_tool("describe_indicators", {"topic": "transport"}))["data"]
        assert [row["id"] for row in indicators if row["id"] == "metro-density"]
        compared = content(await client.call_tool("compare", {"indicator": "metro-density", "regions": ["310104", "310000"]}))
        assert len(compared["data"]) == 2
        (row,) = content(await client.call_tool("get_observations", {"indicator": "metro-density", "subject": "310104"}))["data"]
        assert "The Paper" in content(await client.call_tool("cite", {"observation": row["id"]}))["text"]
        assert content(await client.call_tool("cite", {"observation": row["id"], "style": "csl"}))["items"]

    session(ask)


def test_errors_say_what_would_have_been_right(session: Session) -> None:
    async def ask(client: Client) -> None:
        wrong = await client.call_tool("region_profile", {"region": "310199"})
        assert wrong.is_error
        assert "did you mean 31010" in str(wrong.content)

    session(ask)


def test_documents_are_resources(session: Session, server: Running) -> None:
    published = httpx.get(server.url + "/v1/revisions/2/document?format=json").json()

    async def ask(client: Client) -> None:
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "indicators://documents/{revision}"
        (found,) = (await client.read_resource("indicators://documents/2")).contents
        assert json.loads(getattr(found, "text", "")) == published

    session(ask)


def test_other_hosts_are_not_spoken_with(server: Running) -> None:
    answer = httpx.post(server.url + "/mcp", json={}, headers={"Host": "evil.example"})
    assert answer.status_code == 421
