"""The contract of errors: a problem document (RFC 9457) for every fault, all faults at once, the nearest right value."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.domain.tokenizer import forbidden, query_tokens
from app.errors import MOST_FAULTS, PROBLEMS
from app.resources import ALL
from app.resources.base import Resource

EACH = pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)


def problem(client: TestClient, address: str, status: int, **options: Any) -> dict[str, Any]:
    """The problem document that a request is answered with."""
    answer = client.request(options.pop("method", "GET"), address, **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] in {f"/problems/{kind.slug}" for kind in PROBLEMS}
    assert client.get(body["type"]).json()["title"] == body["title"]
    assert body["instance"] == address.split("?", maxsplit=1)[0]
    return body


FAULTS = {
    "limt=5": ("limt", "limit"),
    "limit=0": ("limit", None),
    "limit=1001": ("limit", None),
    "limit=ten": ("limit", None),
    "limit=1&limit=2": ("limit", None),
    "sort=idd": ("sort", "id"),
    "fields=idd": ("fields", "id"),
    "lang=fr": ("lang", None),
    "lang=zh&lang=en": ("lang", None),
    "format=cvs": ("format", "csv"),
    "format=CSV": ("format", None),
    "total=maybe": ("total", None),
    "cursor=abc": ("cursor", None),
    "cursor=%E5%A4%A7": ("cursor", None),
    "q=": ("q", None),
    "q=" + "x" * 201: ("q", None),
    "q=%00": ("q", None),
    "a%00b=1": ("ab", None),
}


@EACH
@pytest.mark.parametrize("query", FAULTS)
def test_faulty_parameters(seed_client: TestClient, resource: Resource, query: str) -> None:
    name, suggestion = FAULTS[query]
    (fault,) = problem(seed_client, f"/v1/{resource.name}?{query}", 422)["errors"]
    assert fault["parameter"] == name
    assert fault["message"]
    if suggestion is not None:
        assert fault["suggestion"] == suggestion


def test_all_faults_at_once_and_without_the_input(seed_client: TestClient) -> None:
    body = problem(seed_client, "/v1/observations?limt=1&value_gte=NaN&value_lt=1e999&period_from=2024&sort=valu&limit=-1", 422)
    assert [fault["parameter"] for fault in body["errors"]] == [
        "limt", "limit", "sort", "value_gte", "value_lt", "period_from",
    ]  # fmt: skip
    assert all("input" not in fault for fault in body["errors"])


@pytest.mark.parametrize(
    "query",
    [
        "value_gte=inf",
        "value=" + "9" * 5000,
        "period_from=20240101",
        "period_from=2024-02-30",
        "period_from=1700000000",
        "rank=first",
        "region=" + ",".join(["310104"] * 201),
        "region=" + "x" * 201,
    ],
)
def test_values_out_of_range(seed_client: TestClient, query: str) -> None:
    (fault,) = problem(seed_client, f"/v1/observations?{query}", 422)["errors"]
    assert fault["parameter"] == query.split("=", maxsplit=1)[0]


def test_a_cursor_belongs_to_its_query(seed_client: TestClient) -> None:
    following = seed_client.get("/v1/observations?limit=2&sort=-value").json()["links"]["next"]
    cursor = following.split("cursor=")[1]
    for other in ("observations?sort=value", "observations?sort=-value&region=310104", "relations?", "observations?q=a"):
        (fault,) = problem(seed_client, f"/v1/{other}&cursor={cursor}", 422)["errors"]
        assert fault["code"] == "invalid_cursor"
    assert seed_client.get(f"/v1/observations?sort=-value&limit=5&fields=id&cursor={cursor}").status_code == 200


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_cursor_breaks_the_service(seed_client: TestClient, cursor: str) -> None:
    answer = seed_client.get("/v1/observations", params={"cursor": cursor, "sort": "value"})
    assert answer.status_code == 422


ABSURD = (
    "9223372036854775808", "-9223372036854775809", "2147483648", "-1", "1e400", "1e308", "0x10", "\uff11\uff12",
    "9999-12-31", "0001-01-01", "9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+14:00", "2024-02-30", ",", "a," * 150,
)  # fmt: skip


def test_no_absurd_value_breaks_the_service(seed_client: TestClient) -> None:
    """Of whichever parameter: each is tried at the first address that has it."""
    paths = seed_client.get("/openapi.json").json()["paths"]
    addresses: dict[str, str] = {}
    for path, operations in paths.items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                addresses.setdefault(parameter["name"], path.replace("{id}", "1"))
    assert {"value_gte", "rank", "as_of", "since", "before", "published_from", "limit"} <= set(addresses)
    for name, address in addresses.items():
        for value in ABSURD:
            answer = seed_client.get(address, params={name: value})
            assert answer.status_code in (200, 400, 401, 404, 406, 422, 501), (address, name, value)


Member = tuple[str, str, dict[str, Any]]


def members(client: TestClient) -> list[Member]:
    """Every parameter of every address that is read: the address, the name, and the schema of one value."""
    found = []
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []) if "security" not in operations.get("get", {}) else ():
            if parameter["in"] == "query":
                schema = parameter["schema"]
                one = schema.get("items", schema)
                found.append((path_of(path), parameter["name"], one["anyOf"][0] if "anyOf" in one else one))
    return found


def path_of(path: str) -> str:
    """An address of this path that there is."""
    sdmx = "dataflow/RI/OBSERVATIONS" if "/3.0/" in path else "OBSERVATIONS"
    rest = {"data": sdmx, "availability": f"{sdmx}/*/*/*", "schema": sdmx, "structure": "codelist"}
    return path.replace("{path}", rest.get(path.split("/")[-2], sdmx)).replace("{id}", "1")


def faults_of(client: TestClient, address: str, name: str, value: str) -> list[dict[str, Any]]:
    """The faults found in a parameter; those of SDMX are in its own messages."""
    answer = client.get(address, params={name: value})
    assert answer.status_code == (400 if address.startswith("/sdmx") else 422), (address, name, value)
    if address.startswith("/sdmx"):
        return [{"parameter": name}] if name in answer.text else []
    return [fault for fault in answer.json()["errors"] if fault["parameter"] == name]


UNPLAIN = ("1_0", " 10", "10 ", "+10", "01", "１０", "0x1", "1e", "--1", "")


def test_numbers_are_plain_digits(seed_client: TestClient) -> None:
    tried = set()
    for address, name, schema in members(seed_client):
        if schema.get("type") in ("integer", "number"):
            tried.add(name)
            for value in (*UNPLAIN, *(["1.0", "1e1"] if schema["type"] == "integer" else [".5", "5.", "NaN", "1,5"])):
                assert faults_of(seed_client, address, name, value), (address, name, value)
    assert tried >= {"limit", "rank", "value", "value_gte", "firstNObservations", "lastNObservations"}
    for value in ("-0.5", "1e6", "1E-2", "0", "100"):
        assert seed_client.get("/v1/observations", params={"value_gte": value}).status_code == 200
    for address in ("/sdmx/3.0/data/dataflow/RI/OBSERVATIONS", "/sdmx/2.1/data/OBSERVATIONS"):
        for value in ("1_0", " 10", "01", "nan", "inf", "１０"):
            assert faults_of(seed_client, address, "c[OBS_VALUE]", f"ge:{value}")


@pytest.mark.parametrize(
    "value", ["01", "1_0", "+1", " 1", "１", "2024-W01-1", "20240101T00", "2024-1-1", "2024-01-01T00", "1.0", ""]
)
def test_moments_and_revisions_are_written_in_one_way(seed_client: TestClient, value: str) -> None:
    tried = {name for _, name, _ in members(seed_client)} & {"as_of", "since", "until", "asOf", "updatedAfter"}
    assert len(tried) == 5
    for address, name, _ in members(seed_client):
        if name in tried:
            assert faults_of(seed_client, address, name, value), (address, name)


@pytest.mark.parametrize("path", ["01", "1_0", "+1", " 1", "１", "1.0", "-1"])
def test_revisions_have_one_address(seed_client: TestClient, path: str) -> None:
    for address in (f"/v1/revisions/{path}", f"/v1/revisions/{path}/document"):
        assert seed_client.get(address).status_code == 404


def test_yes_and_no_are_true_and_false(seed_client: TestClient) -> None:
    tried = set()
    for address, name, schema in members(seed_client):
        if schema.get("type") == "boolean":
            tried.add(name)
            for value in ("1", "0", "yes", "on", "True", "TRUE", "t", " true", ""):
                assert faults_of(seed_client, address, name, value), (address, name, value)
    assert tried >= {"total", "latest", "retired", "includeHistory"}


CLOSED = {
    "observations": {
        "topic", "subject_kind", "nature", "comparator", "hedge", "bounds_basis", "rank_band", "period_basis", "match",
    },
    "relations": {"predicate", "subject_kind", "object_kind"},
    "designations": {"level"},
    "indicators": {"topic"},
    "regions": {"type", "scheme"},
    "projects": {"type", "status"},
    "sources": {"type"},
    "revisions": {"action"},
    **{name: {"type"} for name in ("clusters", "zones", "programmes", "organisations")},
}  # fmt: skip


@EACH
def test_closed_vocabularies_refuse_what_is_not_in_them(seed_client: TestClient, resource: Resource) -> None:
    address = f"/v1/{resource.name}"
    closed = {name: schema["enum"] for path, name, schema in members(seed_client) if path == address and "enum" in schema}
    assert set(closed) - {"lang", "format", "fields", "sort", "facets", "limit"} == CLOSED[resource.name]
    for name, allowed in closed.items():
        if name == "limit":
            continue
        for value in (f"{allowed[0]}x", allowed[0].upper() + "_"):
            (fault,) = faults_of(seed_client, address, name, value)
            assert fault["allowed"] == allowed
            assert fault.get("suggestion") in (None, *allowed)
        if not {"sort", "facets", "format"} & {name}:
            assert seed_client.get(address, params={name: allowed[-1]}).status_code == 200


@pytest.mark.parametrize(
    ("query", "suggestion"), [("nature=Actual", "actual"), ("topic=econmy", "economy"), ("comparator=lt", None)]
)
def test_the_nearest_word_of_a_vocabulary_is_named(seed_client: TestClient, query: str, suggestion: str | None) -> None:
    (fault,) = problem(seed_client, f"/v1/observations?{query}", 422)["errors"]
    assert (fault["code"], fault.get("suggestion")) == ("literal_error", suggestion)


@pytest.mark.parametrize("value", ["", ",", " , ,", " "])
def test_an_empty_list_is_refused(seed_client: TestClient, value: str) -> None:
    for path, operations in seed_client.get("/openapi.json").json()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter["schema"].get("type") == "array":
                assert len(faults_of(seed_client, path_of(path), parameter["name"], value)) == 1, (path, parameter["name"])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("fields=" + ",".join(f"name{number}" for number in range(900)), 900),
        ("nature=" + ",".join(f"n{number}" for number in range(200)), 200),
        ("&".join(f"limt{number}=1" for number in range(500)), 500),
        ("rank=" + ",".join(["x"] * 200), 200),
        ("region=" + ",".join(["x" * 201] * 21), 21),
    ],
)
def test_no_more_faults_are_listed_than_help(seed_client: TestClient, query: str, count: int) -> None:
    body = problem(seed_client, f"/v1/observations?{query}", 422)
    assert len(body["errors"]) == MOST_FAULTS
    assert f"there are {count} faults, of which the first {MOST_FAULTS} are listed" in body["detail"]


@pytest.mark.parametrize("count", [19, 20, 21])
def test_how_many_faults_are_listed(seed_client: TestClient, count: int) -> None:
    body = problem(seed_client, "/v1/zones?fields=" + ",".join(f"name{number}" for number in range(count)), 422)
    assert len(body["errors"]) == min(count, MOST_FAULTS)
    assert ("are listed" in body["detail"]) == (count > MOST_FAULTS)


@pytest.mark.parametrize("query", ["attributes=", "measures=", "c[X]=", "references="])
def test_faults_of_sdmx_are_as_many(seed_client: TestClient, query: str) -> None:
    values = ",".join(f"name{number}" for number in range(300))
    addresses = {"references=": "/sdmx/3.0/structure/codelist"}
    address = addresses.get(query, "/sdmx/3.0/data/dataflow/RI/OBSERVATIONS")
    given = "&".join(f"c[X{number}]=1" for number in range(300)) if query == "c[X]=" else query + values
    answer = seed_client.get(f"{address}?{given}")
    assert answer.status_code == 400
    assert answer.text.count("<m:ErrorMessage") == 1 + MOST_FAULTS


PAGED = ("observations?sort=-value", "observations?sort=reported_on", "zones?", "revisions?sort=published_at", "changes?")
MEMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just([1])
EDGES = st.sampled_from([2**31, 2**63, 2**64, -(10**30), "a\0b", "2024-13-45", ""])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_altered_cursor_breaks_the_service(seed_client: TestClient, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(PAGED))
    cursor = seed_client.get(f"/v1/{path}&limit=1").json()["links"]["next"].split("cursor=")[1]
    members = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    members[data.draw(st.integers(0, len(members) - 1))] = data.draw(MEMBERS | EDGES)
    altered = base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
    assert seed_client.get(f"/v1/{path}&limit=1", params={"cursor": altered}).status_code in (200, 422), members


@given(st.text(max_size=40, alphabet=st.characters(codec="utf-8")), st.sampled_from(ALL))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_a_search(seed_client: TestClient, text: str, resource: Resource) -> None:
    answer = seed_client.get(f"/v1/{resource.name}", params={"q": text})
    assert answer.status_code == (422 if forbidden(text) or not query_tokens(text) else 200)


@pytest.mark.parametrize("path", ["/v1/zone", "/v1/zones/", "/v1/zones/a/b", "/nothing"])
def test_unknown_paths(seed_client: TestClient, path: str) -> None:
    problem(seed_client, path, 404)


def test_the_nearest_path_is_named(seed_client: TestClient) -> None:
    (fault,) = problem(seed_client, "/v1/zone", 404)["errors"]
    assert fault["suggestion"] == "/v1/zones"


@EACH
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_methods_that_are_not_there(seed_client: TestClient, resource: Resource, method: str) -> None:
    answer = seed_client.request(method, f"/v1/{resource.name}")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    problem(seed_client, f"/v1/{resource.name}", 405, method=method)


@EACH
def test_media_types_that_are_not_there(seed_client: TestClient, resource: Resource) -> None:
    body = problem(seed_client, f"/v1/{resource.name}", 406, headers={"Accept": "application/xml, text/*;q=0"})
    assert "text/csv" in body["errors"][0]["allowed"]
    assert seed_client.get(f"/v1/{resource.name}", headers={"Accept": "application/xml, */*;q=0.1"}).status_code == 200


def test_query_strings_that_are_not_utf8(seed_client: TestClient) -> None:
    for query in ("q=%ff", "q=%ED%A0%80", "&".join(f"a{n}=1" for n in range(600))):
        problem(seed_client, f"/v1/zones?{query}", 400)


def test_options_names_the_methods(seed_client: TestClient) -> None:
    answer = seed_client.options("/v1/zones")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    problem(seed_client, "/nothing", 404, method="OPTIONS")


def test_reading_is_allowed_from_any_origin(seed_client: TestClient) -> None:
    answer = seed_client.get("/v1/zones", headers={"Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    assert seed_client.options("/v1/zones", headers=asked).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/zones", "GET, HEAD, OPTIONS"), ("/v1/publications", "OPTIONS, POST"), ("/v1/sources/x", "DELETE, GET, HEAD, OPTIONS")],
)
def test_an_address_says_which_methods_it_answers(seed_client: TestClient, path: str, allowed: str) -> None:
    assert seed_client.options(path).headers["allow"] == allowed
    refused = seed_client.put(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
