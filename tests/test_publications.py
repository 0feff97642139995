"""Publishing over HTTP: once per key, over what was seen, by whom it may; receipts, rehearsals, retractions, the audit."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.auth import audit_log, tokens
from app.auth.audit_log import RefusedAttempts
from app.db.database import Database
from app.errors import DocumentFaulty, Unauthorized
from app.publishing import rules
from app.publishing.canonical import canonical
from app.publishing.preparation import Prepared
from app.publishing.revisions import publish, revise
from tests.conftest import SEED, rows, serving
from tests.documents import article, vocabulary, written

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part))


def token(database: Database, *scopes: str, expires_at: datetime | None = None) -> dict[str, str]:
    """The header of a new token."""
    with database.write() as connection:
        return {"Authorization": f"Bearer {tokens.issue(connection, 'test', scopes, expires_at)}"}


@pytest.fixture
def client(database: Database) -> TestClient:
    """The service over the vocabulary, with a token that may do everything."""
    publish(database, written(vocabulary()))
    made = serving(database)
    made.headers |= token(database, "publish", "retract", "admin")
    return made


def send(client: TestClient, content: bytes, key: str = "key", **headers: str) -> Any:
    """Publish."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    always = {"Idempotency-Key": key, "Content-Type": "application/yaml"}
    return client.post("/v1/publications", content=content, headers={**always, **named})


def test_a_publication_is_a_revision_that_is_served(client: TestClient) -> None:
    answer = send(client, written(article()))
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/revisions/2"
    receipt = answer.json()["data"]
    assert (receipt["id"], receipt["source"], receipt["new"], receipt["added"]) == (2, "news", True, 4)
    revision = client.get(answer.headers["location"]).json()["data"]
    assert {name: receipt[name] for name in revision if name in receipt} == {name: revision[name] for name in revision}
    assert {row["source"] for row in rows(client, "/v1/observations")} == {"news"}


def test_the_same_key_gives_the_identical_receipt_and_another_body_is_refused(client: TestClient) -> None:
    first = send(client, written(article()))
    again = send(client, written(article()))
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, first.headers["location"])
    other = send(client, written(vocabulary()))
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(rows(client, "/v1/revisions")) == 2


def test_a_receipt_outlives_the_process_that_gave_it(client: TestClient, database: Database) -> None:
    """The receipt is stored with the revision: what was lost between commit and answer can be asked for again."""
    first = send(client, written(article()))
    restarted = serving(database)
    restarted.headers |= {"Authorization": client.headers["Authorization"]}
    assert send(restarted, written(article())).content == first.content


def test_keys_of_different_tokens_are_different(client: TestClient, database: Database) -> None:
    send(client, written(article()))
    answer = send(client, written(vocabulary()), **token(database, "publish"))
    assert (answer.status_code, answer.json()["data"]["new"]) == (200, False)


def test_the_same_content_makes_no_new_revision_however_it_is_written(client: TestClient) -> None:
    send(client, written(article()))
    spaced = json.dumps(article(), indent=2, ensure_ascii=False).encode()
    answer = send(client, b"# the same\n" + spaced, "other")
    assert (answer.status_code, answer.json()["data"]["id"], answer.json()["data"]["new"]) == (200, 2, False)
    assert "location" not in answer.headers


def test_a_source_is_revised_only_over_what_was_seen(client: TestClient) -> None:
    send(client, written(article()))
    changed = article()
    changed["source"]["author"] = "Someone"
    blind = send(client, written(changed), "blind")
    assert (blind.status_code, blind.json()["type"]) == (428, "/problems/precondition-required")
    seen = client.get("/v1/sources/news").headers["etag"]
    # another source does not make it stale
    words = vocabulary()
    words["source"]["title"] = "More words"
    assert send(client, written(words), "words", If_Match=client.get("/v1/sources/words").headers["etag"]).status_code == 201
    assert send(client, written(changed), "revise", If_Match=seen).status_code == 201
    changed["source"]["author"] = "Someone else"
    stale = send(client, written(changed), "stale", If_Match=seen)
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/precondition-failed")
    now = client.get("/v1/sources/news").headers["etag"]
    forged = ('"999999999-bogus"', '"999999999-00000000000000000000"', f'"{now[1:].partition("-")[0]}-00000000000000000000"')
    for tag in ('"nonsense"', f"W/{now}", "", *forged, f"{seen}, {forged[1]}", now.strip('"')):
        assert send(client, written(changed), "tag", If_Match=tag).status_code == 412, tag
    for address in ("/v1/sources/news?format=csv", "/v1/sources/news?lang=zh", "/v1/sources/news?lang=zh&format=csv"):
        tag = client.get(address, headers={"Accept-Encoding": "gzip"}).headers["etag"]
        answer = client.post(
            "/v1/publications?dry_run=true",
            content=written(changed),
            headers={"If-Match": f'"x", {tag}', "Content-Type": "text/yaml"},
        )
        assert answer.status_code == 200, tag
    receipt = send(client, written(changed), "star", If_Match="*")
    assert receipt.status_code == 201
    changed["source"]["author"] = None
    assert send(client, written(changed), "receipt", If_Match=receipt.headers["etag"]).status_code == 201


