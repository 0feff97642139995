"""The OpenAPI document: valid, complete, and true of the answers."""

from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from app.api.openapi import TAGS, examples
from app.formats import formats_for
from app.resource import Resource
from app.resources import ALL
from tests import write_examples

EACH = pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)


@pytest.fixture(scope="module")
def document(seed_client: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = seed_client.get("/openapi.json").json()
    return found


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    ids = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["tags"][0] in TAGS
            assert operation["operationId"] not in ids
            ids.add(operation["operationId"])
            assert {"200", "500"} <= set(operation["responses"])
            for parameter in operation.get("parameters", ()):
                assert parameter["description"], (path, parameter["name"])
    assert {tag["name"] for tag in document["tags"]} == set(TAGS)


@EACH
def test_every_parameter_of_a_list_is_documented_with_its_choices(document: dict[str, Any], resource: Resource) -> None:
    operation = document["paths"][f"/v1/{resource.name}"]["get"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert set(parameters) == set(resource.query.model_fields)
    assert set(parameters["fields"]["items"]["enum"]) == {column.name for column in resource.columns}
    assert {name.removeprefix("-") for name in parameters["sort"]["items"]["enum"]} == set(resource.sort)
    formats = formats_for(resource.columns)
    assert parameters["format"]["enum"] == [format_.name for format_ in formats]
    assert parameters["limit"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 1000}
    assert set(operation["responses"]["200"]["content"]) == {format_.media_type for format_ in formats}


@EACH
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_answers_are_of_their_schemas(seed_client: TestClient, document: dict[str, Any], resource: Resource, lang: str) -> None:
    name = resource.public.__name__
    listed = seed_client.get(f"/v1/{resource.name}", params={"lang": lang, "limit": 1000}).json()
    conforms(listed, f"{name}List", document)
    for row in listed["data"][:5]:
        conforms(seed_client.get(f"/v1/{resource.name}/{row['id']}", params={"lang": lang}).json(), f"{name}Item", document)


def test_profiles_and_problems_are_of_their_schemas(seed_client: TestClient, document: dict[str, Any]) -> None:
    conforms(seed_client.get("/v1/regions/310104/profile").json(), "Profile", document)
    conforms(seed_client.get("/v1/zones?limt=1&sort=nme").json(), "Problem", document)


def test_examples_are_answers_of_the_service(seed_client: TestClient) -> None:
    assert examples() == write_examples.examples(seed_client), "run `make examples`"


def test_examples_are_shown_with_their_nulls(document: dict[str, Any]) -> None:
    for resource in ALL:
        for path, kind in ((f"/v1/{resource.name}", "list"), (f"/v1/{resource.name}/{{id}}", "item")):
            shown = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
            assert shown == examples()[resource.name][kind]


def conforms(answer: Any, schema: str, document: dict[str, Any]) -> None:
    """Fail unless the answer is of that schema, with no member that the schema does not know."""
    closed = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema.Draft202012Validator(closed).validate(answer)
    unknown = [path for path, known in members(answer, {"$ref": f"#/components/schemas/{schema}"}, document) if not known]
    assert unknown == []


def members(value: Any, schema: dict[str, Any], document: dict[str, Any], path: str = "") -> list[tuple[str, bool]]:
    """Every member of ``value``, and whether the schema describes it."""
    parts = flattened(schema, document)
    if isinstance(value, list):
        items: dict[str, Any] = next((part["items"] for part in parts if "items" in part), {})
        return [found for number, item in enumerate(value) for found in members(item, items, document, f"{path}/{number}")]
    if not isinstance(value, dict):
        return []
    properties = {name: member for part in parts for name, member in part.get("properties", {}).items()}
    extra = next((part["additionalProperties"] for part in parts if "additionalProperties" in part), None)
    found = []
    for name, member in value.items():
        known = properties.get(name, extra)
        found.append((f"{path}/{name}", known is not None))
        found += members(member, known or {}, document, f"{path}/{name}")
    return found


def flattened(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema without references and compositions."""
    if "$ref" in schema:
        return flattened(document["components"]["schemas"][schema["$ref"].split("/")[-1]], document)
    parts = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    return [schema, *(flat for part in parts for flat in flattened(part, document))]
