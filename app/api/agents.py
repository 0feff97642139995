"""The tools of agents, over the Model Context Protocol: each is a request to the REST API of this process, nothing else.

Every figure comes with the sentence that may be printed, its citation, and whether its hedge must be repeated.
"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Any, Literal
from urllib.parse import quote

import httpx
import msgspec
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.routing import Route
from starlette.types import ASGIApp

from app.api.responses import V1
from app.errors import Fault
from app.resource import Lang

INSTRUCTIONS = """Figures of regional economic news, as their sources state them. Repeat a figure only by its `statement`, or
with its hedge where `hedge_required` is true: "nearly 300" is not 300. Cite it. A null means that the source does not say; never
fill it in. Begin with `search` or `describe_indicators` to find ids."""
READING = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Answer = dict[str, Any]
Language = Annotated[Lang, Field(description="Language of names and statements.")]
Rows = Annotated[int, Field(ge=1, le=100, description="Rows to answer with at most.")]


def agents(app: ASGIApp) -> MCPServer[Any]:
    """The server; ``app`` is the REST API that its tools ask."""
    about: Any = {"instructions": INSTRUCTIONS, "version": version("regional-indicators"), "log_level": "WARNING"}
    server = MCPServer[Any]("regional-indicators", **about)
    ask = _asking(app)
    tool = server.tool(annotations=READING)

    @tool
    async def search(
        q: Annotated[str, Field(description="Words to find, in Chinese or English.")], lang: Language = "en", limit: Rows = 20
    ) -> Answer:
        """Find entities, indicators, observations and sources by words."""
        return await ask("/search", q=q, lang=lang, limit=limit)

    @tool
    async def describe_indicators(
        topic: Annotated[str | None, Field(description="Only those of this topic.")] = None, lang: Language = "en"
    ) -> Answer:
        """List what can be measured: ids, definitions, units, topics."""
        return await ask("/indicators", topic=topic, lang=lang, limit=1000)

    @tool
    async def get_observations(  # noqa: PLR0913  one parameter per filter
        region: Annotated[str | None, Field(description="Id of a region: figures of it and of all that belongs to it.")] = None,
        subject: Annotated[str | None, Field(description="Id of the entity that the figures are about.")] = None,
        indicator: Annotated[str | None, Field(description="Id of an indicator.")] = None,
        nature: Annotated[Literal["actual", "planned", "target"] | None, Field(description="What kind of figures.")] = None,
        latest: Annotated[bool, Field(description="Only the newest period of each.")] = False,  # noqa: FBT002  the protocol names it
        lang: Language = "en",
        limit: Rows = 50,
    ) -> Answer:
        """Get figures: values with comparator and bounds, statements that may be printed, citations."""
        filters = {"region": region, "subject": subject, "indicator": indicator, "nature": nature}
        return await ask("/observations", **filters, latest="true" if latest else None, lang=lang, limit=limit)

    @tool
    async def region_profile(region: Annotated[str, Field(description="Id of the region.")], lang: Language = "en") -> Answer:
        """Get everything about a region, and what the sources do not say."""
        return await ask(f"/regions/{quote(region, safe='')}/profile", lang=lang)

    @tool
    async def compare(
        indicator: Annotated[str, Field(description="Id of the indicator.")],
        regions: Annotated[
            list[str], Field(min_length=2, description="Ids of the regions; the first is what others are compared with.")
        ],
        lang: Language = "en",
    ) -> Answer:
        """Compare regions by an indicator, on bounds; refused where periods do not agree."""
        return await ask("/compare", indicator=indicator, region=",".join(regions), lang=lang)

    @tool
    async def cite(
        observation: Annotated[str, Field(description="Id of the observation.")],
        style: Annotated[Literal["text", "csl", "bibtex"], Field(description="Form of the citation.")] = "text",
        lang: Language = "en",
    ) -> Answer:
        """Get the citation of a figure."""
        return await ask(f"/observations/{quote(observation, safe='')}/citation", format=style, lang=lang)

    @server.resource("indicators://documents/{revision}", mime_type="application/json")
    async def document(revision: str) -> str:
        """What was published in a revision, as canonical JSON."""
        try:
            return msgspec.json.encode(await ask(f"/revisions/{quote(revision, safe='')}/document", format="json")).decode()
        except ToolError as error:
            raise ResourceError(str(error)) from None

    return server


def http_routes(server: MCPServer[Any], hosts: list[str]) -> list[Route]:
    """``/mcp``: streamable HTTP, of which each request stands alone. It is spoken with ``hosts``; with all where ``*`` is one.

    POST alone: there is nothing that the server would say by itself, and a GET would be a stream that is never ended.
    """
    allowed = [pattern for host in hosts for pattern in (host, f"{host}:*")]
    security = TransportSecuritySettings(enable_dns_rebinding_protection="*" not in hosts, allowed_hosts=allowed)
    application = server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
    return [Route(route.path, route.endpoint, methods=["POST"]) for route in application.routes if isinstance(route, Route)]


def _asking(app: ASGIApp) -> Callable[..., Awaitable[Answer]]:
    """What asks the REST API. A problem becomes an error that the agent can read, with what would have been right."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://agents.invalid")

    async def ask(path: str, **parameters: Any) -> Answer:
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = await client.get(V1 + path, params=given)
        if "json" not in answer.headers["content-type"]:
            return {"text": answer.text}
        body = answer.json()
        if answer.is_error:
            faults = [Fault(**fault).sentence for fault in body.get("errors", ())]
            raise ToolError(" ".join([body["detail"], *faults]))
        return {"items": body} if isinstance(body, list) else _marked(body)

    return ask


def _marked(value: Any) -> Any:
    """The answer, in which every figure, however deep, says how it may be repeated."""
    if isinstance(value, list):
        return [_marked(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _marked(each) for name, each in value.items()}
    if "statement" in found and "comparator" in found:
        found["hedge_required"] = found["comparator"] not in (None, "=") or found["hedge"] is not None
        found["citation"] = f"{found['source']}, line {found['line']}: {found['as_written']}"
    return found
