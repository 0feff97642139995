"""What scripts of other origins may send and read (CORS, in the Fetch standard)."""

import pytest
from starlette.testclient import TestClient

ORIGIN = {"Origin": "https://app.example"}
WANTED = ("accept", "content-type", "if-modified-since", "if-none-match", "range")


@pytest.mark.parametrize(
    "path", ["/v1/observations", "/v1/export/observations.csv", "/sdmx/3.0/data/dataflow", "/v1/publications"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_and_ranges_may_be_sent(seed_client: TestClient, path: str, method: str) -> None:
    headers = ORIGIN | {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ", ".join(WANTED)}
    answer = seed_client.options(path, headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= set(WANTED)
    assert "authorization" not in allowed
    assert method in answer.headers["access-control-allow-methods"].split(", ")


@pytest.mark.parametrize(
    ("path", "method"), [("/v1/publications", "POST"), ("/v1/sources/x", "DELETE"), ("/mcp", "GET"), ("/v1", "PUT")]
)
def test_nothing_else_is_offered(seed_client: TestClient, path: str, method: str) -> None:
    answer = seed_client.options(path, headers=ORIGIN | {"Access-Control-Request-Method": method})
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_what_conditions_and_ranges_are_answered_with_may_be_read(seed_client: TestClient) -> None:
    assert seed_client.get("/v1/zones", headers=ORIGIN).headers["access-control-expose-headers"] == "*"
