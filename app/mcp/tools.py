"""The tools of agents: their arguments, their results, and what they ask.

Arguments are the parameters of REST, read by the same code.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from app.api.query_params import ProfileParameters, list_parameters, listed, validated
from app.api.routes.citation import CitationParameters
from app.api.routes.compare import CompareParameters
from app.api.routes.search import SearchParameters
from app.errors import MOST_FAULTS, Fault, InvalidParameters
from app.mcp import calls, results
from app.mcp.calls import Ask, Texts
from app.mcp.results import Row
from app.resources.base import ItemQuery
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its arguments, its result, and what it asks."""

    arguments: type[BaseModel]
    result: type[BaseModel]
    run: Callable[[Ask, Texts], Awaitable[Row]]

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments; those that are lists may also be texts with commas, as in REST."""
        schema = self.arguments.model_json_schema()
        schema["properties"] = {name: _argument(member) for name, member in schema["properties"].items()}
        return schema

    def texts(self, arguments: Mapping[str, Any]) -> Texts:
        """Return the arguments as texts of a query. Raises InvalidParameters with every fault."""
        faults = [_malformed(name) for name, value in arguments.items() if not _is_readable(value)]
        unread = {fault.parameter for fault in faults}
        texts = {name: _texts(value) for name, value in arguments.items() if value is not None and name not in unread}
        try:
            validated(self.arguments, texts)
        except InvalidParameters as problem:
            faults += [fault for fault in problem.errors if fault.parameter not in unread]
        if faults:
            raise InvalidParameters("One or more arguments cannot be used.", faults[:MOST_FAULTS])
        return texts


def _argument(member: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one argument, in short."""
    kinds = [kind for kind in member.get("anyOf", [member]) if kind != {"type": "null"}]
    lists = any(kind.get("type") == "array" for kind in kinds)
    described = {name: member[name] for name in ("description", "default") if member.get(name) is not None}
    kinds = [{name: part for name, part in kind.items() if name not in ("description", "default", "title")} for kind in kinds]
    kinds += [{"type": "string"}] if lists else []
    return described | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _is_readable(value: Any) -> bool:
    """Return whether the value can stand in a query: a scalar, or a list of some, without what no text may have."""
    if isinstance(value, list):
        return not any(isinstance(item, list) or item is None for item in value) and all(map(_is_readable, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return value is None or isinstance(value, bool | int | float)


def _malformed(name: str) -> Fault:
    message = "Expected a text, a number, true or false, or a list of these, without NUL and lone surrogates."
    return Fault(message, "malformed", parameter=name[:200].encode(errors="replace").decode())


def _texts(value: Any) -> list[str]:
    """Return the value as texts, one for each item of a list."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)]


HIDDEN = ("format", "facets", "total")
"""Parameters of REST that tools do not have."""
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/.][^/]*$")]
Rows = Annotated[int, Field(ge=1, le=100, description="Rows at most; fewer are answered where more would not fit.")]
Cursor = Annotated[str | None, Field(max_length=4000, description="Where to go on: `next_cursor` of the call before.")]
Fields: Any = Annotated[
    listed(ItemQuery, "fields", [column.name for column in OBSERVATIONS.columns])[0],
    Field(description="Columns of figures instead of value, comparator, hedge, unit and period; the rest stays."),
]


def _arguments(name: str, query: type[BaseModel], hidden: Sequence[str] = HIDDEN, **own: Any) -> type[BaseModel]:
    """Return the parameters of ``query`` without the ``hidden`` ones, and those that the tool has of its ``own``."""
    kept: Any = {each: (info.annotation, info) for each, info in query.model_fields.items() if each not in hidden}
    return create_model(name, __config__=ConfigDict(extra="forbid"), **own | kept | own)


TOOLS: dict[str, Tool] = {
    "search": Tool(_arguments("Search", SearchParameters, limit=(Rows, 20), cursor=(Cursor, None)), results.Hits, calls.search),
    "describe_indicators": Tool(
        _arguments("Describe", list_parameters(INDICATORS), limit=(Rows, 25)), results.Indicators, calls.describe_indicators
    ),
    "get_observations": Tool(
        _arguments("Get", list_parameters(OBSERVATIONS), limit=(Rows, 25), fields=(Fields, None)),
        results.Figures,
        calls.get_observations,
    ),
    "region_profile": Tool(
        _arguments("GetProfile", ProfileParameters, id=(Annotated[Identifier, Field(description="Id of the region.")], ...),
                   fields=(Fields, None), cursor=(Cursor, None)),
        results.Profile,
        calls.region_profile,
    ),
    "compare": Tool(
        _arguments("Compare", CompareParameters, fields=(Fields, None), cursor=(Cursor, None)), results.Comparison, calls.compare
    ),
    "cite": Tool(
        _arguments("Cite", CitationParameters, (), id=(Annotated[Identifier, Field(description="Id of the observation.")], ...)),
        results.Citation,
        calls.cite,
    ),
}  # fmt: skip
