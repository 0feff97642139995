"""``/v1/changes``: what publications changed, as JSON or as an Atom feed."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal
from xml.etree import ElementTree as ET

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from app.api.declared_answers import changes_answers
from app.api.query_params import NoParameters, described, language, read
from app.api.readers import readers_of
from app.api.representation import V1, Variant, address
from app.db.types import LARGEST_WHOLE
from app.domain.urls import replaced
from app.errors import Fault, InvalidParameters
from app.formats.base import Medium
from app.formats.negotiation import prefer
from app.query.change_log import Change, Place, changes
from app.query.snapshot import current_revision, moments, revision_at
from app.resources import ALL
from app.resources.base import AS_OF, MAX_LIMIT, AsOf, Integer, ItemQuery, Lang

router = APIRouter(prefix=V1, tags=["Sources and history"])

FACTS = tuple(resource for resource in ALL if resource.versioned)
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
_TEXT = Annotated[str, msgspec.Meta(pattern=r"^[^\0]*$")]
_PLACE = tuple[Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)], _TEXT, _TEXT]
"""A place as cursors may have it: whoever sends one may have altered it."""


class ChangesParameters(NoParameters):
    """The parameters of the changes."""

    since: Annotated[AsOf, Field(description=f"Changes after it; from the beginning when left out. {AS_OF}")] = None
    until: Annotated[AsOf, Field(description=f"Changes up to it; the latest when left out. {AS_OF}")] = None
    limit: Annotated[Integer, Field(ge=1, le=MAX_LIMIT, description="Changes per page.")] = 100
    cursor: Annotated[str | None, Field(max_length=1000, description="Where to go on: from a `next` link, as it is.")] = None
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[Literal["json", "atom"] | None, Field(description="Format of the answer; beats Accept.")] = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of changes, and what is said about it."""

    changes: Sequence[Change]
    since: int
    until: int
    moments: dict[int, str]
    links: dict[str, str | None]


@router.get(
    "/changes",
    operation_id="list_changes",
    summary="List what publications changed",
    description="Facts that were added, changed or retracted between revisions, with their rows before and after.",
    responses=changes_answers(),
    openapi_extra={"parameters": described(ChangesParameters)},
    response_class=Response,
)
async def changed(request: Request) -> Response:
    """The changes after ``since``, the oldest first."""
    query = read(ChangesParameters, request)
    format_ = prefer(query.format, request.headers.get("accept", ""), FORMATS)
    lang = language(query.lang, request)

    def found(connection: Connection, variant: Variant) -> Response:
        return variant.written(_page(connection, request, query, lang))

    return await readers_of(request).answer(request, format_, lang, found, long=True)


def _page(connection: Connection, request: Request, query: ChangesParameters, lang: Lang) -> Page:
    since = revision_at(connection, query.since or 0, "since")
    until = current_revision(connection) if query.until is None else revision_at(connection, query.until, "until")
    if since > until:
        fault = Fault("The range is inverted: expected since not to be above until.", "inverted_range", parameter="since")
        raise InvalidParameters("One or more parameters cannot be used.", [fault])
    after = _read_cursor(query.cursor) if query.cursor is not None else None
    shown = changes(connection, FACTS, since, until, lang, query.limit + 1, after)
    following = None
    if len(shown) > query.limit:
        shown = shown[: query.limit]
        following = replaced(address(request), "cursor", _write_cursor(shown[-1].place))
    numbers = sorted({change.revision for change in shown})
    return Page(shown, since, until, moments(connection, numbers), {"self": address(request), "next": following})


def _write_cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(cursor: str) -> Place:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found: Place = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_PLACE)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        fault = Fault("This is not a cursor; use the `next` link of the page before.", "invalid_cursor", parameter="cursor")
        raise InvalidParameters("The cursor cannot be used.", [fault]) from None
    return found


def _json(page: Page) -> bytes:
    meta = {"since": page.since, "until": page.until, "count": len(page.changes)}
    data = [{**asdict(change), "published_at": page.moments[change.revision]} for change in page.changes]
    return msgspec.json.encode({"data": data, "meta": meta, "links": page.links})


def _atom(page: Page) -> bytes:
    """An Atom feed (RFC 4287), an entry a change."""
    ET.register_namespace("", ATOM_NAMESPACE)
    feed = ET.Element(f"{{{ATOM_NAMESPACE}}}feed")
    _add(feed, "title", "Changes of the Regional Indicators API")
    _add(feed, "id", "urn:regional-indicators:changes")
    _add(feed, "updated", max(page.moments.values(), default="1970-01-01T00:00:00Z"))
    for relation, target in page.links.items():
        if target:
            _add(feed, "link", rel=relation, href=target)
    for change in page.changes:
        entry = _add(feed, "entry")
        row = change.new or change.old or {}
        _add(entry, "title", f"{change.change}: {change.id}")
        _add(entry, "id", f"urn:regional-indicators:{change.resource}:{change.id}:{change.revision}")
        _add(entry, "updated", page.moments[change.revision])
        _add(entry, "author").append(_named(f"{{{ATOM_NAMESPACE}}}name", str(row.get("source"))))
        _add(entry, "category", term=change.change)
        _add(entry, "link", rel="alternate", href=f"{V1}/{change.resource}/{change.id}?as_of={change.revision}")
        _add(entry, "summary", str(row.get("statement") or row.get("as_written")))
    written: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}{name}", attributes)
    element.text = text
    return element


def _named(name: str, text: str) -> ET.Element:
    element = ET.Element(name)
    element.text = text
    return element


FORMATS: tuple[Medium[Page], ...] = (
    Medium("json", "application/json", _json, "application/json"),
    Medium("atom", "application/atom+xml", _atom, "application/atom+xml; charset=utf-8"),
)
