"""Query parameters: strict validation, and their description in OpenAPI.

FastAPI documents these models but does not validate with them: one validation of the whole query string is several times
faster, and reports all faults at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from app.domain.dataset import Column
from app.errors import MOST_FAULTS, BadRequest, Fault, InvalidParameters, nearest
from app.formats import formats_for
from app.formats.negotiation import weighted
from app.resources.base import LANGS, FactItemQuery, ItemQuery, Lang, ListQuery, Resource
from app.resources.parameter_types import Comma

Query = TypeVar("Query", bound=BaseModel)


def format_of(columns: tuple[Column, ...]) -> Any:
    """Return the field definition of ``format`` for responses with these columns."""
    names: Any = Literal[tuple(format_.name for format_ in formats_for(columns))]
    return (Annotated[names | None, Field(description=ItemQuery.model_fields["format"].description)], None)


class NoParameters(BaseModel):
    """Query parameters of a route that takes none."""

    model_config = ConfigDict(extra="forbid")


class ProfileParameters(NoParameters):
    """Query parameters of a profile."""

    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None


@lru_cache
def list_parameters(resource: Resource) -> type[ListQuery]:
    """Return the query model of a list.

    It limits ``sort``, ``facets``, ``fields`` and ``format`` to the names that the resource has.
    """
    sort = [sign + name for name in resource.sort for sign in ("", "-")]
    return create_model(
        f"{resource.public.__name__}Parameters",
        __base__=resource.query,
        sort=list_field(resource.query, "sort", sort),
        facets=list_field(resource.query, "facets", resource.facets),
        fields=list_field(resource.query, "fields", [column.name for column in resource.columns]),
        format=format_of(resource.columns),
    )


@lru_cache
def item_parameters(resource: Resource) -> type[ItemQuery]:
    """Return the query model of an item."""
    return create_model(
        f"{resource.public.__name__}ItemParameters",
        __base__=FactItemQuery if resource.versioned else ItemQuery,
        fields=list_field(ItemQuery, "fields", [column.name for column in resource.columns]),
        format=format_of(resource.columns),
    )


def list_field(query: type[BaseModel], name: str, choices: Iterable[str]) -> Any:
    """Return the field definition of a list parameter, limited to ``choices``."""
    literal: Any = Literal[tuple(choices)]
    return (Annotated[list[literal] | None, Comma, Field(description=query.model_fields[name].description)], None)


def read_query(model: type[Query], request: Request) -> Query:
    """Return the query parameters of a request as a ``model``.

    Raises:
        InvalidParameters: with every fault.
        BadRequest: if the query string is not UTF-8.
    """
    return validate(model, texts_of(request))


def validate(model: type[Query], parameters: Mapping[str, list[str]]) -> Query:
    """Return ``parameters`` (texts by name) as a ``model``. Raises InvalidParameters.

    The error has every fault. Names and list values can be faulty many times over: they are checked before pydantic runs, and
    no more faults are created than are listed.
    """
    fields = model.model_fields
    places = {name: place for place, name in enumerate(fields)}
    values: dict[str, Any] = {}
    unknown = [name for name in parameters if name not in fields]
    faults: list[tuple[int, Callable[[], Fault]]] = [(-1, partial(_unknown, name, fields)) for name in unknown[:MOST_FAULTS]]
    count = len(unknown) - len(faults)  # faults counted but not listed
    for name, texts in parameters.items():
        if name not in fields:
            continue
        if name in _lists(model):
            wrong = _outside(texts, model, name)
            faults += [(places[name], partial(_unfit, name, model, value)) for value in wrong[:MOST_FAULTS]]
            count += len(wrong[MOST_FAULTS:])
            if not wrong:
                values[name] = texts
        elif len(texts) > 1:
            faults.append((places[name], partial(Fault, "Given more than once; expected one value.", "repeated", parameter=name)))
        else:
            values[name] = texts[0]
    try:
        query = model.model_validate(values)
    except ValidationError as error:
        faults += [
            (places[str(details["loc"][0])], partial(_fault, details, model)) for details in error.errors(include_url=False)
        ]
    else:
        pairs = getattr(model, "ranges", ())
        faults += [(places[pair[0]], partial(_inverted, *pair)) for pair in pairs if _is_inverted(query, *pair)]
    if faults:
        raise problem_of([make() for _, make in sorted(faults, key=itemgetter(0))[:MOST_FAULTS]], len(faults) + count)
    return query


def problem_of(faults: Sequence[Fault], count: int | None = None) -> InvalidParameters:
    """Return the problem with these faults, the first of ``count``.

    At most MOST_FAULTS are listed.
    """
    count = len(faults) if count is None else count
    detail = "One or more parameters cannot be used"
    more = f": there are {count} faults, of which the first {MOST_FAULTS} are listed." if count > MOST_FAULTS else "."
    return InvalidParameters(detail + more, faults[:MOST_FAULTS])


def _outside(texts: Sequence[str], model: type[BaseModel], name: str) -> list[str]:
    """Return the distinct values of a list outside its vocabulary, if that is closed."""
    choices = _vocabulary(model, name)
    if choices is None:
        return []
    parts = dict.fromkeys([part.strip() for text in texts for part in text.split(",")])
    return [part for part in parts if part and part not in choices]


@lru_cache(maxsize=1024)
def _vocabulary(model: type[BaseModel], name: str) -> dict[str, None] | None:
    """Return the allowed values of a parameter, in order; None for an open vocabulary."""
    choices = _choices(model.model_fields[name].annotation)
    return None if choices is None else dict.fromkeys(choices)


def _unfit(name: str, model: type[BaseModel], value: str) -> Fault:
    """Return the fault of a value outside the vocabulary of a parameter."""
    allowed = tuple(_vocabulary(model, name) or ())
    return Fault(_expected(allowed), "literal_error", parameter=name, allowed=allowed, suggestion=nearest(value, allowed))


@lru_cache(maxsize=1024)
def _expected(allowed: tuple[str, ...]) -> str:
    *others, last = map(repr, allowed)
    return f"Expected {', '.join(others)} or {last}." if others else f"Expected {last}."


def _is_inverted(query: BaseModel, least: str, most: str) -> bool:
    low, high = getattr(query, least), getattr(query, most)
    return low is not None and high is not None and low > high


def _inverted(least: str, most: str) -> Fault:
    return Fault(f"The range is inverted: expected {least} not to be above {most}.", "inverted_range", parameter=least)


def language(lang: Lang | None, request: Request) -> Lang:
    """Return ``lang`` if given, else the preference in Accept-Language, else English."""
    return lang if lang is not None else _preferred(request.headers.get("accept-language", ""))


@lru_cache(maxsize=256)
def _preferred(accepted: str) -> Lang:
    weights = weighted(accepted)
    best: dict[Lang, float] = dict.fromkeys(LANGS, 0.0)
    for tag, weight in weights.items():
        for lang in LANGS:
            if tag.split("-")[0] == lang:
                best[lang] = max(best[lang], weight)
    return max(LANGS, key=lambda lang: best[lang])


def openapi_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the OpenAPI parameter objects of ``model``."""
    schema = model.model_json_schema()
    needed = schema.get("required", ())
    return [_described(name, member, required=name in needed) for name, member in schema["properties"].items()]


