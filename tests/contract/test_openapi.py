"""The OpenAPI document: valid, complete, and true of the answers."""

from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from app.api.answers import examples
from app.api.openapi import TAGS, address_of, operations
from app.auth import tokens
from app.db.database import Database
from app.formats import formats_for
from app.main import create_app
from app.resources import ALL
from app.resources.base import Resource
from app.settings import Settings
from tests import write_examples
from tests.conftest import SEED, seeded, serving

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
    for path, found in document["paths"].items():
        for operation in found.values():
            assert operation["summary"], path
            assert operation["tags"][0] in TAGS
            assert operation["operationId"] not in ids
            ids.add(operation["operationId"])
            assert {"200", "500"} <= set(operation["responses"])
            for parameter in operation.get("parameters", ()):
                assert parameter["description"], (path, parameter["name"])
    assert {tag["name"] for tag in document["tags"]} == set(TAGS)


def test_operation_ids_stay(document: dict[str, Any]) -> None:
    """Generated clients call their methods after these."""
    resources = {f"{verb}_{name}" for resource in ALL for verb, name in (("list", resource.name), ("get", resource.singular))}
    sdmx = {f"sdmx_{kind}_{api}" for kind in ("data", "availability", "schema", "structure") for api in ("3_0", "2_1")}
    others = """
        cite_observation compare_regions get_api_catalog get_catalog get_document get_export get_llms get_metrics
        get_region_profile get_robots list_audit list_changes list_exports publish retract_source search
        document_schema_v1_schemas_document_get healthz_healthz_get index_v1_get limits_v1_limits_get
        problem_type_problems__slug__get problems_problems_get readyz_readyz_get
    """
    assert resources == set(NOUNS.split())
    assert {operation["operationId"] for _, operation in operations(document)} == resources | sdmx | set(others.split())


