"""What is refused before anything is done: addresses, hosts, floods, tokens in the wrong place; and what browsers are told."""

import json
from collections.abc import Iterator

import pytest
from limits import parse
from starlette.testclient import TestClient

from app.api.middleware import rate_limit
from app.auth import tokens
from app.db.database import Database
from app.errors import Refusal
from app.main import create_app
from app.publishing.revisions import publish
from app.settings import Settings
from tests.documents import vocabulary, written


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    """The service with small limits."""
    publish(database, written(vocabulary()))
    settings = Settings(database_url=database.url, rate_limit="10/minute", trusted_hosts="testserver, api.example")
    with TestClient(create_app(settings), raise_server_exceptions=False) as made:
        yield made


def test_a_client_may_ask_so_often_and_304_is_free(client: TestClient) -> None:
    first = client.get("/v1/regions")
    assert first.headers["ratelimit-policy"] == '"requests";q=10;w=60'
    assert first.headers["ratelimit"].startswith('"requests";r=9;t=')
    for _ in range(20):
        assert client.get("/v1/regions", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert [client.get("/v1/regions").status_code for _ in range(10)] == [200] * 9 + [429]
    refused = client.get("/v1/regions")
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert client.get("/healthz").status_code == 200


def test_other_tokens_do_not_help_a_client(client: TestClient) -> None:
    answers = [client.get("/v1/regions", headers={"Authorization": f"Bearer {number}"}).status_code for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_only_our_hosts_are_answered_for(client: TestClient) -> None:
    assert client.get("/v1", headers={"Host": "api.example:8000"}).status_code == 200
    refused = client.get("/v1", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["type"]) == (421, "/problems/misdirected-request")


def test_what_is_too_much_at_once_is_told_to_come_back(database: Database) -> None:
    app = create_app(Settings(database_url=database.url, rate_limit="", max_requests=1))
    app.open[0] = ("somebody", 1)
    with TestClient(app) as client:
        refused = client.get("/v1")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.get("/healthz").status_code == 200
        app.open.clear()
        assert client.get("/v1").status_code == 200


def test_one_client_cannot_hold_all_requests(database: Database) -> None:
    app = create_app(Settings(database_url=database.url, rate_limit="", max_requests=5))
    app.open |= dict.fromkeys(range(4), ("greedy", 1))
    other = TestClient(app, client=("other", 1))
    with TestClient(app, client=("greedy", 1)) as greedy:
        assert (greedy.get("/v1").status_code, other.get("/v1").status_code) == (503, 200)
        assert other.get("/v1/limits").json()["requests"]["maximum_in_flight_of_a_client"] == 4
        del app.open[0]
        assert greedy.get("/v1").status_code == 200
    assert len(app.open) == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/zones?q=" + "x" * 8200, 414), ("/v1/" + "x" * 8200, 414), ("/v1/zones/%ff", 400), ("/v1/zones/a%00b", 400)],
)
def test_addresses_that_cannot_be_served(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_in_an_address_is_refused_and_repeated_nowhere(client: TestClient, database: Database) -> None:
    with database.write() as connection:
        token = tokens.issue(connection, "test", ["admin"], None)
    once = token.replace("_", "%5F")
    everything = "".join(f"%{ord(character):02x}" for character in token)
    for written_so in (token, once, everything, once.replace("%", "%25"), once + "x" * 9000, token + "%ff"):
        for path in (f"/v1/audit?token={written_so}", f"/v1/sources/{written_so}"):
            answer = client.get(path, headers={"Host": "evil.example", "X-Request-Id": token})
            assert answer.status_code == 400
            assert "revoke it" in answer.json()["detail"]
            assert not [way for way in (token, once, everything) if way in answer.text + str(answer.headers)]


def test_bodies_are_bounded_also_in_chunks(client: TestClient, database: Database) -> None:
    with database.write() as connection:
        token = tokens.issue(connection, "test", ["publish"], None)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k", "Content-Type": "application/yaml"}
    large = b"x" * (8 * 2**20 + 1)
    for content in (large, iter([large[:1000], large])):
        answer = client.post("/v1/publications", content=content, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/payload-too-large")


def test_calls_of_tools_are_small(client: TestClient) -> None:
    call = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}, "padding": "' + b"x" * 2**16 + b'"}'
    for content in (call, iter([call[:1000], call[1000:]])):
        answer = client.post("/mcp", content=content, headers={"Content-Type": "application/json", "Accept": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/payload-too-large")
    assert client.get("/v1/limits").json()["request"]["maximum_call_bytes"] == 2**16


def test_while_much_waits_to_be_taken_nothing_else_is_made(database: Database) -> None:
    app = create_app(Settings(database_url=database.url, rate_limit=""))
    unsent = app.app.app.unsent  # type: ignore[attr-defined]  # of the cache, behind HEAD and OPTIONS
    greedy, other = TestClient(app, client=("greedy", 1)), TestClient(app, client=("other", 1))
    with unsent.held(("greedy", 2), unsent.most * 4 // 5 + 1):  # which is one client's share
        refused = greedy.get("/v1/regions")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert greedy.get("/healthz").status_code == 200
        assert other.get("/v1/regions").status_code == 200
        with unsent.held(("another", 1), unsent.most // 5 + 1):
            assert other.get("/v1/regions?limit=2").status_code == 503
    assert greedy.get("/v1/regions").status_code == 200
    assert unsent.total == 0


def test_every_answer_tells_browsers_to_run_nothing(client: TestClient) -> None:
    for path in ("/v1/regions", "/v1/regions", "/v1/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "strict-transport-security" not in headers
        assert "set-cookie" not in headers


def test_an_answer_has_the_name_of_its_request(client: TestClient) -> None:
    names = [
        client.get(path).headers["x-request-id"] for path in ("/v1/nothing", "/v1/zones?limt=1", "/v1/zones/%ff", "/healthz")
    ]
    assert len(set(names)) == 4
    assert client.get("/v1/regions", headers={"X-Request-Id": "of-the-client-1"}).headers["x-request-id"] == "of-the-client-1"
    assert "x-request-id" not in client.get("/v1/regions").headers  # repeated from memory: nobody logged it
    assert client.get("/v1/nothing", headers={"X-Request-Id": "a b"}).headers["x-request-id"] != "a b"


def test_other_origins_may_read_and_nothing_else(client: TestClient) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    allowed = client.options("/v1/regions", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "*")
    assert allowed.headers["access-control-allow-methods"] == "GET, HEAD"
    for method in ("POST", "DELETE"):
        refused = client.options("/v1/publications", headers={**asked, "Access-Control-Request-Method": method})
        assert not [name for name in refused.headers if name.startswith("access-control-")]
    assert "access-control-allow-credentials" not in client.get("/v1", headers={"Origin": asked["Origin"]}).headers


def test_what_other_origins_may_read_is_said_to_all_who_share_a_cache(client: TestClient) -> None:
    plain, scripted = client.get("/v1/regions"), client.get("/v1/regions", headers={"Origin": "https://elsewhere.example"})
    for answer in (plain, scripted, client.get("/v1/regions?q=", headers={"Origin": "null"}), client.get("/%ff")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Origin" not in answer.headers.get("vary", "")


@pytest.mark.parametrize(
    ("setting", "value"), [("rate_limit", "often"), ("trusted_proxies", "*"), ("max_requests", 0), ("read_seconds", -1)]
)
def test_unsafe_settings_are_refused(setting: str, value: str) -> None:
    with pytest.raises(ValueError, match=setting):
        Settings.model_validate({setting: value})


def test_metrics_count_by_route_and_what_the_cache_answers(client: TestClient) -> None:
    for _ in range(3):
        client.get("/v1/regions/990000")
    text = client.get("/metrics").text
    assert 'indicators_requests_total{method="GET",route="/v1/regions/{id}",status="200"} 1.0' in text
    assert "indicators_cache_hits_total 2.0" in text
    assert "indicators_revision 1.0" in text
    assert "indicators_publications_total 1.0" in text
    for name in ("indicators_database_bytes", "indicators_wal_bytes"):
        assert f"\n{name} " in text


def test_limits_are_published(client: TestClient) -> None:
    found = client.get("/v1/limits").json()
    assert found["requests"] == {"maximum_in_flight": 500, "maximum_in_flight_of_a_client": 400, "rate": "10/minute"}
    assert found["request"]["maximum_body_bytes"] == 8 * 2**20
    assert found["document"]["maximum_facts"] == 100_000
    assert json.dumps(found)


def test_a_database_that_cannot_be_used_is_a_refusal() -> None:
    with pytest.raises(Refusal, match="does not exist"):
        create_app(Settings(database_url="sqlite:////nowhere/x.db"))


def test_a_bucket_fills_evenly_and_forgets_nobody_who_owes() -> None:
    now = 1000.0
    buckets = rate_limit.Buckets(parse("60/minute"), most_callers=10, clock=lambda: now)
    for _ in range(60):
        buckets.add("busy", -1)
    assert (buckets.level("busy"), buckets.wait(0, 1), buckets.wait(0, 60)) == (0, 1, 60)
    now += 30
    assert buckets.level("busy") == 30
    for number in range(100):
        buckets.add(f"once-{number}", -1)
        now += 1
        buckets.add("busy", -1)
    assert buckets.level("busy") == 30
    now += 1000
    assert buckets.level("busy") == 60
