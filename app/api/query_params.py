"""Reading the parameters of a request strictly, and describing them in OpenAPI.

FastAPI documents these models but does not read them: one validation of the query string is several times faster, and all
faults are reported at once.
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
from app.resources.base import LANGS, Comma, FactItemQuery, ItemQuery, Lang, ListQuery, Resource

Query = TypeVar("Query", bound=BaseModel)


def format_of(columns: tuple[Column, ...]) -> Any:
    """The definition of the parameter ``format`` for answers with these columns."""
    names: Any = Literal[tuple(format_.name for format_ in formats_for(columns))]
    return (Annotated[names | None, Field(description=ItemQuery.model_fields["format"].description)], None)


class NoParameters(BaseModel):
    """The parameters of a route that takes none."""

    model_config = ConfigDict(extra="forbid")


class ProfileParameters(NoParameters):
    """The parameters of a profile."""

    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None


@lru_cache
def list_parameters(resource: Resource) -> type[ListQuery]:
    """The parameters of a resource's list: its query with the names that ``sort`` and ``fields`` may have."""
    sort = [sign + name for name in resource.sort for sign in ("", "-")]
    return create_model(
        f"{resource.public.__name__}Parameters",
        __base__=resource.query,
        sort=listed(resource.query, "sort", sort),
        facets=listed(resource.query, "facets", resource.facets),
        fields=listed(resource.query, "fields", [column.name for column in resource.columns]),
        format=format_of(resource.columns),
    )


@lru_cache
def item_parameters(resource: Resource) -> type[ItemQuery]:
    """The parameters of a resource's item."""
    return create_model(
        f"{resource.public.__name__}ItemParameters",
        __base__=FactItemQuery if resource.versioned else ItemQuery,
        fields=listed(ItemQuery, "fields", [column.name for column in resource.columns]),
        format=format_of(resource.columns),
    )


def listed(query: type[BaseModel], name: str, choices: Iterable[str]) -> Any:
    """The definition of a list parameter of ``query``, narrowed to ``choices``."""
    literal: Any = Literal[tuple(choices)]
    return (Annotated[list[literal] | None, Comma, Field(description=query.model_fields[name].description)], None)


def read(model: type[Query], request: Request) -> Query:
    """The parameters of the request as ``model``. Raises InvalidParameters with every fault, BadRequest for non-UTF-8."""
    return validated(model, texts_of(request))


def validated(model: type[Query], given: Mapping[str, list[str]]) -> Query:
    """The parameters ``given``, each with its texts, as ``model``. Raises InvalidParameters with every fault.

    What can be faulty many times over is looked at first, and no more faults are made of it than are listed.
    """
    known = model.model_fields
    places = {name: place for place, name in enumerate(known)}
    values: dict[str, Any] = {}
    unknown = [name for name in given if name not in known]
    faults: list[tuple[int, Callable[[], Fault]]] = [(-1, partial(_unknown, name, known)) for name in unknown[:MOST_FAULTS]]
    count = len(unknown) - len(faults)  # those of which no fault is made
    for name, texts in given.items():
        if name not in known:
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
        raise refused([make() for _, make in sorted(faults, key=itemgetter(0))[:MOST_FAULTS]], len(faults) + count)
    return query


def refused(faults: Sequence[Fault], count: int | None = None) -> InvalidParameters:
    """The refusal for these faults, the first of ``count``; no more are listed than an answer has room for."""
    count = len(faults) if count is None else count
    detail = "One or more parameters cannot be used"
    more = f": there are {count} faults, of which the first {MOST_FAULTS} are listed." if count > MOST_FAULTS else "."
    return InvalidParameters(detail + more, faults[:MOST_FAULTS])


def _outside(texts: Sequence[str], model: type[BaseModel], name: str) -> list[str]:
    """The different values of a list that are not in its closed vocabulary, where it has one."""
    choices = _vocabulary(model, name)
    if choices is None:
        return []
    parts = dict.fromkeys([part.strip() for text in texts for part in text.split(",")])
    return [part for part in parts if part and part not in choices]


@lru_cache(maxsize=1024)
def _vocabulary(model: type[BaseModel], name: str) -> dict[str, None] | None:
    """The values that a parameter may have, in their order; None where they are open."""
    choices = _choices(model.model_fields[name].annotation)
    return None if choices is None else dict.fromkeys(choices)


def _unfit(name: str, model: type[BaseModel], value: str) -> Fault:
    """The fault of a value that is not in the vocabulary of a parameter."""
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


def language(given: Lang | None, request: Request) -> Lang:
    """The language of the answer: the one asked for, else the one preferred in Accept-Language, else English."""
    return given if given is not None else _preferred(request.headers.get("accept-language", ""))


@lru_cache(maxsize=256)
def _preferred(accepted: str) -> Lang:
    weights = weighted(accepted)
    best: dict[Lang, float] = dict.fromkeys(LANGS, 0.0)
    for tag, weight in weights.items():
        for lang in LANGS:
            if tag.split("-")[0] == lang:
                best[lang] = max(best[lang], weight)
    return max(LANGS, key=lambda lang: best[lang])


def described(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of ``model`` as OpenAPI parameter objects."""
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
    """The parameters of the request, each with its texts; ``plus`` is what a plus sign stands for, quoted. Raises BadRequest."""
    try:
        query = request.scope["query_string"].decode("ascii").replace("+", plus)
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError:
        raise BadRequest("The query string is not percent-encoded UTF-8, or has more than 500 parameters.") from None
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        if "\0" in name or "\0" in text:
            fault = Fault("Contains a NUL character.", "nul", parameter=name.replace("\0", ""))
            raise InvalidParameters("One or more parameters cannot be used.", [fault])
        found.setdefault(name, []).append(text)
    return found


@lru_cache
def _lists(model: type[BaseModel]) -> frozenset[str]:
    """The parameters that take several values."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if any(getattr(part, "__origin__", None) is list for part in (info.annotation, *get_args(info.annotation)))
    )


def _unknown(name: str, known: Iterable[str]) -> Fault:
    options = tuple(known)
    message = "Unknown parameter." if options else "Unknown parameter; this address takes none."
    return Fault(message, "unknown_parameter", parameter=name[:200], allowed=options, suggestion=nearest(name, options))


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    """What pydantic found, in the words of this project; ``input`` is not repeated."""
    name = str(details["loc"][0])
    message = details["msg"].removeprefix("Value error, ").replace("Input should be", "Expected")
    choices = _vocabulary(model, name)
    allowed = None if choices is None else tuple(choices)
    given = details["input"]
    suggestion = nearest(given, allowed) if allowed and isinstance(given, str) else None
    return Fault(message + ".", details["type"], parameter=name, allowed=allowed, suggestion=suggestion)


def _choices(annotation: Any) -> tuple[str, ...] | None:
    """The values that an annotation lists, however deep."""
    if getattr(annotation, "__origin__", None) is Literal:
        return get_args(annotation)
    found = (_choices(part) for part in get_args(annotation))
    return next((choices for choices in found if choices), None)
