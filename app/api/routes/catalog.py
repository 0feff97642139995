"""``/catalog``: metadata of the data set, for catalogues (DCAT-AP 3) and search engines (schema.org).

All its addresses are relative to the service, so that they hold for every host name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field
from rdflib import Graph

from app.api.answers import OBJECT, TEXT, responses
from app.api.data_package import file_names
from app.api.query_params import NoParameters
from app.api.representation import V1
from app.api.view import View, add_view, always
from app.errors import BadRequest, InvalidParameters, NotAcceptable
from app.formats.base import Medium
from app.query.repository import Repository
from app.query.snapshot import Snapshot, Version
from app.resources import ALL
from app.resources.base import ItemQuery, Lang
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS
from app.resources.parameter_types import MAX_LIMIT
from app.resources.sources import SOURCES

router = APIRouter(tags=["Service"])

Record = dict[str, Any]

TITLES = {"en": "Regional indicators", "zh": "区域指标"}
DESCRIPTIONS = {
    "en": "Figures from regional economic news, with their hedges, bounds, periods and places in the source.",
    "zh": "区域经济新闻所述的数字，保留其修饰语、上下界、时期和在来源中的位置。",
}
IANA = "https://www.iana.org/assignments/media-types/"
RESOURCE = "http://www.w3.org/2000/01/rdf-schema#Resource"
THEME = "http://publications.europa.eu/resource/authority/data-theme/ECON"
LANGUAGES = {
    "en": "http://publications.europa.eu/resource/authority/language/ENG",
    "zh": "http://publications.europa.eu/resource/authority/language/ZHO",
}
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
ENDPOINTS = {V1: "REST", "/sdmx/3.0": "SDMX-REST 2", "/sdmx/2.1": "SDMX-REST 1"}
"""Query protocols by endpoint."""
PLACEHOLDER = "http://nowhere.invalid/"
"""Base address in RDF graphs, which cannot hold relative addresses; removed from the output."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of the data set: its version, sources, indicators and observations."""

    version: Version
    lang: Lang
    sources: Sequence[Record]
    indicators: Sequence[Record]
    observations: Sequence[Record]

    @classmethod
    def of(cls, snapshot: Snapshot, _query: object) -> "Contents":
        """Return the first thousand rows each of sources, indicators and observations."""

        def rows(resource: Any) -> list[Record]:
            return Repository(snapshot, resource).page(resource.query(limit=MAX_LIMIT)).records()

        return cls(snapshot.version, snapshot.lang, rows(SOURCES), rows(INDICATORS), rows(OBSERVATIONS))


def _dcat(contents: Contents) -> Record:
    """Return the catalogue as JSON-LD: the data set, its files and query services."""
    titles, descriptions = _tagged(TITLES), _tagged(DESCRIPTIONS)
    modified = {"@type": "xsd:dateTime", "@value": contents.version.published_at}
    publisher = {"@id": "/#publisher", "@type": "foaf:Agent", "foaf:name": _tagged(TITLES)}
    common = {
        "dcterms:title": titles,
        "dcterms:description": descriptions,
        "dcterms:publisher": publisher,
        "dcterms:modified": modified,
    }
    languages = [{"@id": address, "@type": "dcterms:LinguisticSystem"} for address in LANGUAGES.values()]
    distributions = [
        {
            "@id": f"{V1}/export/{name}",
            "@type": "dcat:Distribution",
            "dcterms:title": {"@language": "en", "@value": name},
            "dcat:accessURL": {"@id": f"{V1}/export", "@type": RESOURCE},
            "dcat:downloadURL": {"@id": f"{V1}/export/{name}", "@type": RESOURCE},
            "dcat:mediaType": {"@id": IANA + media_type, "@type": "dcterms:MediaType"},
        }
        for name, media_type in file_names(ALL)
    ]
    dataset = {
        "@id": "/#dataset",
        "@type": "dcat:Dataset",
        **common,
        "dcterms:identifier": "regional-indicators",
        "dcat:version": str(contents.version.revision),
        "dcterms:language": languages,
        "dcat:theme": {
            "@id": THEME,
            "@type": "skos:Concept",
            "skos:prefLabel": _tagged({"en": "Economy and finance", "zh": "经济与金融"}),
        },
        "dcat:distribution": distributions,
        "dcterms:relation": [{"@id": f"{V1}/sources/{source['id']}", "@type": RESOURCE} for source in contents.sources],
    }
    services = [
        {
            "@id": f"{endpoint}#service",
            "@type": "dcat:DataService",
            "dcterms:title": _tagged({lang: f"{title} ({kind})" for lang, title in TITLES.items()}),
            "dcat:endpointURL": {"@id": endpoint, "@type": RESOURCE},
            "dcat:endpointDescription": {"@id": "/openapi.json", "@type": RESOURCE},
            "dcat:servesDataset": {"@id": "/#dataset"},
        }
        for endpoint, kind in ENDPOINTS.items()
    ]
    catalogue = {"@id": "/catalog", "@type": "dcat:Catalog", **common, "dcat:dataset": dataset, "dcat:service": services}
    return {"@context": CONTEXT, **catalogue}


