"""Declarations of the tools: their arguments, results and implementations.

Arguments are the parameters of REST, validated by the same code.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from app.api.query_params import ProfileParameters, list_field, list_parameters, validate
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
    """A tool: its arguments, its result and its implementation."""

    arguments: type[BaseModel]
    result: type[BaseModel]
    run: Callable[[Ask, Texts], Awaitable[Row]]

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments; lists may also be comma-separated texts."""
        schema = self.arguments.model_json_schema()
        schema["properties"] = {name: _argument(member) for name, member in schema["properties"].items()}
        return schema

    def texts(self, arguments: Mapping[str, Any]) -> Texts:
        """Return the arguments as query texts. Raises InvalidParameters with every fault."""
        faults = [_malformed(name) for name, value in arguments.items() if not _is_representable(value)]
        malformed = {fault.parameter for fault in faults}
        texts = {name: _texts(value) for name, value in arguments.items() if value is not None and name not in malformed}
        try:
            validate(self.arguments, texts)
        except InvalidParameters as problem:
            faults += [fault for fault in problem.errors if fault.parameter not in malformed]
        if faults:
            raise InvalidParameters("One or more arguments cannot be used.", faults[:MOST_FAULTS])
        return texts


def _argument(member: dict[str, Any]) -> dict[str, Any]:
    """Return a shorter schema of one argument."""
    types = [type_ for type_ in member.get("anyOf", [member]) if type_ != {"type": "null"}]
    is_list = any(type_.get("type") == "array" for type_ in types)
    annotations = {name: member[name] for name in ("description", "default") if member.get(name) is not None}
    types = [{name: part for name, part in type_.items() if name not in ("description", "default", "title")} for type_ in types]
    types += [{"type": "string"}] if is_list else []
    return annotations | (types[0] if len(types) == 1 else {"anyOf": types})


def _is_representable(value: Any) -> bool:
    """Return whether a query can represent the value.

    It can if it is a scalar or a list of scalars, without NUL and lone surrogates.
    """
    if isinstance(value, list):
        return not any(isinstance(item, list) or item is None for item in value) and all(map(_is_representable, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return value is None or isinstance(value, bool | int | float)


def _malformed(name: str) -> Fault:
    message = "Expected a text, a number, true or false, or a list of these, without NUL and lone surrogates."
    return Fault(message, "malformed", parameter=name[:200].encode(errors="replace").decode())


def _texts(value: Any) -> list[str]:
    """Return the value as texts, one per item of a list."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)]


HIDDEN = ("format", "facets", "total")
"""Parameters of REST that tools do not have."""
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/.][^/]*$")]
Rows = Annotated[int, Field(ge=1, le=100, description="Maximum number of rows; fewer are returned if more would not fit.")]
Cursor = Annotated[
    str | None, Field(max_length=4000, description="Position to continue from: `next_cursor` of the previous call.")
]
Fields: Any = Annotated[
    list_field(ItemQuery, "fields", [column.name for column in OBSERVATIONS.columns])[0],
    Field(description="Columns of figures to return instead of value, comparator, hedge, unit and period."),
]


def _arguments(name: str, query: type[BaseModel], hidden: Sequence[str] = HIDDEN, **own: Any) -> type[BaseModel]:
    """Return the parameters of ``query`` without ``hidden`` ones, and the tool's own.

    Own arguments come first, and replace parameters of the same name.
    """
    inherited: Any = {field: (info.annotation, info) for field, info in query.model_fields.items() if field not in hidden}
    return create_model(name, __config__=ConfigDict(extra="forbid"), **own | inherited | own)


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
