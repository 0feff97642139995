"""``/v1/observations/{id}/citation``: the citation of a figure, as text, CSL-JSON or BibTeX."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from app.api.answers import OBJECT, TEXT, responses
from app.api.query_params import NoParameters
from app.api.representation import V1
from app.api.routes.resources import one
from app.api.view import View, add_view, always
from app.errors import BadRequest, InvalidParameters, NotAcceptable, NotFound
from app.formats.base import Medium
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.resources.base import ItemQuery, Lang
from app.resources.observations import OBSERVATIONS
from app.resources.parameter_types import AS_OF, AsOf
from app.resources.sources import SOURCES

router = APIRouter(prefix=f"{V1}/observations", tags=[OBSERVATIONS.tag])

Record = dict[str, Any]

CITATION = {
    "en": "{publisher}: {title}. {on}, line {line}: “{as_written}”. {statement} Revision {revision}.",
    "zh": "{publisher}：《{title}》，{on}，第{line}行：“{as_written}”。{statement}第{revision}次修订。",
}


class CitationParameters(NoParameters):
    """Query parameters of a citation."""

    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[Literal["text", "csl", "bibtex"] | None, Field(description="Format of the response; overrides Accept.")] = (
        None
    )
    as_of: Annotated[AsOf, Field(description=AS_OF)] = None


def _text(record: Record) -> bytes:
    title = record["title"] if record["lang"] == record["language"] else record["title_translated"]
    return (CITATION[record["lang"]].format(**record | {"title": title, "on": record["published_on"]}) + "\n").encode()


def _csl(record: Record) -> bytes:
    """Return a CSL-JSON item."""
    published = [int(part) for part in str(record["published_on"]).split("-")]
    item = {
        "id": record["id"],
        "type": "article-newspaper" if record["type"] == "article" else "report" if record["type"] == "report" else "webpage",
        "title": record["title"],
        "container-title": record["publisher"],
        "issued": {"date-parts": [published]},
        "language": record["language"],
        "locator": str(record["line"]),
        "note": record["statement"],
    }
    optional = {"URL": record["url"], "author": [{"literal": record["author"]}] if record["author"] else None}
    content: bytes = msgspec.json.encode([item | {name: value for name, value in optional.items() if value}])
    return content


def _bibtex(record: Record) -> bytes:
    """Return a BibTeX entry; special characters of TeX are escaped."""
    members = {
        "title": record["title"],
        "author": record["author"],
        "howpublished": record["publisher"],
        "year": str(record["published_on"])[:4],
        "date": record["published_on"],
        "url": record["url"],
        "note": record["statement"],
    }
    lines = [f"  {name} = {{{_escaped(str(value))}}}" for name, value in members.items() if value]
    return "\n".join([f"@misc{{{record['id']},", ",\n".join(lines), "}\n"]).encode()


def _escaped(text: str) -> str:
    special = {character: f"\\{character}" for character in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
    return "".join(special.get(character, character) for character in text)


FORMATS: tuple[Medium[Record], ...] = (
    Medium("text", "text/plain", _text, "text/plain; charset=utf-8"),
    Medium("csl", "application/vnd.citationstyles.csl+json", _csl, "application/vnd.citationstyles.csl+json"),
    Medium("bibtex", "application/x-bibtex", _bibtex, "application/x-bibtex; charset=utf-8"),
)


def cite(snapshot: Snapshot, query: CitationParameters, id: str) -> Record:  # noqa: A002  the contract's name
    """Return the members of an observation and its source. Raises NotFound."""
    observation = one(Repository(snapshot, OBSERVATIONS, query.as_of), id).records()[0]
    source = one(Repository(snapshot, SOURCES), str(observation["source"])).records()[0]
    return {**source, **observation, "lang": snapshot.lang}


add_view(
    router,
    "/{id}/citation",
    View(cite, CitationParameters, always(FORMATS)),
    operation_id="cite_observation",
    summary="Cite a figure",
    description="The source, the line and phrase in it, and a sentence that is safe to print.",
    responses=responses(
        "The citation.",
        BadRequest,
        NotFound,
        NotAcceptable,
        InvalidParameters,
        media={medium.media_type: {"type": "array", "items": OBJECT} if medium.name == "csl" else TEXT for medium in FORMATS},
    ),
    path_parameters={"id": "Id of the observation."},
)
