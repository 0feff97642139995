"""Several requests on a connection, and requests that could be read in two ways: each is answered once, in order, or refused."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.api.middleware.header_fields import LISTS, fields_of, join_fields
from tests.conftest import migrated, seeded
from tests.documents import vocabulary, written
from tests.server import Running, heard, issued, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service over the seed."""
    folder = tmp_path_factory.mktemp("connections")
    url = f"sqlite:///{folder}/indicators.db"
    seeded(migrated(url)).engine.dispose()
    with running(url, folder, before="import app.http1 as p; p.HEAD_SECONDS = p.SILENT_SECONDS = p.CHECK_SECONDS = 0.4") as found:
        yield found


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    """A token that may publish."""
    return issued(f"sqlite:///{server.log.parent}/indicators.db", "publish")


LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def request(target: bytes = b"/healthz", *lines: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """A request, with the Host x unless the lines have one."""
    host = () if any(line.lower().startswith(b"host:") for line in lines) else (b"Host: x",)
    return b"\r\n".join([method + b" " + target + b" HTTP/" + version, *host, *lines, b"", b""])


def statuses(answer: bytes) -> list[int]:
    """The statuses of all answers on a connection."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def detail(answer: bytes) -> str:
    """The detail of the problem that a connection ended with."""
    return str(json.loads(answer.rpartition(b"\r\n\r\n")[2])["detail"])


CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    "bad",
    [
        request(b"/healthz", b"Host: a", b"Host: b", version=b"1.0"),
        request(b"/healthz", CHUNKED, method=b"POST", version=b"1.0") + b"0\r\n\r\n",
        request(b"/healthz", b"Transfer-Encoding: gzip, chunked", method=b"POST") + b"0\r\n\r\n",
        request(b"/healthz", b"Transfer-Encoding: identity", method=b"POST"),
        request(b"/healthz", CHUNKED, CHUNKED, method=b"POST") + b"0\r\n\r\n",
        request(b"http://other/healthz"),
        request(b"http://user@x/healthz"),
        request(b"http://x@other/healthz"),
        request(b"ftp://x/healthz"),
        request(b"x:80", method=b"CONNECT"),
        request(b"/healthz#fragment"),
        request(b"/healthz", version=b"2.0"),
        request(b"/healthz?q=a b"),
        request(b"/healthz", b"X: a", b" folded"),
        b"GARBAGE\r\n\r\n",
    ],
)
def test_a_bad_request_is_refused_after_the_answers_before_it(server: Running, bad: bytes) -> None:
    assert statuses(server.say(bad + LAST)) == [400]
    answer = server.say(request() * 2 + bad + LAST)
    assert statuses(answer) == [200, 200, 400]
    assert b"connection: close" in answer.rpartition(b"HTTP/1.1 400")[2].lower()


@pytest.mark.parametrize("host", [b"x:80@evil", b"x/y", b"x y", b"", b"x:port", b"x,y", b"user@x", "徐汇".encode(), b"x:123456"])
def test_a_host_is_a_name_and_a_port(server: Running, host: bytes) -> None:
    assert statuses(server.say(request(b"/healthz", b"Host: " + host) + LAST))[0] == 400


@pytest.mark.parametrize("host", [b"x", b"X:80", b"127.0.0.1:8000", b"[::1]:8000", b"my_service.internal", b"xn--80ak6aa92e.com"])
def test_hosts_are_taken_as_they_are_written(server: Running, host: bytes) -> None:
    assert statuses(server.say(request(b"/healthz", b"Host: " + host) + LAST)) == [200, 200]


@pytest.mark.parametrize(
    "target", [b"http://x/healthz", b"HTTP://X:80/healthz", b"https://x/healthz?", b"http://x?unknown=1", b"/healthz"]
)
def test_the_absolute_form_is_the_path_of_this_host(server: Running, target: bytes) -> None:
    assert statuses(server.say(request(target) + LAST)) in ([200, 200], [307, 200])


def test_the_server_as_a_whole_has_options(server: Running) -> None:
    answer = server.say(request(b"*", method=b"OPTIONS") + LAST)
    assert statuses(answer) == [204, 200]
    assert b"allow: DELETE, GET, HEAD, OPTIONS, POST\r\n" in answer


def test_an_address_in_raw_utf8_is_answered_with_the_encoded_one(server: Running) -> None:
    for before in (b"", request()):
        answer = server.say(before + request("/v1/zones?q=徐汇&lang=zh".encode()) + LAST)
        assert statuses(answer)[-1] == 400
        assert "/v1/zones?q=%E5%BE%90%E6%B1%87&lang=zh" in detail(answer)
    token = b"ria_" + b"a" * 46
    for encoded in (token, token.replace(b"_", b"%5f")):
        answer = server.say(request("/v1/zones?q=徐汇&k=".encode() + encoded))
        assert "revoke it" in detail(answer)
        assert b"a" * 46 not in answer
    assert "/v1/zones?q=a%20b" in detail(server.say(request(b"/v1/zones?q=a b")))


def test_other_protocols_are_not_spoken_and_change_nothing(server: Running, token: str) -> None:
    upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
    assert statuses(server.say(request(b"/healthz", *upgrade) + LAST)) == [200, 200]
    posted = request(b"/v1/none", *upgrade, b"Content-Length: 3", method=b"POST") + b"abc"
    assert statuses(server.say(posted + LAST)) == [404, 200]
    document = written({**vocabulary(), "indicators": []})
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: upgraded", b"Content-Type: application/yaml"]
    length = b"Content-Length: %d" % len(document)
    sent = request(b"/v1/publications?dry_run=true", *upgrade, *lines, length, method=b"POST") + document
    assert statuses(server.say(sent + LAST)) == [200, 200]
    assert statuses(server.say(request(b"/v1/none", *upgrade, CHUNKED, method=b"POST") + b"0\r\n\r\n" + LAST)) == [400]


def test_the_body_of_an_upgrade_is_no_request(server: Running, token: str) -> None:
    upgrade = (b"Connection: upgrade", b"Upgrade: x")
    second = request(b"/healthz", *upgrade)
    smuggled = b"DELETE /v1/sources/thepaper-20240329-xuhui HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
    for filling in range(0, 2 * len(second), 7):
        body = b"." * filling + smuggled + token.encode() + b"\r\n\r\n"
        first = request(b"/v1/none", *upgrade, b"Content-Length: %d" % len(body), method=b"POST") + body
        assert statuses(server.say(first + second + LAST)) == [404, 200, 200]


def test_trailers_are_no_headers(server: Running, token: str) -> None:
    named = b"Idempotency-Key: trailers\r\nContent-Type: application/yaml"
    chunks = b"1\r\nx\r\n0\r\n"
    trailers = b"Authorization: Bearer " + token.encode() + b"\r\nHost: evil\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    answer = server.say(request(b"/v1/publications", CHUNKED, named, method=b"POST") + chunks + trailers + LAST)
    assert statuses(answer)[0] == 401
    authorised = b"Authorization: Bearer " + token.encode()
    sent = request(b"/v1/publications", CHUNKED, authorised, named, method=b"POST") + chunks + b"Host: evil\r\n\r\n"
    answers = server.say(sent + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")  # which has no Host of its own
    assert statuses(answers)[0] in (400, 422)
    assert "one Host header" in detail(answers)


def test_a_publication_is_answered_although_what_follows_is_bad(server: Running, token: str) -> None:
    document = written({**vocabulary(), "indicators": []})
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: followed", b"Content-Type: application/yaml"]
    sent = request(b"/v1/publications", *lines, b"Content-Length: %d" % len(document), method=b"POST") + document
    answer = server.say(sent + b"\0\0\0\r\n\r\n")
    assert statuses(answer) == [201, 400]
    assert statuses(server.say(sent + LAST)) == [201, 200]


def test_a_body_that_breaks_off_badly_is_refused_once(server: Running, token: str) -> None:
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: broken", b"Content-Type: application/yaml", CHUNKED]
    answer = server.say(request(b"/v1/publications", *lines, method=b"POST") + b"3\r\nabc\r\nxyz\r\n" + LAST)
    assert statuses(answer) == [400]
    answer = server.say(request() + request(b"/v1/publications", *lines, method=b"POST") + b"3\r\nabc\r\nxyz\r\n" + LAST)
    assert statuses(answer) == [200, 400]


def test_many_requests_in_one_piece_are_all_answered(server: Running) -> None:
    answers = server.say(request(b"/v1/zones?limit=1") * 1000 + LAST)
    assert statuses(answers) == [200] * 1001


def test_a_large_body_that_is_not_wanted_is_not_read(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(request(b"/v1/publications", b"Content-Length: 8000000", method=b"POST"))
        answer = heard(connection)
    assert statuses(answer) == [401]
    assert b"connection: close" in answer.lower()
    assert statuses(server.say(request(b"/v1/none", b"Content-Length: 3", method=b"POST") + b"abc" + LAST)) == [404, 200]


@pytest.mark.parametrize("nothing", [b"\r\n", b"\r\n\r\n\r\n"])
def test_empty_lines_stop_no_timer(server: Running, nothing: bytes) -> None:
    assert statuses(server.say(nothing)) == [408]
    with running_impatiently(server) as other:
        assert statuses(other.say(request() + nothing)) == [200]  # and closed when it was idle for long enough


def running_impatiently(server: Running) -> AbstractContextManager[Running]:
    """The same service, which keeps idle connections for a second."""
    url = f"sqlite:///{server.log.parent}/indicators.db"
    return running(url, server.log.parent, before="import app.server as s; s.IDLE_SECONDS = 1")


@pytest.mark.parametrize(
    "extra",
    [
        b"1\r\nx\r\n" * 9000 + b"0\r\n" + b"X: y\r\n" * 20_000,
        b"1;" + b"x" * 100_000,
        b"0\r\nX: " + b"y" * 100_000,
        b"0\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_trailers_and_extensions_are_bounded(server: Running, token: str, extra: bytes) -> None:
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: k", b"Content-Type: application/yaml", CHUNKED]
    with server.connect() as connection:
        try:
            connection.sendall(request(b"/v1/publications", *lines, method=b"POST") + extra)
        except OSError:
            return  # closed in the middle
        assert statuses(heard(connection)) in ([431], [400])


def test_small_chunks_are_no_excess(server: Running, token: str) -> None:
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: small", b"Content-Type: application/yaml", CHUNKED]
    sent = request(b"/v1/publications", *lines, method=b"POST") + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"
    assert statuses(server.say(sent + LAST))[0] in (400, 422)
    assert statuses(server.say(sent + LAST))[-1] == 200


def test_every_request_of_a_connection_ends_with_it(server: Running) -> None:
    """Also those that are not the newest: their answers would be made for nobody."""
    with httpx.Client(base_url=server.url) as client:
        with server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(request(b"/v1/observations?limit=1000") * 400)
            while "indicators_requests_in_flight 1.0" in client.get("/metrics").text:
                pass
        for _ in range(1000):
            if "indicators_requests_in_flight 1.0" in client.get("/metrics").text:
                return
    raise AssertionError("they go on")


def test_a_client_that_does_not_take_its_answer_is_cut_off(server: Running) -> None:
    url = f"sqlite:///{server.log.parent}/indicators.db"
    haste = "import app.http1 as p; p.STALL_SECONDS = 1; p.CHECK_SECONDS = 0.2"
    with running(url, server.log.parent, before=haste) as other, other.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(request(b"/v1/observations?limit=1000") * 200)
        answers = 0
        with httpx.Client(base_url=other.url) as client:
            while "indicators_requests_in_flight 2.0" in client.get("/metrics").text and answers < 1000:
                answers += 1
        assert answers < 1000


def test_a_long_upload_that_is_fast_enough_is_taken(server: Running, token: str) -> None:
    url = f"sqlite:///{server.log.parent}/indicators.db"
    haste = "import app.http1 as p; p.HEAD_SECONDS = 0.3; p.CHECK_SECONDS = 0.1; p.BODY_RATE = 20000"
    lines = [b"Authorization: Bearer " + token.encode(), b"Idempotency-Key: long", b"Content-Type: application/yaml"]
    with running(url, server.log.parent, before=haste) as other, other.connect() as connection:
        connection.sendall(request(b"/v1/publications", *lines, b"Content-Length: 33000", method=b"POST"))
        connection.settimeout(0.1)
        for _ in range(10):
            connection.sendall(b"#" * 3000)
            with pytest.raises(TimeoutError):
                connection.recv(1)  # 30,000 bytes a second: nobody is impatient
        connection.sendall(b"#" * 3000)
        connection.settimeout(10)
        assert statuses(connection.recv(65536))[0] in (400, 422)


ONCE = [
    b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"if-modified-since", b"if-range",
    b"origin", b"range", b"x-forwarded-proto", b"x-request-id",
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in ONCE if name not in (b"host", b"content-length")])
def test_headers_that_may_come_once_are_refused_twice(server: Running, name: bytes) -> None:
    answer = server.say(request(b"/v1/zones", name + b": a", b"X-Other: b", name.upper() + b": a", b"Connection: close"))
    assert statuses(answer) == [400]
    assert name.decode().title() in detail(answer)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Accept", "text/nothing"), ("Accept", "text/csv")], {"content-type": "text/csv; charset=utf-8; header=present"}),
        ([("Accept-Language", "de"), ("Accept-Language", "zh;q=0.9")], {"content-language": "zh"}),
        ([("Accept-Encoding", "unknown"), ("Accept-Encoding", "gzip")], {"content-encoding": "gzip"}),
    ],
)
def test_lists_in_several_lines_are_one_list_for_everybody(
    seed_client: TestClient, headers: list[tuple[str, str]], expected: Mapping[str, str]
) -> None:
    address = "/v1/observations?limit=20&fields=id,value,as_written,statement"
    plain = [("Accept", "*/*"), ("Accept-Language", "en"), ("Accept-Encoding", "identity")]
    first = seed_client.get(address, headers=plain)
    for order in (headers, headers[::-1]):
        kept = [pair for pair in plain if pair[0] != headers[0][0]]
        asked = seed_client.build_request("GET", address)
        answer = seed_client.send(type(asked)("GET", asked.url, headers=[*kept, *order]))
        assert expected.items() <= dict(answer.headers).items()
    again = seed_client.get(address, headers=plain)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


def test_a_known_tag_may_stand_in_any_line(seed_client: TestClient) -> None:
    tag = seed_client.get("/v1/zones?limit=2").headers["etag"]
    for tags in (['"other"', tag], [tag, '"other"']):
        request_ = seed_client.build_request("GET", "/v1/zones?limit=2")
        lines = [*request_.headers.multi_items(), *(("If-None-Match", each) for each in tags)]
        answer = seed_client.send(type(request_)("GET", request_.url, headers=lines))
        assert (answer.status_code, answer.headers["etag"]) == (304, tag)


NAMES = st.sampled_from([*sorted(LISTS), *ONCE, b"cookie"])
VALUES = st.binary(min_size=1, max_size=5).filter(lambda value: b"," not in value)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_every_reader_of_headers_reads_the_same(headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"type": "http", "headers": list(headers)}
    problem = join_fields(scope)
    names = [name for name, _ in headers]
    assert (problem is not None) == any(names.count(name) > 1 for name in ONCE)
    joined = scope["headers"]
    assert isinstance(joined, list)
    assert len({name for name, _ in joined}) == len(joined)
    assert dict(joined) == dict(reversed(joined)) == fields_of(scope)
    for name in set(names) & LISTS:
        assert fields_of(scope)[name].split(b", ") == [value for other, value in headers if other == name] or b", " in b"".join(
            value for other, value in headers if other == name
        )


def test_the_scheme_is_part_of_what_is_kept(server: Running) -> None:
    address = server.url + "/v1/zones?limit=3"
    for schemes in pairwise(["http", "https", "http"]):
        for scheme in schemes:
            answer = httpx.get(address, headers={"X-Forwarded-Proto": scheme})
            assert ("strict-transport-security" in answer.headers) == (scheme == "https")


def test_an_untested_server_is_refused_at_the_start(server: Running) -> None:
    command = "import uvicorn; uvicorn.__version__ = '0.38.0'; from app.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", command, "serve"], cwd=server.log.parent, capture_output=True, text=True, check=False, timeout=30
    )
    assert "uvicorn 0.38.0 is installed" in done.stderr
