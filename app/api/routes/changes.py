"""``/v1/changes``: changes of facts between revisions, as JSON or as an Atom feed."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from xml.etree import ElementTree as ET

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.answers import TEXT, ListLinks, examples, responses
from app.api.query_params import NoParameters
from app.api.representation import JSON_ENVELOPE, V1
from app.api.view import View, add_view, always
from app.db.types import LARGEST_WHOLE
from app.domain.dataset import Envelope
from app.errors import BadRequest, Fault, InvalidParameters, NotAcceptable
from app.formats.base import Medium
from app.query import cursor
from app.query.change_log import ChangeKind, Place, changes
from app.query.snapshot import EMPTY, Snapshot, moments, revision_at
from app.resources import FACTS
from app.resources.base import ItemQuery, Lang
from app.resources.designations import Designation
from app.resources.observations import Observation
from app.resources.parameter_types import AS_OF, MAX_LIMIT, AsOf, Integer
from app.resources.relations import Relation

router = APIRouter(prefix=V1, tags=["Sources and history"])

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
_TEXT = Annotated[str, msgspec.Meta(pattern=r"^[^\0]*$")]
_PLACE = tuple[Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)], _TEXT, _TEXT]
"""Type of a decoded cursor, which clients can forge."""


class ChangesParameters(NoParameters):
    """Query parameters of the changes."""

    since: Annotated[AsOf, Field(description=f"Return changes after it; default: from the beginning. {AS_OF}")] = None
    until: Annotated[AsOf, Field(description=f"Return changes up to it; default: the latest revision. {AS_OF}")] = None
    limit: Annotated[Integer, Field(ge=1, le=MAX_LIMIT, description="Changes per page.")] = 100
    cursor: Annotated[str | None, Field(max_length=1000, description="Position of the page: copied from a `next` link.")] = None
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[Literal["json", "atom"] | None, Field(description="Format of the response; overrides Accept.")] = None


Fact = Observation | Relation | Designation | None


class FactChange(BaseModel):
    """A change of a fact."""

    revision: int = Field(description="Revision that made the change.")
    resource: str = Field(description="Resource of the fact.")
    id: str = Field(description="Id of the fact.")
    change: ChangeKind
    old: Fact = Field(description="The fact before the change; null if it was added.")
    new: Fact = Field(description="The fact after the change; null if it was retracted.")


class PublishedChange(FactChange):
    """A change of a fact, with the time of its publication."""

    published_at: datetime = Field(description="Time of the publication.")


class ChangesMeta(BaseModel):
    """Facts about a page of changes."""

    since: int
    until: int
    count: int


class ChangeList(BaseModel):
    """A page of changes."""

    data: list[PublishedChange]
    meta: ChangesMeta
    links: ListLinks


def list_changes(snapshot: Snapshot, query: ChangesParameters) -> Envelope:
    """Return the changes after ``since``, the oldest first. Raises InvalidParameters."""
    since = revision_at(snapshot, query.since or 0, "since")
    until = snapshot.revision if query.until is None else revision_at(snapshot, query.until, "until")
    if since > until:
        fault = Fault("The range is inverted: expected since not to be above until.", "inverted_range", parameter="since")
        raise InvalidParameters("One or more parameters cannot be used.", [fault])
    after = _read_cursor(query.cursor) if query.cursor is not None else None
    page = changes(snapshot, FACTS, since, until, query.limit + 1, after)
    following = None
    if len(page) > query.limit:
        page = page[: query.limit]
        following = cursor.encode(page[-1].place)
    published = moments(snapshot, sorted({change.revision for change in page}))
    data = [{**asdict(change), "published_at": published[change.revision]} for change in page]
    return Envelope(data, {"since": since, "until": until, "count": len(data)}, following, pages=True)


def _read_cursor(text: str) -> Place:
    """Return the place in a cursor. Raises InvalidParameters."""
    try:
        place: Place = cursor.decode(text, _PLACE)
    except ValueError:
        fault = Fault("This is not a cursor; use the `next` link of the page before.", "invalid_cursor", parameter="cursor")
        raise InvalidParameters("The cursor cannot be used.", [fault]) from None
    return place


def _atom(page: Envelope) -> bytes:
    """Return an Atom feed (RFC 4287), one entry per change."""
    ET.register_namespace("", ATOM_NAMESPACE)
    feed = ET.Element(f"{{{ATOM_NAMESPACE}}}feed")
    _add(feed, "title", "Changes of the Regional Indicators API")
    _add(feed, "id", "urn:regional-indicators:changes")
    _add(feed, "updated", max((change["published_at"] for change in page.data), default=EMPTY.published_at))
    for relation, target in page.links.items():
        if target:
            _add(feed, "link", rel=relation, href=target)
    for change in page.data:
        entry = _add(feed, "entry")
        row = change["new"] or change["old"] or {}
        resource, identifier, revision = change["resource"], change["id"], change["revision"]
        _add(entry, "title", f"{change['change']}: {identifier}")
        _add(entry, "id", f"urn:regional-indicators:{resource}:{identifier}:{revision}")
        _add(entry, "updated", change["published_at"])
        _add(entry, "author").append(_element(f"{{{ATOM_NAMESPACE}}}name", str(row.get("source"))))
        _add(entry, "category", term=change["change"])
        _add(entry, "link", rel="alternate", href=f"{V1}/{resource}/{identifier}?as_of={revision}")
        _add(entry, "summary", str(row.get("statement") or row.get("as_written")))
    content: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}{name}", attributes)
    element.text = text
    return element


def _element(name: str, text: str) -> ET.Element:
    element = ET.Element(name)
    element.text = text
    return element


FORMATS: tuple[Medium[Envelope], ...] = (
    JSON_ENVELOPE,
    Medium("atom", "application/atom+xml", _atom, "application/atom+xml; charset=utf-8"),
)

add_view(
    router,
    "/changes",
    View(list_changes, ChangesParameters, always(FORMATS), always(value=True)),
    operation_id="list_changes",
    summary="List changes between revisions",
    description="Facts added, changed or retracted between revisions, with their rows before and after.",
    responses=responses(
        "A page of changes.",
        BadRequest,
        NotAcceptable,
        InvalidParameters,
        model=ChangeList,
        example=examples()["changes"]["list"],
        media={"application/atom+xml": TEXT},
    ),
)
