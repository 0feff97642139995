"""What one document may cost, refused or accepted, and what others notice of it meanwhile."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import insert

from app.auth.tokens import issue
from app.limits import MAX_BODY
from app.publishing.revisions import publish
from tests.conftest import migrated
from tests.documents import Data, article, vocabulary, written
from tests.server import Running, running
from tests.torture import LONG, rounds
from tests.torture.figures import Note

SIZE = MAX_BODY - 2**10
MB = 2**20
ENTITIES = 100_000
TICKS = os.sysconf("SC_CLK_TCK")

REFUSED_MB = 50
REFUSED_SECONDS = 3.0
ACCEPTED = 60
"""Bytes of memory for each byte of a document."""
P99_MS, WORST_MS = 50, 150


# -- bodies ---------------------------------------------------------------------------------------------------------------------


def around(open_: bytes, item: Callable[[int], bytes], close: bytes, between: bytes = b",", size: int = SIZE) -> bytes:
    """As many items as there is room for."""
    items, left, number = [], size - len(open_) - len(close), 0
    while (left := left - len(made := item(number)) - len(between)) > 0:
        items.append(made)
        number += 1
    return open_ + between.join(items) + close


def head(data: Data) -> bytes:
    """The beginning of a document as JSON, up to its observations."""
    kept = {name: value for name, value in data.items() if name not in ("observations", "relations", "designations")}
    return json.dumps(kept, ensure_ascii=False).encode()[:-1] + b',"observations":['


def fact(number: int, indicator: str = "companies", subject: str = "990100", value: str = "1") -> bytes:
    """An observation in as few bytes as it takes."""
    names = f'"key":"k{number}","indicator":"{indicator}","subject":"{subject}"'
    return f'{{{names},"value":{value},"cite":{{"line":1,"text":"1"}}}}'.encode()


def good(size: int = SIZE) -> bytes:
    """The document with the most facts of this size."""
    return around(head(article()), fact, b"]}", size=size)


def as_yaml(size: int, last: str = "") -> bytes:
    """The same in YAML."""
    one = '- key: k{0}\n  indicator: companies\n  subject: "990100"\n  value: 1\n  cite: {{line: 1, text: "1"}}\n'
    beginning = "\n".join(f"{name}: {json.dumps(value)}" for name, value in article().items() if name != "observations")
    return around(f"{beginning}\nobservations:\n".encode(), lambda number: one.format(number).encode(), last.encode(), b"", size)


def with_source(member: str, value: bytes) -> bytes:
    """A document whose source has something large in it."""
    data = article()
    source = json.dumps(data.pop("source"), ensure_ascii=False).encode()[:-1]
    return b'{"format":"regional-indicators/1","source":' + source + b',"' + member.encode() + b'":' + value + b"}}"


REFUSED: dict[str, Callable[[], bytes]] = {
    "[1,1,…": lambda: around(b"[", lambda _: b"1", b"]"),
    "a section of numbers": lambda: around(b'{"observations":[', lambda _: b"1", b"]}"),
    "a list in a section": lambda: around(b'{"observations":[[', lambda _: b"[]", b"]]}"),
    "an unknown list": lambda: around(b'{"x":[', lambda _: b"{}", b"]}"),
    "unknown members": lambda: around(b"{", lambda number: b'"k%d":1' % number, b"}"),
    "one member again and again": lambda: around(b"{", lambda _: b'"observations":[]', b"}"),
    "observations of nothing": lambda: around(head(article()), lambda _: b"{}", b"]}"),
    "unknown keys in each": lambda: around(head(article()), lambda number: b'{"a%d":1,"b":2}' % number, b"]}"),
    "deep": lambda: b"[" * SIZE,
    "deep in an item": lambda: b'{"observations":[' + b"[" * SIZE,
    "deep and closed": lambda: b'{"observations":[' + b"[" * (SIZE // 2) + b"]" * (SIZE // 2) + b"]}",
    "deep mappings": lambda: b'{"a":' * (SIZE // 5),
    "one text": lambda: b'{"format":"' + b"x" * SIZE + b'"}',
    "one text in YAML": lambda: b"format: " + b"x" * SIZE,
    "one number": lambda: b'{"format":' + b"9" * SIZE + b"}",
    "a huge key": lambda: b'{"' + b"x" * SIZE + b'":1}',
    "escapes": lambda: b'{"format":"' + rb"\u4e2d" * (SIZE // 6) + b'"}',
    "half surrogates": lambda: around(head(article()), lambda _: rb'"\ud800"', b"]}"),
    "comments": lambda: b"#\n" * (SIZE // 2),
    "one comment": lambda: b"#" * SIZE,
    "spaces": lambda: b" " * SIZE,
    "empty lines": lambda: b"\r\n" * (SIZE // 2),
    "many documents": lambda: b"--- 1\n" * (SIZE // 6),
    "aliases": lambda: around(b"a: &a [1]\nb: [", lambda _: b"*a", b"]"),
    "merge keys": lambda: around(b"observations:\n", lambda _: b"- {<<: {a: 1}}", b"", b"\n"),
    "tags": lambda: around(b"observations:\n", lambda _: b"- !!str a", b"", b"\n"),
    "nested sequences": lambda: b"- " * (SIZE // 2),
    "complex keys": lambda: b"? " * (SIZE // 2),
    "not UTF-8 at its end": lambda: b"#" * SIZE + b"\xff",
    "wide characters": lambda: b'{"format":"' + "😀".encode() * (SIZE // 4) + b'"}',
    "a source of speakers": lambda: with_source("speakers_", around(b"[", lambda _: b"1", b"]", size=SIZE // 2)),
    "as many speakers as a part may have": lambda: with_source("speakers", around(b"[", lambda _: b"1", b"]", size=100_000)),
    "as many keys as a part may have": lambda: with_source("x", around(b"{", lambda n: b'"k%d":1' % n, b"}", size=100_000)),
    "good, but for its end": lambda: good()[:-2],
    "good, but for its last fact": lambda: good(SIZE - 200)[:-2] + b"," + fact(-1, value='"1"') + b"]}",
    "good, but for its last reference": lambda: good(SIZE - 200)[:-2] + b"," + fact(10**6, subject="syn-00777x") + b"]}",
    "good YAML, but for its end": lambda: as_yaml(SIZE, "- {"),
    "the most YAML, but for its end": lambda: as_yaml(1_600_000, "- {"),
    "the most YAML, but for its last reference": lambda: as_yaml(
        2_150_000, '- {key: z, indicator: companis, subject: "990100", value: 1, cite: {line: 1, text: "1"}}\n'
    ),
    "400 unknown references": lambda: around(
        head(article()), lambda number: fact(number, f"compnies-{number}", f"syn-{number}x"), b"]}", size=50_000
    ),
    "nothing but unknown references": lambda: around(
        head(article()), lambda number: fact(number, f"compnies-{number}", f"syn-{number:06d}x"), b"]}"
    ),
    "a chain of parents": lambda: around(
        b'{"format":"regional-indicators/1","zones":[',
        lambda number: (
            b'{"id":"z%d","name":{"en":"a","zh":"a"},"name_basis":"literal","type":"functional_zone","parent":"z%d"}'
            % (number, number + 1)
        ),
        b"]}",
    ),
}


# -- what it costs --------------------------------------------------------------------------------------------------------------


@dataclass
class Cost:
    """What the service took meanwhile."""

    megabytes: float = 0
    seconds: float = 0


class Measure:
    """The service and its children, from now on."""

    def __init__(self, server: Running) -> None:
        self._server = server
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak of resident memory begins anew
        self._idle, self._used, self._most = self._rss("VmRSS"), self._cpu(), 0
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look)
        self._looking.start()

    def cost(self) -> Cost:
        """What it took until now, at most."""
        self._over.set()
        self._looking.join()
        return Cost((max(self._most, self._rss("VmHWM")) - self._idle) / 1024, self._cpu() - self._used)

    def _look(self) -> None:
        """Look at the peaks again and again: children end before we can ask."""
        while not self._over.wait(0.05):
            self._most = max(self._most, self._rss("VmHWM"))

    def _pids(self) -> list[int]:
        pid = self._server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _rss(self, name: str) -> int:
        found = 0
        for pid in self._pids():
            with suppress(FileNotFoundError, ProcessLookupError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                found += sum(int(line.split()[1]) for line in lines if line.startswith(name))
        return found

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICKS


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Running, dict[str, str]]]:
    """The service over very many entities, and the headers of a publication."""
    url = f"sqlite:///{tmp_path}/indicators.db"
    publish(database := migrated(url), written(vocabulary()))
    with database.write() as connection:
        token = issue(connection, "test", ["publish", "admin"], None)
        nothing: dict[str, Any] = dict.fromkeys(
            ("status", "scheme", "region", "parent", "name_as_written", "since", "summary_en", "summary_zh", "line")
        )
        connection.execute(
            insert(database_table("entity")),
            [
                {"id": f"syn-{number:06d}", "kind": "zone", "type": "zone", "name_basis": "literal", "name_en": "a",
                 "name_zh": "a", "aliases": "", "source": "words", "revision": 1, "retired": False, **nothing}
                for number in range(ENTITIES)
            ],
        )  # fmt: skip
    database.close()
    with running(url, tmp_path) as server:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/yaml", "Idempotency-Key": "first"}
        for size in (2000, 200_000):  # what is made once is made now
            answer = httpx.post(server.url + "/v1/publications", content=good(size)[:-3], headers=headers, timeout=60)
            assert answer.status_code == 400
        yield server, headers


def database_table(name: str) -> Any:
    """A table of the service."""
    from sqlmodel import SQLModel  # noqa: PLC0415

    return SQLModel.metadata.tables[name]


class Health:
    """Somebody who asks whether the service is alive, a hundred times a second."""

    def __init__(self, server: Running) -> None:
        self.milliseconds: list[float] = []
        self._url, self._stop = server.url + "/healthz", threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.milliseconds.sort()

    def _ask(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._stop.wait(0.01):
                start = time.perf_counter()
                assert client.get(self._url).status_code == 200
                self.milliseconds.append((time.perf_counter() - start) * 1000)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.milliseconds[int(len(self.milliseconds) * 0.99)]

    def __str__(self) -> str:
        return f"p99 {self.p99:.0f} ms, worst {self.milliseconds[-1]:.0f} ms"


def test_what_is_refused_costs_little(service: tuple[Running, dict[str, str]], note: Note) -> None:
    server, headers = service
    costs: dict[str, Cost] = {}
    for number, (name, make) in enumerate(list(REFUSED.items())[:: rounds(5, 1)]):
        content = make()
        assert len(content) <= MAX_BODY, name
        with httpx.Client(timeout=300) as client:
            measure = Measure(server)
            named = {**headers, "Idempotency-Key": f"refused-{number}"}
            answer = client.post(server.url + "/v1/publications", content=content, headers=named)
            costs[name] = measure.cost()
        assert answer.status_code in (400, 422), (name, answer.status_code, answer.text[:300])
        assert len(answer.json()["errors"]) <= 20, name
        assert len(answer.content) < 100_000, name
        if os.environ.get("TORTURE_SHOW"):
            print(name, answer.status_code, costs[name], answer.text[:250])  # noqa: T201
    most, longest = (max(costs, key=lambda name: getattr(costs[name], what)) for what in ("megabytes", "seconds"))
    found = f"at most {costs[most].megabytes:.0f} MB ({most}) and {costs[longest].seconds:.1f} s of one core ({longest})"
    note(f"{len(costs)} kinds of documents of 8 MiB that are refused", found)
    assert costs[most].megabytes <= REFUSED_MB, {name: cost for name, cost in costs.items() if cost.megabytes > REFUSED_MB}
    assert not LONG or costs[longest].seconds <= REFUSED_SECONDS, {
        name: c for name, c in costs.items() if c.seconds > REFUSED_SECONDS
    }


def test_what_is_accepted_costs_so_much_and_holds_nobody(service: tuple[Running, dict[str, str]], note: Note) -> None:
    server, headers = service
    content = good(rounds(SIZE // 8, SIZE))
    with httpx.Client(timeout=600) as client, Health(server) as health:
        measure = Measure(server)
        answer = client.post(server.url + "/v1/publications", content=content, headers=headers)
        cost = measure.cost()
    assert answer.status_code == 201, answer.text
    times = cost.megabytes * MB / len(content)
    size = f"{len(content) / MB:.1f} MiB"
    note(f"a document of {size} that is accepted", f"{times:.0f} × its bytes, {cost.seconds:.0f} s; /healthz meanwhile {health}")
    with httpx.Client(timeout=600) as client, Health(server) as rendering:
        address = f"{server.url}/v1/revisions/{answer.json()['data']['id']}/document?format=json"
        rendered = client.get(address)
    assert rendered.json() == json.loads(content)
    note(f"the same as canonical JSON ({size})", f"/healthz meanwhile {rendering}")
    assert times <= ACCEPTED
    assert not LONG or max(health.p99, rendering.p99) <= P99_MS  # the short form runs beside other tests
    assert not LONG or max(health.milliseconds[-1], rendering.milliseconds[-1]) <= WORST_MS


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