def _tagged(texts: dict[str, str]) -> list[Record]:
    return [{"@language": lang, "@value": text} for lang, text in texts.items()]


def _turtle(contents: Contents) -> bytes:
    """Return the catalogue as Turtle, with relative addresses."""
    graph = Graph()
    graph.parse(data=msgspec.json.encode(_dcat(contents)), format="json-ld", publicID=PLACEHOLDER)
    return graph.serialize(format="turtle").replace(f"<{PLACEHOLDER}", "</").encode()


def _schema_org(contents: Contents) -> Record:
    """Return a schema.org Dataset with its indicators, sources and observations."""
    lang = contents.lang
    dataset = {
        "@type": "Dataset",
        "@id": "/#dataset",
        "name": TITLES[lang],
        "description": DESCRIPTIONS[lang],
        "url": "/",
        "version": str(contents.version.revision),
        "dateModified": contents.version.published_at,
        "inLanguage": list(LANGUAGES),
        "isAccessibleForFree": True,
        "distribution": [
            {"@type": "DataDownload", "contentUrl": f"{V1}/export/{name}", "encodingFormat": media_type}
            for name, media_type in file_names(ALL)
        ],
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "@id": f"{V1}/indicators/{row['id']}",
                "name": row["name"],
                "description": row["definition"],
                "unitText": row["unit_name"],
            }
            for row in contents.indicators
        ],
        "citation": [
            {"@id": f"{V1}/sources/{row['id']}", "@type": "CreativeWork", "name": row["title"]} for row in contents.sources
        ],
    }
    return {"@context": "https://schema.org", "@graph": [dataset, *map(_observation, contents.observations)]}


def _observation(row: Record) -> Record:
    """Return a schema.org Observation; a hedged figure has bounds and no value."""
    value = row["value"] if row["comparator"] == "=" else None
    amount = {"value": value, "minValue": row["lower"], "maxValue": row["upper"], "unitText": row["unit"]}
    period = "/".join(dict.fromkeys(day for day in (row["period_start"], row["period_end"]) if day))
    members = {
        "@type": "Observation",
        "@id": f"{V1}/observations/{row['id']}",
        "measuredProperty": {"@id": f"{V1}/indicators/{row['indicator']}"},
        "observationAbout": {"@id": f"{V1}/{row['subject_kind']}s/{row['subject']}"},
        "description": row["statement"],
        "observationDate": period or None,
        "value": {"@type": "QuantitativeValue", **{name: value for name, value in amount.items() if value is not None}},
        "citation": {"@id": f"{V1}/sources/{row['source']}"},
    }
    return {name: value for name, value in members.items() if value is not None}


JSON_LD = "application/ld+json"
FORMATS: tuple[Medium[Contents], ...] = (
    Medium("jsonld", JSON_LD, lambda contents: msgspec.json.encode(_dcat(contents)), JSON_LD),
    Medium("turtle", "text/turtle", _turtle, "text/turtle; charset=utf-8"),
    Medium("schemaorg", JSON_LD, lambda contents: msgspec.json.encode(_schema_org(contents)), JSON_LD),
)


class CatalogParameters(NoParameters):
    """Query parameters of the catalogue."""

    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[
        Literal["jsonld", "turtle", "schemaorg"] | None,
        Field(description="DCAT-AP 3 as JSON-LD or Turtle, or a schema.org Dataset; overrides Accept."),
    ] = None


add_view(
    router,
    "/catalog",
    View(Contents.of, CatalogParameters, always(FORMATS), always(value=True)),
    operation_id="get_catalog",
    summary="Get the catalogue",
    description="Metadata of the data set, files and query services: DCAT-AP 3 for catalogues, schema.org for search engines.",
    responses=responses(
        "The catalogue.",
        BadRequest,
        NotAcceptable,
        InvalidParameters,
        media={JSON_LD: OBJECT, "text/turtle": TEXT},
    ),
)
