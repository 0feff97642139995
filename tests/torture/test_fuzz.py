"""Requests and documents that nobody would think of: answered as documented, and never with an exception of ours."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from starlette.testclient import TestClient

from app.auth.tokens import issue
from app.db.database import Database
from app.errors import DocumentFaulty, Fault
from app.publishing.parse import parse
from app.publishing.revisions import publish
from app.publishing.vocabulary import Declarations
from tests.conftest import SEED, NewDatabase, discard, rows, seeded, serving
from tests.server import running
from tests.torture import rounds
from tests.torture.figures import Note
from tests.torture.history import variant, words

PHASES = "examples,coverage,fuzzing,stateful"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_every_request_is_answered_as_documented(new_database: NewDatabase, tmp_path: Path, note: Note) -> None:
    database = seeded(new_database())
    with database.write() as connection:
        token = issue(connection, "schemathesis", ["publish", "retract", "admin"], None)
    program = [str(Path(sys.executable).with_name("schemathesis")), "run"]
    with running(database.url, tmp_path) as server:
        options = {"phases": PHASES, "checks": CHECKS, "max-examples": str(rounds(2, 80)), "seed": "1", "output-truncate": "true"}
        command = [*program, server.url + "/openapi.json", "--no-color", f"--header=Authorization: Bearer {token}"]
        command += [f"--{name}={value}" for name, value in options.items()]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1200)
    counted = re.search(r"(\d+) generated", done.stdout)
    cases = int(counted[1]) if counted else 0
    note(f"schemathesis on {database.engine.dialect.name}", f"{cases:,} cases, exit code {done.returncode}")
    failures = [line[:300] for line in done.stdout.splitlines() if re.match(r"- |\s+Received|____", line)]
    assert done.returncode == 0, failures
    assert cases > rounds(1000, 7000)


# -- documents --------------------------------------------------------------------------------------------------------------

NAMES = ["format", "source", "observations", "id", "regional-indicators/1", "cite", "value", "近", "!!python/x", "&a", "*a"]
WORDS = st.sampled_from(NAMES)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
KEYS = WORDS | st.text(max_size=5)
TREES = st.recursive(SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=4))


def only_faults(content: bytes) -> None:
    """Fail where reading the document raises anything but its own problem."""
    for known in (None, Declarations()):
        faults: tuple[Fault, ...] = ()
        try:
            parse(content, known)
        except DocumentFaulty as faulty:
            faults = faulty.errors
        assert all(fault.line and fault.column for fault in faults)
        assert json.dumps([fault.document() for fault in faults], ensure_ascii=False).encode()


@settings(max_examples=rounds(200, 5000), deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_faulty(content: bytes) -> None:
    only_faults(content)


@settings(max_examples=rounds(200, 5000), deadline=None)
@given(TREES)
def test_any_data_is_read_or_faulty(data: Any) -> None:
    only_faults(json.dumps(data).encode())


@settings(max_examples=rounds(100, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_document_with_something_else_in_it_is_read_or_faulty(data: st.DataObject) -> None:
    """A good document, of which one value, anywhere, is another."""
    tree = json.loads(variant(1, 3))
    node: Any = tree
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            node[key] = data.draw(TREES)
            break
        node = node[key]
    only_faults(json.dumps(tree).encode())


@settings(max_examples=rounds(50, 2000), deadline=None)
@given(st.integers(0, 2**31), st.binary(min_size=1, max_size=4))
def test_a_real_document_with_other_bytes_in_it_is_read_or_faulty(place: int, content: bytes) -> None:
    original = SEED[0].read_bytes()[:4000]
    place %= len(original)
    only_faults(original[:place] + content + original[place + len(content) :])


# -- publish, replay, revise, retract, restart ----------------------------------------------------------------------------------


class Publishing(RuleBasedStateMachine):
    """The service against a model of it: a number per source, or None where it is retracted."""

    new_database: NewDatabase
    steps = 0

    @initialize()
    def begin(self) -> None:
        """A database with the words that all refer to."""
        self.database: Database = self.new_database()
        publish(self.database, words())
        with self.database.write() as connection:
            self.token = issue(connection, "machine", ["publish", "retract"], None)
        self.client = self.start()
        self.model: dict[int, int | None] = {}
        self.receipts: dict[str, tuple[bytes, bytes]] = {}
        self.revision = 1

    def start(self) -> TestClient:
        """The service, just started; it closes its connections when it is left."""
        client = serving(self.database).__enter__()
        client.headers |= {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return client

    def content(self, source: int, number: int) -> bytes:
        """A document of one of some sources."""
        found = variant(number, 2)
        for name in ("news", "any-chips", "acme"):
            found = found.replace(f'"{name}"'.encode(), f'"{name}-{source}"'.encode())
        return found

    @rule(source=st.integers(0, 2), number=st.integers(0, 3), seen=st.booleans())
    def publish(self, source: int, number: int, seen: bool) -> None:  # noqa: FBT001  hypothesis passes it
        """Publish or revise, with or without having looked."""
        Publishing.steps += 1
        key, content = f"key-{Publishing.steps}", self.content(source, number)
        headers = {"Idempotency-Key": key}
        there = self.client.get(f"/v1/sources/news-{source}")
        if seen and there.status_code == 200:
            headers["If-Match"] = there.headers["etag"]
        answer = self.client.post("/v1/publications", content=content, headers=headers)
        if self.model.get(source) == number:
            assert answer.status_code == 200
        elif source in self.model and not seen:
            assert answer.status_code == 428
            return
        else:
            assert answer.status_code == 201, answer.text
            self.revision += 1
            self.model[source] = number
        self.receipts[key] = (content, answer.content)

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Send again what was sent before, or something else under its key."""
        Publishing.steps += 1
        if not self.receipts:
            return
        key = data.draw(st.sampled_from(sorted(self.receipts)))
        content, receipt = self.receipts[key]
        again = self.client.post("/v1/publications", content=content, headers={"Idempotency-Key": key})
        assert again.content == receipt
        other = self.client.post("/v1/publications", content=content + b" ", headers={"Idempotency-Key": key})
        assert other.status_code == 422

    @rule(source=st.integers(0, 2))
    def retract(self, source: int) -> None:
        """Retract, also what is not there or was retracted already."""
        Publishing.steps += 1
        answer = self.client.delete(f"/v1/sources/news-{source}")
        assert answer.status_code == (200 if source in self.model else 404)
        if self.model.get(source) is not None:
            self.revision += 1
            self.model[source] = None

    @rule()
    def restart(self) -> None:
        """Stop the service and start it anew."""
        Publishing.steps += 1
        self.client.__exit__()
        self.client = self.start()

    def teardown(self) -> None:
        """Away with its database."""
        if hasattr(self, "client"):
            self.client.__exit__()
        if hasattr(self, "database"):
            discard(self.database)

    @invariant()
    def agrees(self) -> None:
        """What is served is what the model says."""
        served = {row["source"]: row["value"] for row in rows(self.client, "/v1/observations")}
        assert served == {f"news-{source}": number + 1 for source, number in self.model.items() if number is not None}
        assert self.client.get("/v1").json()["meta"]["revision"] == self.revision


def test_the_service_does_as_its_model(new_database: NewDatabase, note: Note) -> None:
    Publishing.new_database, Publishing.steps = staticmethod(new_database), 0
    quiet = settings(
        max_examples=rounds(4, 170), stateful_step_count=rounds(20, 40), deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Publishing, settings=quiet)
    note(f"publish, replay, revise, retract, restart on {_dialect(new_database)}", f"{Publishing.steps} steps as the model")


def _dialect(new_database: NewDatabase) -> str:
    return new_database().engine.dialect.name


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