def test_nothing_can_be_seen_of_what_is_not_there(client: TestClient) -> None:
    assert send(client, written(article()), If_Match="*").status_code == 412
    assert rows(client, "/v1/observations") == []


def test_a_rehearsal_answers_fact_by_fact_and_changes_nothing(client: TestClient) -> None:
    send(client, written(article()))
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    del data["designations"]
    headers = {"If-Match": client.get("/v1/sources/news").headers["etag"], "Content-Type": "application/json"}
    answer = client.post("/v1/publications?dry_run=true", content=written(data), headers=headers)
    assert answer.status_code == 200
    assert answer.json()["meta"] == {"source": "news", "new": True, "added": 0, "changed": 1, "retracted": 1}
    by_kind = {change["change"]: change for change in answer.json()["data"]}
    assert (by_kind["changed"]["old"]["value"], by_kind["changed"]["new"]["value"]) == (300, 350)
    assert (by_kind["retracted"]["resource"], by_kind["retracted"]["new"]) == ("designations", None)
    assert len(rows(client, "/v1/revisions")) == 2
    assert rows(client, "/v1/observations", id="news.chip-companies")[0]["value"] == 300
    assert len(rows(client, "/v1/designations")) == 1


def test_faults_are_those_of_check(client: TestClient) -> None:
    data = article()
    data["observations"][0]["indicator"] = "compnies"
    answer = send(client, json.dumps(data, indent=1).encode())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/document-faulty")
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["suggestion"]) == ("/observations/0/indicator", "companies")
    assert fault["line"] > 1
    # nothing was stored, so the key is still free
    assert send(client, written(article())).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({}, 400, "idempotency-key-missing"),
        ({"Idempotency-Key": "a b"}, 422, "invalid-parameters"),
        ({"Idempotency-Key": "k" * 201}, 422, "invalid-parameters"),
        ({"Idempotency-Key": "k", "Content-Type": "text/csv"}, 415, "unsupported-media-type"),
        ({"Idempotency-Key": "k", "Content-Encoding": "gzip"}, 415, "unsupported-media-type"),
    ],
)
def test_what_is_not_understood_is_refused(client: TestClient, headers: dict[str, str], status: int, slug: str) -> None:
    answer = client.post("/v1/publications", content=written(article()), headers={"Content-Type": "text/yaml"} | headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "content", [b"a: [", b"\xff", b"a: &x 1", b"a: *x", b"a: !!str x", b"[" * 3000, b"a: " + b"9" * 5000, b'{"a":1,"a":2}']
)
def test_what_cannot_be_read_is_malformed(client: TestClient, content: bytes) -> None:
    answer = send(client, content)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/document-malformed")
    assert all({"line", "column", "message"} <= fault.keys() for fault in answer.json()["errors"])


