"""``/v1/observations/{id}/citation``: how to cite a figure, as text, CSL-JSON and BibTeX."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from app.api.declared_answers import citation_answers
from app.api.query_params import NoParameters, described, language, read
from app.api.readers import readers_of
from app.api.representation import V1, Variant
from app.api.routes.resources import one
from app.formats.base import Medium
from app.formats.negotiation import prefer
from app.query.repository import Reader
from app.resources.base import AS_OF, AsOf, ItemQuery, Lang
from app.resources.observations import OBSERVATIONS
from app.resources.sources import SOURCES

router = APIRouter(prefix=f"{V1}/observations", tags=[OBSERVATIONS.tag])

Record = dict[str, Any]

TEXT = {
    "en": "{publisher}: {title}. {on}, line {line}: “{as_written}”. {statement} Revision {revision}.",
    "zh": "{publisher}：《{title}》，{on}，第{line}行：“{as_written}”。{statement}第{revision}次修订。",
}


class CitationParameters(NoParameters):
    """The parameters of a citation."""

    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[Literal["text", "csl", "bibtex"] | None, Field(description="Format of the answer; beats Accept.")] = None
    as_of: Annotated[AsOf, Field(description=AS_OF)] = None


@router.get(
    "/{id}/citation",
    operation_id="cite_observation",
    summary="Cite a figure",
    description="The source, the place in it, and a sentence that is safe to print.",
    responses=citation_answers(),
    openapi_extra={"parameters": described(CitationParameters)},
    response_class=Response,
)
async def cite(
    request: Request,
    id: Annotated[str, Path(description="Id of the observation.")],  # noqa: A002  the contract's name
) -> Response:
    """How to cite one observation."""
    query = read(CitationParameters, request)
    format_ = prefer(query.format, request.headers.get("accept", ""), FORMATS)
    lang = language(query.lang, request)

    def found(connection: Connection, variant: Variant) -> Response:
        observation = one(Reader(connection, OBSERVATIONS, lang, query.as_of), id).records()[0]
        source = one(Reader(connection, SOURCES, lang), str(observation["source"])).records()[0]
        return variant.written({**source, **observation, "lang": lang})

    return await readers_of(request).answer(request, format_, lang, found)


def _text(record: Record) -> bytes:
    title = record["title"] if record["lang"] == record["language"] else record["title_translated"]
    return (TEXT[record["lang"]].format(**record | {"title": title, "on": record["published_on"]}) + "\n").encode()


def _csl(record: Record) -> bytes:
    """A CSL-JSON item of a news article."""
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
    written: bytes = msgspec.json.encode([item | {name: value for name, value in optional.items() if value}])
    return written


def _bibtex(record: Record) -> bytes:
    """A BibTeX entry; braces and backslashes of texts are escaped."""
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