def _described(name: str, member: dict[str, Any], *, required: bool) -> dict[str, Any]:
    kinds = [kind for kind in member.pop("anyOf", []) if kind != {"type": "null"}]
    member |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    member.pop("title", None)
    if member.get("default") is None:
        member.pop("default", None)
    parameter = {"name": name, "in": "query", "description": member.pop("description", ""), "schema": member}
    if required:
        parameter["required"] = True
    return parameter | ({"style": "form", "explode": False} if member.get("type") == "array" else {})


def texts_of(request: Request, *, plus: str = "%20") -> dict[str, list[str]]:
    """Return the texts of the query string by name. Raises BadRequest.

    ``plus`` replaces each plus sign, percent-encoded: a space by default.
    """
    try:
        query = request.scope["query_string"].decode("ascii").replace("+", plus)
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError:
        raise BadRequest("The query string is not percent-encoded UTF-8, or has more than 500 parameters.") from None
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        if "\0" in name or "\0" in text:
            fault = Fault("Contains a NUL character.", "nul", parameter=name.replace("\0", ""))
            raise InvalidParameters("One or more parameters cannot be used.", [fault])
        texts.setdefault(name, []).append(text)
    return texts


@lru_cache
def _lists(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of parameters that take several values."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if any(getattr(part, "__origin__", None) is list for part in (info.annotation, *get_args(info.annotation)))
    )


def _unknown(name: str, names: Iterable[str]) -> Fault:
    options = tuple(names)
    message = "Unknown parameter." if options else "Unknown parameter; this address takes none."
    return Fault(message, "unknown_parameter", parameter=name[:200], allowed=options, suggestion=nearest(name, options))


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    """Return an error of pydantic as a fault, in our wording and without the input."""
    name = str(details["loc"][0])
    message = details["msg"].removeprefix("Value error, ").replace("Input should be", "Expected")
    choices = _vocabulary(model, name)
    allowed = None if choices is None else tuple(choices)
    value = details["input"]
    suggestion = nearest(value, allowed) if allowed and isinstance(value, str) else None
    return Fault(message + ".", details["type"], parameter=name, allowed=allowed, suggestion=suggestion)


def _choices(annotation: Any) -> tuple[str, ...] | None:
    """Return the values of the first Literal in an annotation, however deep, if any."""
    if getattr(annotation, "__origin__", None) is Literal:
        return get_args(annotation)
    nested = (_choices(part) for part in get_args(annotation))
    return next((choices for choices in nested if choices), None)
