"""Server of the Model Context Protocol: its tools send requests to the REST API of this process.

Every figure has a sentence that may be printed, its citation, and a flag for hedges that must be repeated.
"""

from importlib.metadata import version
from inspect import getdoc
from typing import Any

import httpx
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from app.api.representation import V1
from app.errors import Fault, Problem, nearest
from app.mcp.calls import Ask, cursor_of
from app.mcp.results import MOST, compact_json
from app.mcp.tools import TOOLS

INSTRUCTIONS = """Figures of regional economic news, as their sources state them. Repeat a figure only by its `statement`, or
with its hedge where `hedge_required` is true: "nearly 300" is not 300. Cite it. A null means that the source does not say; never
fill it in. Begin with `search` or `describe_indicators` to find ids. Where `next_cursor` is not null there is more: call again
with it as `cursor`."""
READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
DOCUMENTS = "indicators://documents/"
"""Prefix of the URI of a document; the number of its revision follows."""
MOST_DOCUMENT = 2**18
"""Characters of the largest document that can be read as a resource; REST serves larger ones."""


def server_of(app: ASGIApp) -> Server[Any]:
    """Return the server, whose tools send requests to ``app``, the REST API."""
    ask = _requester(app)

    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_tools())

    async def call_tool(_context: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(
                INVALID_PARAMS, Fault("No such tool.", "unknown_tool", "name", suggestion=nearest(params.name, TOOLS)).sentence
            )
        try:
            result = await tool.run(ask, tool.texts(params.arguments or {}))
        except Problem as problem:
            return CallToolResult(content=[TextContent(text=_message(problem))], is_error=True)
        return CallToolResult(content=[TextContent(text=compact_json(result))], structured_content=result)

    async def list_resources(_context: Any, params: PaginatedRequestParams | None) -> ListResourcesResult:
        cursor = params.cursor if params else None
        return await _documents(ask, {"cursor": cursor} if cursor else {})

    async def list_templates(_context: Any, _params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=[TEMPLATE])

    async def read_resource(_context: Any, params: ReadResourceRequestParams) -> ReadResourceResult:
        text = await _document(ask, params.uri)
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, text=text, mime_type="application/json")])

    return Server(
        "regional-indicators",
        version=version("regional-indicators"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over stdin and stdout."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def http_routes(server: Server[Any]) -> list[Route]:
    """Return the routes of ``/mcp``: stateless streamable HTTP.

    Only POST: the server sends nothing by itself, and GET would open a stream that never ends. The middleware checks hosts
    for all routes; scripts of every origin are allowed, as for the rest of the API.
    """
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    application = server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
    return [Route(route.path, route.endpoint, methods=["POST"]) for route in application.routes if isinstance(route, Route)]


def _tools() -> list[Tool]:
    return [
        Tool(
            name=name,
            description=getdoc(tool.run),
            input_schema=tool.input_schema,
            output_schema=tool.result.model_json_schema(),
            annotations=READ_ONLY,
        )
        for name, tool in TOOLS.items()
    ]


def _message(problem: Problem) -> str:
    """Return the problem as text for an agent: its faults and their corrections."""
    return " ".join([problem.detail, *(fault.sentence for fault in problem.errors)])[: MOST // 4]


TEMPLATE = ResourceTemplate(
    uri_template=f"{DOCUMENTS}{{revision}}",
    name="document",
    title="Document of a revision",
    description="The document that was published in a revision, as canonical JSON.",
    mime_type="application/json",
)


async def _documents(ask: Ask, cursor: dict[str, str]) -> ListResourcesResult:
    """Return a page of the published documents, the newest first."""
    query = {"action": "published", "sort": "-id", "limit": "100", "fields": "id,source,published_at"}
    try:
        answer = await ask("/revisions", query | cursor)
    except Problem as problem:
        raise MCPError(INVALID_PARAMS, _message(problem)) from None
    resources = [
        Resource(
            uri=f"{DOCUMENTS}{row['id']}",
            name=f"{row['source']}, revision {row['id']}",
            description=f"The document of {row['source']}, published {row['published_at']}.",
            mime_type="application/json",
        )
        for row in answer["data"]
    ]
    return ListResourcesResult(resources=resources, next_cursor=cursor_of(answer))


async def _document(ask: Ask, uri: str) -> str:
    """Return the document at ``uri``, as canonical JSON."""
    number = uri.removeprefix(DOCUMENTS)
    if number == uri or not number.isascii() or not number.isdigit():
        raise MCPError(INVALID_PARAMS, f"There is no such resource; expected {TEMPLATE.uri_template}.", {"uri": uri})
    path = f"/revisions/{number}/document"
    try:
        text: str = await ask(path, {"format": "json"}, raw=True)
    except Problem as problem:
        raise MCPError(INVALID_PARAMS, _message(problem), {"uri": uri}) from None
    if len(text) > MOST_DOCUMENT:
        raise MCPError(INTERNAL_ERROR, f"The document is too large to be read here; GET {V1}{path} has it.", {"uri": uri})
    return text


class _RestProblem(Problem):
    """A problem in a response of the REST API."""


def _requester(app: ASGIApp) -> Ask:
    """Return a function that sends requests to the REST API and raises its problems."""
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://agents.invalid", headers={"Accept-Encoding": "identity"}
    )

    async def ask(path: str, texts: dict[str, Any], *, raw: bool = False) -> Any:
        answer = await client.get(V1 + path, params=texts)
        if answer.is_error:
            body = answer.json()
            raise _RestProblem(body["detail"], [Fault(**fault) for fault in body.get("errors", ())])
        return answer.text if raw or "json" not in answer.headers["content-type"] else answer.json()

    return ask
