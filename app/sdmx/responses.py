"""Responses of SDMX-REST; both versions of the API differ only in paths and in the preferred message."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from fastapi import Request, Response

from app.api.query_params import language, texts_of, validate
from app.api.readers import readers_of
from app.api.representation import Representation
from app.errors import Fault, InvalidParameters, NotFound, nearest
from app.formats.base import Medium
from app.query.snapshot import Snapshot
from app.sdmx.cube import Cube, DataSet, in_order
from app.sdmx.dsd import AGENCY, DIMENSIONS, CodeNames
from app.sdmx.media_types import API, DATA, Message, MessageChoice, choose, preferred
from app.sdmx.observations import ObservationStore, at_least_one, first_chunk, revision_of, survey, vocabulary
from app.sdmx.requests import (
    ANY,
    UNSUPPORTED_TYPES,
    SchemaParameters,
    artefact_reference,
    availability_query,
    context_flow,
    data_query,
    flow,
    structure_parameters,
)
from app.sdmx.structures import (
    AVAILABILITY,
    DETAILS,
    REFERENCES,
    STRUCTURES,
    TYPES,
    Artefact,
    StructureMessage,
    artefacts,
    constraint,
    stub,
    with_items,
)

FLOW: Mapping[API, Callable[[Sequence[str], int], Sequence[str]]] = {"3.0": context_flow, "2.1": flow}
"""Path parsers by API version: check the data flow and return the segments after it, of which there is a maximum."""


async def data(request: Request, api: API, path: Sequence[str]) -> Response:
    """Return the selected observations as the preferred message, streamed if large."""
    key, *_ = [*FLOW[api](path, 2), "*"]
    wanted = data_query(request, key)
    choice = _choice(request, api, DATA)
    readers, parameters = readers_of(request), wanted.parameters
    variant, names = await _begun(request, choice, named=choice.labels or choice.message.syntax == "json")
    if variant.is_known:
        return variant.not_modified()

    def parts() -> Iterable[DataSet]:
        now = revision_of(readers.opened, parameters.asOf, "asOf")
        store = ObservationStore(readers.opened, variant.lang, variant.version.revision if now is None else now)
        since = revision_of(readers.opened, parameters.updatedAfter, "updatedAfter")
        if since is None:
            return (DataSet("Information", at_least_one(store.observations(wanted.selection))),)
        return store.changes(wanted.selection, since)

    def chunks() -> Iterator[bytes]:
        ordered = (DataSet(part.action, in_order(part.cells, wanted.at)) for part in parts())
        head = (_message_id(variant), variant.version.published_at, variant.lang)
        cube = Cube(ordered, wanted.at, wanted.shown, wanted.observed, *head, names, choice.labels)
        written: Iterator[bytes] = choice.message.write(cube)
        return written

    beginning, rest = await readers.without_deadline(partial(first_chunk, chunks))
    return variant.conditional(variant.body(beginning if rest is None else _joined(beginning, readers.sent(rest))))


async def availability(request: Request, api: API, path: Sequence[str]) -> Response:
    """Return the availability constraint of the selected observations."""
    rest = [*FLOW[api](path, 3), "*", "*", "*"]
    key, component = rest[0], rest[2 if api == "2.1" else 1]  # 2.1 has the data provider between them
    selection, parameters = availability_query(request, key, component)
    variant, names = await _begun(request, _choice(request, api, STRUCTURES))
    if variant.is_known:
        return variant.not_modified()

    def made() -> Response:
        store = ObservationStore(readers_of(request).opened, variant.lang, variant.version.revision)
        found = survey(store, selection, parameters.mode)
        occurring = {each.codes: found.values[each.id] for each in DIMENSIONS if each.codes}
        used = {
            name: {code: both for code, both in codes.items() if name not in occurring or code in occurring[name]}
            for name, codes in names.items()
        }
        shown = {name: values for name, values in found.values.items() if component in (*ANY, name)}
        there = artefacts(used, partial=True)
        beside = [each for kind in _referenced(parameters.references, [AVAILABILITY]) for each in there[kind]]
        return _written(variant, [*beside, constraint(shown, found.period, found.series, found.observations)])

    return await readers_of(request).without_deadline(made)


async def structure(request: Request, api: API, path: Sequence[str]) -> Response:
    """Return artefacts of a type, with related ones by ``references``."""
    kind, asked = path[0], artefact_reference(path[1:], 4)
    parameters = structure_parameters(request)
    kinds = _kinds(kind)
    variant, names = await _begun(request, _choice(request, api, STRUCTURES))
    if variant.is_known:
        return variant.not_modified()

    def made() -> Response:
        there = artefacts(names)
        matched = {name: [each for each in there[name] if asked.names(each)] for name in kinds}
        if asked.items:
            matched = {name: with_items(some, asked.items) for name, some in matched.items()}
        matched = {name: some for name, some in matched.items() if some}
        if not matched:
            raise NotFound("There is no such artefact.", [Fault("No artefact is called so.", "unknown_artefact")])
        beside = [each for name in _referenced(parameters.references, matched) if name not in kinds for each in there[name]]
        of_asked, of_references, complete = DETAILS[parameters.detail]
        asked_for = [stub(each, complete=complete) if of_asked else each for some in matched.values() for each in some]
        referred = [stub(each, complete=complete) if of_references else each for each in beside]
        return _written(variant, [*asked_for, *referred])

    return await readers_of(request).in_thread(made)


async def schema(request: Request, api: API, path: Sequence[str]) -> Response:
    """Return the data structure, with the artefacts that it refers to."""
    context_flow(path, 0)
    validate(SchemaParameters, texts_of(request))
    variant, names = await _begun(request, _choice(request, api, STRUCTURES))
    if variant.is_known:
        return variant.not_modified()

    def made() -> Response:
        there = artefacts(names)
        return _written(variant, [each for name in ("datastructure", "conceptscheme", "codelist") for each in there[name]])

    return await readers_of(request).in_thread(made)


def _kinds(kind: str) -> tuple[str, ...]:
    """Return the requested types of artefact.

    Raises:
        InvalidParameters: for a type that the standard does not have.
    """
    if kind in ("*", "all", "structure", ""):
        return TYPES
    if kind in UNSUPPORTED_TYPES:
        return ()
    if kind not in TYPES:
        fault = Fault("No such type of artefact.", "unknown_type", "path", allowed=TYPES, suggestion=nearest(kind, TYPES))
        raise InvalidParameters("The path cannot be understood.", [fault])
    return (kind,)


def _referenced(references: Sequence[str] | None, kinds: Iterable[str]) -> list[str]:
    """Return the types of artefacts that ``references`` adds to some types."""
    rules = [REFERENCES[reference] for reference in references or () if reference in REFERENCES]
    found = {each for rule in rules for kind in kinds for each in rule(kind)}
    return [kind for kind in TYPES if kind in found]


def _choice(request: Request, api: API, messages: Sequence[Message]) -> MessageChoice:
    return choose(request.headers.get("accept", ""), preferred(messages, api))


async def _begun(request: Request, choice: MessageChoice, *, named: bool = True) -> tuple[Representation, CodeNames]:
    """Return the representation at the current version, and names of codes if needed."""
    message = choice.message
    name = f"{message.name}, labels" if choice.labels else message.name
    medium = Medium(name, message.media_type, message.write, message.content_type)

    lang = language(None, request)

    def read(snapshot: Snapshot) -> tuple[Representation, CodeNames]:
        variant = Representation.of(request, snapshot.version, medium, lang)
        return variant, vocabulary(snapshot.connection) if named and not variant.is_known else {}

    return await readers_of(request).read(read, lang, long=True)  # there may be very many codes


def _written(variant: Representation, found: Sequence[Artefact]) -> Response:
    content = StructureMessage(found, _message_id(variant), variant.version.published_at, variant.lang)
    return variant.conditional(variant.render(content))


def _message_id(variant: Representation) -> str:
    return f"{AGENCY}-{variant.version.revision}"


async def _joined(beginning: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield beginning
    async for chunk in rest:
        yield chunk
