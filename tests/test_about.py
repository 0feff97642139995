"""Routes about the service itself."""

import json

import jsonschema
import pytest
from starlette.testclient import TestClient

from app.db.database import Database
from app.errors import PROBLEMS
from app.resources import ALL
from tests.conftest import serving
from tests.documents import article, vocabulary


def test_the_index_leads_everywhere(seed_client: TestClient) -> None:
    body = seed_client.get("/v1").json()
    assert {resource.name for resource in ALL} <= set(body["data"])
    not_for_reading = {"publications": 405, "audit": 401, "agents": 405}
    for name, link in body["data"].items():
        assert seed_client.get(fill(link["href"])).status_code == not_for_reading.get(name, 200), name
    assert body["meta"] == {"revision": 2}


def fill(href: str) -> str:
    """The address that a template gives."""
    values = {"id": "310104", "q": "x", "indicator": "metro-density", "regions": "310104,310000"}
    return href.format(**values)


def test_limits_are_those_that_hold(seed_client: TestClient) -> None:
    limits = seed_client.get("/v1/limits").json()
    most = limits["limit"]["maximum"]
    assert seed_client.get(f"/v1/zones?limit={most}").status_code == 200
    assert seed_client.get(f"/v1/zones?limit={most + 1}").status_code == 422
    longest = limits["q"]["maximum_length"]
    assert [seed_client.get("/v1/zones", params={"q": "x" * n}).status_code for n in (longest, longest + 1)] == [200, 422]
    values = limits["values_per_filter"]["maximum"]
    assert [seed_client.get("/v1/zones", params={"id": "x," * n}).status_code for n in (values, values + 1)] == [200, 422]


def test_every_problem_type_has_a_page(seed_client: TestClient) -> None:
    listed = seed_client.get("/problems").json()["data"]
    assert [row["type"] for row in listed] == [f"/problems/{problem.slug}" for problem in PROBLEMS]
    assert all(seed_client.get(row["type"]).json() == row for row in listed)


def test_the_schema_of_documents_accepts_what_the_parser_does(seed_client: TestClient) -> None:
    schema = seed_client.get("/v1/schemas/document").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for data in (vocabulary(), article()):
        assert list(validator.iter_errors(data)) == []
    wrong = article()
    wrong["observations"][0]["hedge"] = "nearl"
    wrong["observation"] = []
    assert len(list(validator.iter_errors(wrong))) == 2


def test_health_and_readiness(database: Database) -> None:
    client = serving(database)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "revision": 0}
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"]
    assert client.get("/healthz").status_code == 200


def test_a_failure_tells_nothing_of_the_inside(seed_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("app.query.repository.Repository.page", fail)
    answer = seed_client.get("/v1/zones?limit=77")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "Zero" not in answer.text
    assert json.loads(answer.text)["type"] == "/problems/internal-error"


def test_the_documentation_needs_no_other_host(seed_client: TestClient) -> None:
    page = seed_client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/docs/assets/{asset}" in page
        assert seed_client.get(f"/docs/assets/{asset}").status_code == 200
    assert seed_client.get("/", follow_redirects=False).headers["location"] == "/docs"


KEPT = [
    "/v1", "/v1/limits", "/v1/schemas/document", "/problems", "/problems/not-found", "/openapi.json", "/docs", "/llms.txt",
    "/robots.txt", "/.well-known/api-catalog", "/docs/assets/swagger-ui.css", "/v1/export", "/v1/export/zones.csv",
]  # fmt: skip


@pytest.mark.parametrize("path", KEPT)
def test_what_the_service_says_about_itself_is_not_sent_twice(seed_client: TestClient, path: str) -> None:
    headers = {"Accept-Encoding": "identity"}
    for _ in range(2):  # from the application, and from the cache
        first = seed_client.get(path, headers=headers)
        assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=0, must-revalidate")
        again = seed_client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert seed_client.get(path, headers={**headers, "If-None-Match": '"other"'}).content == first.content


def test_what_holds_for_the_moment_is_not_kept(seed_client: TestClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/v1/zones/nowhere", "/nowhere", "/v1/zones?x=1"):
        answer = seed_client.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert "etag" not in answer.headers