def test_every_parameter_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            where = (operation["operationId"], parameter["name"])
            assert "example" in parameter, where
            schema = parameter["schema"] | {"components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(parameter["example"])


EMPTY = {
    ("list_zones", "parent"),
    ("list_projects", "parent"),
    ("list_organisations", "parent"),
    ("list_designations", "speaker"),
}
"""Parameters by which nothing in the seed can be found."""


def asked(path: str, operation: dict[str, Any], parameter: dict[str, Any] | None = None) -> str:
    """The address of a request with the examples of the parameters that it needs, and of one more."""
    given: dict[str, str] = {}
    for each in operation.get("parameters", ()):
        if each["in"] == "query" and (each.get("required") or each is parameter):
            value = each["example"]
            if each.get("style") == "deepObject":
                given |= {f"{each['name']}[{name}]": text for name, text in value.items()}
            else:
                texts = [str(item) for item in (value if isinstance(value, list) else [value])]
                given[each["name"]] = ",".join(text.lower() if text in ("True", "False") else text for text in texts)
    return address_of(path, operation) + (f"?{urlencode(given, safe=',')}" if given else "")


def reading(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The operations that anybody may ask."""
    return [
        (path, found["get"]) for path, found in document["paths"].items() if "get" in found and "security" not in found["get"]
    ]


def test_every_example_of_a_parameter_gives_an_answer(seed_client: TestClient, document: dict[str, Any]) -> None:
    for path, operation in reading(document):
        if operation["operationId"] == "list_audit":
            continue
        for parameter in [None, *operation.get("parameters", ())]:
            address = asked(path, operation, parameter)
            answer = seed_client.get(address)
            assert answer.status_code == 200, (address, answer.text)
            assert answer.content
            if answer.headers["content-type"] == "application/json" and "data" in answer.json():
                name = parameter["name"] if parameter else ""
                assert answer.json()["data"] or (operation["operationId"], name) in EMPTY, address


def test_the_examples_of_publishing_are_accepted(database: Database, document: dict[str, Any]) -> None:
    seeded(database)
    with database.write() as connection:
        secret = tokens.issue(connection, "test", ["publish", "retract", "admin"], None)
    authorization = {"Authorization": f"Bearer {secret}", "Content-Type": "application/yaml", "Accept-Encoding": "identity"}

    def headers(operation: dict[str, Any]) -> dict[str, str]:
        return authorization | {each["name"]: each["example"] for each in operation["parameters"] if each["in"] == "header"}

    publishing = document["paths"]["/v1/publications"]["post"]
    retracting = document["paths"]["/v1/sources/{id}"]["delete"]
    audit = document["paths"]["/v1/audit"]["get"]
    with serving(database) as client:
        for query in ("?dry_run=true", ""):
            answer = client.post(f"/v1/publications{query}", content=SEED[1].read_bytes(), headers=headers(publishing))
            assert answer.status_code == 200, answer.text
            assert undocumented(answer, publishing) == set()
        answer = client.delete(address_of("/v1/sources/{id}", retracting), headers=headers(retracting))
        assert answer.status_code == 200, answer.text
        for parameter in audit["parameters"]:
            answer = client.get(asked("/v1/audit", audit, parameter), headers=authorization)
            assert answer.json()["data"], answer.text
        assert undocumented(client.get("/v1/audit"), audit) == set()
        assert undocumented(client.post("/v1/publications"), publishing) == set()
        refused = client.post("/v1/publications", content=b"x", headers=headers(publishing) | {"Content-Type": "image/png"})
        assert (refused.status_code, undocumented(refused, publishing)) == (415, set())


def test_examples_of_errors_are_of_their_own_route(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        beginning = path.partition("{")[0]
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                assert "x-problem" not in content
                if int(status) < 400:
                    continue
                shown = content["example"]
                if media_type == "application/problem+json":
                    conforms(shown, "Problem", document)
                    assert (shown["status"], shown["instance"].startswith(beginning)) == (int(status), True), (path, status)
                elif media_type == "application/json":
                    assert shown["errors"][0]["code"] in SDMX_CODES
                else:
                    assert shown.startswith("<?xml")


SDMX_CODES = {100, 130, 140, 150, 500, 501, 503}


def test_errors_of_sdmx_are_described_as_they_are(seed_client: TestClient, document: dict[str, Any]) -> None:
    for path, operation in reading(document):
        if path.startswith("/sdmx"):
            assert "422" not in operation["responses"]
            for media_type in ("application/json", "application/xml"):
                for address in (asked(path, operation) + "?what=else", asked(path, operation) + "?%FF"):
                    answer = seed_client.get(address, headers={"Accept": media_type})
                    described = operation["responses"][str(answer.status_code)]["content"]
                    assert answer.headers["content-type"] == media_type
                    assert media_type in described


UNSAID = {"content-type", "content-length", "date", "server", "connection", "transfer-encoding"}
"""Headers that every HTTP message has, or that OpenAPI has other members for."""


def undocumented(answer: Any, operation: dict[str, Any]) -> set[str]:
    """The headers of an answer that the document does not name for its status."""
    described = operation["responses"][str(answer.status_code)]["headers"]
    return {name for name in answer.headers if name not in UNSAID} - {name.lower() for name in described}


def test_every_header_of_an_answer_is_described(database: Database, document: dict[str, Any]) -> None:
    application = create_app(Settings(database_url=seeded(database).url))
    with TestClient(application, base_url="https://testserver", raise_server_exceptions=False) as client:
        for path, operation in reading(document):
            if path == "/metrics":
                continue
            address = asked(path, operation)
            first = client.get(address)
            known = {"If-None-Match": first.headers.get("etag", '"x"')}
            others = [
                client.get(address, headers=known),
                client.get(address, headers={"Accept": "image/png"}),
                *([client.get(f"{address}{'&' if '?' in address else '?'}limt=1")] if "422" in operation["responses"] else []),
                client.get(address, headers={"Range": "bytes=0-9"}),
            ]
            for answer in (first, *others):
                assert undocumented(answer, operation) == set(), (address, answer.status_code)
    for header in document["components"]["headers"].values():
        assert header["description"]


NOUNS = """
    list_clusters get_cluster list_designations get_designation list_indicators get_indicator list_observations get_observation
    list_organisations get_organisation list_programmes get_programme list_projects get_project list_regions get_region
    list_relations get_relation list_revisions get_revision list_sources get_source list_zones get_zone
"""


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


def test_json_is_the_first_media_type_of_lists_and_items(document: dict[str, Any]) -> None:
    """Generated clients read the first one."""
    for resource in ALL:
        for path in (f"/v1/{resource.name}", f"/v1/{resource.name}/{{id}}"):
            assert next(iter(document["paths"][path]["get"]["responses"]["200"]["content"])) == "application/json"


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