def test_json_is_what_it_says(client: TestClient) -> None:
    answer = send(client, b"format: x", Content_Type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/document-malformed")
    assert "not JSON" in answer.json()["errors"][0]["message"]
    assert send(client, b"format: x", Content_Type="application/yaml; charset=utf-8").status_code == 422


def test_a_body_says_what_it_is_and_has_one_key(client: TestClient) -> None:
    answer = client.post("/v1/publications", content=written(article()), headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert answer.headers["accept-post"].startswith("application/yaml")
    keys = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Content-Type", "application/yaml")]
    assert client.post("/v1/publications", content=written(article()), headers=keys).status_code == 400


def test_a_body_is_not_read_for_who_may_not_send_it(client: TestClient) -> None:
    for headers in ({"Authorization": "Bearer x"}, {"Content-Type": "text/csv"}, {"Content-Type": "text/yaml"}):
        answer = client.post("/v1/publications", content=b"#" * 100_000, headers=headers)
        assert answer.status_code in (400, 401, 415)
        assert answer.headers["connection"] == "close"
        assert "connection" not in client.post("/v1/publications", content=written(article()), headers=headers).headers


def test_refused_attempts_are_in_the_audit(client: TestClient, database: Database) -> None:
    narrow = token(database, "publish:other")
    send(client, written(article()), **narrow)
    client.post("/v1/publications", content=b"x", headers={"Idempotency-Key": "k"})
    client.post("/v1/publications", content=b"x", headers={"Content-Type": "text/yaml"})
    send(client, b"a: [")
    send(client, written(article()), "k2", If_Match="*")
    send(client, written(article()), Authorization="Bearer x")
    client.delete("/v1/sources/words", headers={"Authorization": "Bearer x"})
    client.get("/v1/audit", headers={"Authorization": "Bearer x"})
    client.delete("/v1/sources/words", headers=[("Authorization", "Bearer x"), ("Authorization", "Bearer y")])
    client.get("/v1/audit", headers=narrow)
    entries = client.get("/v1/audit").json()["data"][:-1]
    assert [(entry["action"], entry["target"], entry["result"]) for entry in reversed(entries)] == [
        ("publish", "news", "forbidden"),
        ("publish", None, "unsupported-media-type"),
        ("publish", None, "idempotency-key-missing"),
        ("publish", None, "document-malformed"),
        ("publish", "news", "precondition-failed"),
        ("publish", None, "unauthorized"),
        ("retract", "words", "unauthorized"),
        ("read audit", None, "unauthorized"),
        ("retract", "words", "bad-request"),
        ("read audit", None, "forbidden"),
    ]
    assert [entry["actor"] == "anonymous" for entry in reversed(entries)] == [False] * 5 + [True] * 4 + [False]


def test_a_flood_of_strangers_is_counted_not_listed(database: Database) -> None:
    now = [0.0]
    notes = RefusedAttempts(database, lambda: now[0])
    stranger, holder = tokens.Actor(tokens.ANONYMOUS, ()), tokens.Actor("holder", ("publish",))
    for _ in range(1000):
        notes.add(stranger, "publish", None, "unauthorized")
    notes.add(holder, "publish", None, "forbidden")
    now[0] = 61.0
    notes.add(stranger, "publish", None, "unauthorized")
    for _ in range(2000):
        notes.add(holder, "publish", None, "forbidden")
    notes.write()
    with database.read() as connection:
        results = [entry["result"] for entry in audit_log.entries(connection, 5000)]
    assert len(results) == audit_log.MOST_WAITING
    assert results[-12:] == ["unauthorized", "forbidden; 990 others were left out", *["unauthorized"] * 10]


def test_an_audit_of_some_sources_shows_no_others(client: TestClient, database: Database) -> None:
    send(client, written(article()))
    client.delete("/v1/sources/NEWS")
    client.delete("/v1/sources/other")
    headers = token(database, "admin", "publish:news")
    found = client.get("/v1/audit?limit=1", headers=headers).json()
    assert [(entry["action"], entry["target"]) for entry in found["data"]] == [("publish", "news")]
    assert found["links"]["next"] is None
    assert len(client.get("/v1/audit").json()["data"]) == 4


def test_large_documents_are_published_in_a_process_of_their_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("writer", "routes.documents"):
        monkeypatch.setattr(f"app.api.{module}.LARGE", 100)
    rehearsed = client.post("/v1/publications?dry_run=true", content=written(article()), headers={"Content-Type": "text/yaml"})
    assert rehearsed.json()["meta"] == {"source": "news", "new": True, "added": 4, "changed": 0, "retracted": 0}
    first = send(client, written(article()))
    assert (first.status_code, first.json()["data"]["id"]) == (201, 2)
    assert send(client, written(article())).content == first.content
    changed = article() | {"designations": []}
    assert send(client, written(changed), "blind").status_code == 428
    assert client.get("/v1/revisions/2/document?format=json").content == canonical(written(article()))
    monkeypatch.setattr("sys.executable", "/bin/false")
    ended = send(client, written(changed), "ended", If_Match=first.headers["etag"])
    assert (ended.status_code, ended.headers["retry-after"]) == (503, "1")


def test_what_others_publish_meanwhile_is_seen(database: Database) -> None:
    """A document is checked before the lock is taken: what was there then may be gone, or another's, when it is its turn."""
    publish(database, written(vocabulary()))
    prepared = Prepared(database, written(article()))
    other = article()
    other["source"]["id"] = "other"
    publish(database, written(other))
    with pytest.raises(DocumentFaulty) as refused, database.write() as connection:
        revise(connection, prepared)
    assert {fault.code for fault in refused.value.errors} == {"redefined"}


def test_a_document_has_so_many_facts_at_most(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_FACTS", 3)
    answer = send(client, written(article()))
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == ["too_many_facts"]


def test_faults_are_listed_up_to_a_number(client: TestClient) -> None:
    data = article()
    data["observations"] = [{"key": f"k{number}"} for number in range(1000)]
    answer = send(client, written(data))
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    assert "these are the first 20" in answer.json()["detail"]


def test_retracting_ends_facts_and_leaves_them_readable(client: TestClient) -> None:
    send(client, written(article()))
    answer = client.delete("/v1/sources/news")
    assert answer.status_code == 200
    receipt = answer.json()["data"]
    assert (receipt["id"], receipt["action"], receipt["retracted"]) == (3, "retracted", 4)
    for name in ("observations", "relations", "designations"):
        assert rows(client, f"/v1/{name}") == []
        assert rows(client, f"/v1/{name}", as_of=2) != []
    assert rows(client, "/v1/clusters") == []
    assert client.get("/v1/sources/news").json()["data"]["retired"] is True
    assert client.get("/v1/search", params={"q": "新闻"}).json()["data"] == []
    again = client.delete("/v1/sources/news")
    assert (again.status_code, again.json()["data"]["id"], again.json()["data"]["new"]) == (200, 3, False)
    assert client.get("/v1/revisions/3/document").status_code == 404
    # what was retracted can be published again, by whoever saw that it was
    assert send(client, written(article()), "back").status_code == 428
    back = send(client, written(article()), "back", If_Match=client.get("/v1/sources/news").headers["etag"])
    assert (back.status_code, back.json()["data"]["added"]) == (201, 4)
    assert {row["revision"] for row in rows(client, "/v1/observations")} == {4}


def test_retracting_what_is_not_there_or_was_seen_otherwise(client: TestClient) -> None:
    send(client, written(article()))
    missing = client.delete("/v1/sources/new")
    assert (missing.status_code, missing.json()["errors"][0]["suggestion"]) == (404, "news")
    assert client.delete("/v1/sources/news", headers={"If-Match": '"1-x"'}).status_code == 412


@pytest.mark.parametrize(("number", "path"), list(enumerate(SEED, 1)))
def test_documents_come_back_as_they_were_published(seed_client: TestClient, number: int, path: Path) -> None:
    original = seed_client.get(f"/v1/revisions/{number}/document")
    assert original.content == path.read_bytes()
    assert original.headers["content-type"].startswith("application/yaml")
    sha256 = hashlib.sha256(original.content)
    assert seed_client.get(f"/v1/revisions/{number}").json()["data"]["document_sha256"] == sha256.hexdigest()
    digest = base64.b64encode(sha256.digest()).decode()
    assert original.headers["repr-digest"] == f"sha-256=:{digest}:"


def test_canonical_json_of_a_document_says_the_same(client: TestClient) -> None:
    send(client, written(article()))
    found = client.get("/v1/revisions/2/document", headers={"Accept": "application/json"})
    assert found.headers["content-type"] == "application/json"
    assert found.content == canonical(written(article()))
    assert found.json() == article()
    again = send(client, found.content, "again", Content_Type="application/json")
    assert (again.status_code, again.json()["data"]["new"]) == (200, False)


@settings(max_examples=50)
@given(JSON)
def test_canonical_json_is_the_same_however_it_is_written(data: Any) -> None:
    plain = json.dumps({"data": data}, ensure_ascii=True).encode()
    assert canonical(plain) == canonical(json.dumps({"data": data}, indent=3, ensure_ascii=True).encode())


def test_many_requests_with_one_key_publish_once(client: TestClient) -> None:
    with client, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: send(client, written(article())), range(100)))
        assert len(rows(client, "/v1/revisions")) == 2
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1


# -- who may ------------------------------------------------------------------------------------------------------------

SCOPES = {("POST", "/v1/publications"): "publish", ("DELETE", "/v1/sources/{id}"): "retract", ("GET", "/v1/audit"): "admin"}
"""Of each address that needs a token the scope; all others are for reading, and need none."""


def operations(client: TestClient) -> list[tuple[str, str]]:
    """Every operation of the API."""
    paths = client.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def test_what_changes_data_needs_a_token_and_reading_none(client: TestClient) -> None:
    client.headers.pop("Authorization")
    for method, path in operations(client):
        answer = client.request(method, path.replace("{id}", "news").replace("{slug}", "x").replace("{name}", "x"))
        assert (answer.status_code == 401) == ((method, path) in SCOPES), (method, path, answer.status_code)
        assert method == "GET" or (method, path) in SCOPES, "what is not for reading needs a scope"
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scope", ["publish", "publish:news", "publish:other", "retract", "admin"])
def test_every_route_denies_what_its_scope_does_not_allow(database: Database, scope: str) -> None:
    publish(database, written(vocabulary()))
    client = serving(database)
    headers = token(database, scope)
    for (method, path), needed in SCOPES.items():
        content = written(article()) if method == "POST" else None
        key = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        answer = client.request(method, path.format(id="words"), content=content, headers=headers | key)
        allowed = scope in (needed, "publish:news" if needed == "publish" else needed)
        assert (answer.status_code != 403) == allowed, (method, path, answer.status_code)


def test_a_beginning_narrows_all_scopes_of_a_token(database: Database) -> None:
    publish(database, written(vocabulary()))
    client = serving(database)
    headers = token(database, "publish", "publish:wo", "retract")
    assert send(client, written(article()), **headers).status_code == 403
    assert client.delete("/v1/sources/words", headers=headers).status_code == 200
    publish(database, written(vocabulary()) + b"\n", only_missing=True)
    assert client.delete("/v1/sources/news", headers=headers).status_code == 403


def test_tokens_that_are_not_valid(database: Database) -> None:
    client = serving(database)
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = token(database, "admin", expires_at=past)["Authorization"]
    good = token(database, "admin")["Authorization"]
    revoked = token(database, "admin")["Authorization"]
    with database.write() as connection:
        tokens.revoke(connection, revoked[len("Bearer ria_") :][:8])
    other = good[:-8] + ("a" if good[-8] != "a" else "b") + good[-7:]
    forged = f"Bearer ria_{good[len('Bearer ria_') :][:8]}" + "x" * 32
    forged += tokens.checksum(forged[len("Bearer ria_") :])
    assert client.get("/v1/audit", headers={"Authorization": good}).status_code == 200
    for wrong in (expired, revoked, other, forged, good.replace("Bearer", "Basic"), "Bearer", "Bearer x", "", good + "x"):
        answer = client.get("/v1/audit", headers={"Authorization": wrong})
        assert answer.status_code == 401, wrong
        assert "ria_" not in answer.text


def test_of_a_token_only_its_digest_is_kept(database: Database) -> None:
    value = token(database, "publish")["Authorization"].removeprefix("Bearer ")
    with database.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM token").mappings().all()
        assert value[12:] not in str(dict(row))
        assert row["sha256"] == hashlib.sha256(value.encode()).hexdigest()
        assert row["last_used_at"] is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.text() | st.from_regex(tokens.SHAPE, fullmatch=True))
def test_no_text_is_taken_for_a_token(database: Database, text: str) -> None:
    with database.read() as connection, pytest.raises(Unauthorized):
        tokens.holder(connection, f"Bearer {text}", None, None)


def test_the_audit_has_what_was_tried_and_cannot_be_changed(client: TestClient, database: Database) -> None:
    send(client, written(article()))
    send(client, b"nonsense", "bad")
    narrow = token(database, "retract")
    send(client, written(article()), **narrow)
    client.delete("/v1/sources/news", headers=narrow)
    entries = client.get("/v1/audit").json()["data"]
    assert [(entry["action"], entry["target"], entry["result"], entry["revision"]) for entry in entries] == [
        ("retract", "news", "done", 3),
        ("publish", None, "forbidden", None),
        ("publish", None, "document-faulty", None),
        ("publish", "news", "done", 2),
        ("publish", "words", "done", 1),
    ]
    assert [entry["actor"] == "local" for entry in entries] == [False] * 4 + [True]
    assert all(entry["client"] == "testclient" and entry["request_id"] for entry in entries[:-1])
    page = client.get("/v1/audit?limit=2").json()
    assert [entry["id"] for entry in page["data"]] == [5, 4]
    assert [entry["id"] for entry in client.get(page["links"]["next"]).json()["data"]] == [3, 2]
    for statement in ("UPDATE audit SET result = 'done'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"), database.write() as connection:
            connection.exec_driver_sql(statement)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT last_used_at FROM token WHERE scopes = 'retract'").scalar() is not None
