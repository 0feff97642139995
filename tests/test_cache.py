"""What caches may rely on: entity tags, encodings, conditional requests, and answers that are never older than a commit."""

import gzip
import threading
from functools import partial

import brotli
import pytest
import zstandard
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from app.api.middleware.response_cache import ENCODINGS, ResponseCache
from app.db.database import Database
from app.publishing.revisions import publish
from tests.conftest import rows, serving
from tests.documents import article, vocabulary, written

DECODE = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}
PATHS = [
    "/v1/observations",
    "/v1/zones/caohejing",
    "/v1/regions/310104/profile",
    "/v1/search?q=xuhui",
    "/v1/relations?format=csv",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_representation_has_a_strong_tag_and_is_not_sent_twice(seed_client: TestClient, path: str) -> None:
    first = seed_client.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["last-modified"].endswith("GMT")
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert {"Accept", "Accept-Language", "Accept-Encoding"} <= set(first.headers["vary"].split(", "))
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = seed_client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["last-modified"] == first.headers["last-modified"]
        assert "content-length" not in again.headers
    for unknown in ('"other"', tag[:-1], f'"x{tag[1:]}', tag.strip('"'), f"w/{tag}"):
        assert seed_client.get(path, headers={"If-None-Match": unknown}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_date_says_too_what_the_client_has(seed_client: TestClient, path: str) -> None:
    first = seed_client.get(path)
    date = first.headers["last-modified"]
    for given in ({"If-Modified-Since": date}, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}):
        for fresh in ("", f"{'&' if '?' in path else '?'}lang=en"):  # kept, and made for this request
            again = seed_client.get(path + fresh, headers=given)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["last-modified"] == date
    for given in (
        {"If-Modified-Since": "Fri, 01 Jan 2010 00:00:00 GMT"},
        {"If-Modified-Since": "2100-01-01"},
        {"If-Modified-Since": date, "If-None-Match": '"other"'},  # which wins
    ):
        assert seed_client.get(path, headers=given).status_code == 200


@pytest.mark.parametrize("path", [*PATHS, "/v1/observations?limit=all&format=csv", "/sdmx/3.0/structure/codelist", "/catalog"])
@pytest.mark.parametrize("where", ["from the application", "from the cache"])
def test_a_date_will_do_as_well(seed_client: TestClient, path: str, where: str) -> None:
    first = seed_client.get(path, headers={"Accept-Encoding": "identity"})
    known, tag = first.headers["last-modified"], first.headers["etag"]
    address = (
        path if where == "from the cache" else path + ("&" if "?" in path else "?") + "lang=en" * (not path.startswith("/sdmx"))
    )
    before = "Fri, 29 Mar 2024 10:00:00 GMT"
    get = partial(seed_client.get, address)
    assert get(headers={"If-Modified-Since": known, "Accept-Encoding": "identity"}).status_code == 304
    assert get(headers={"If-Modified-Since": before}).status_code == 200
    assert get(headers={"If-Modified-Since": "yesterday"}).status_code == 200
    assert get(headers={"If-Modified-Since": known, "If-None-Match": '"other"'}).status_code == 200
    if where == "from the cache":
        assert get(headers={"If-Modified-Since": before, "If-None-Match": tag, "Accept-Encoding": "identity"}).status_code == 304


@pytest.mark.parametrize("path", PATHS)
def test_a_tag_is_compared_as_a_whole_and_never_repeated(seed_client: TestClient, path: str) -> None:
    tag = seed_client.get(path, headers={"Accept-Encoding": "identity"}).headers["etag"]
    for other in (f'"{tag[1:-1]}-evil"', f'"evil{tag[1:-1]}"', f'"a{tag}b"', tag[1:-1], tag.upper().replace("W/", "")):
        if other != tag:
            answer = seed_client.get(path, headers={"If-None-Match": other, "Accept-Encoding": "identity"})
            assert (answer.status_code, answer.headers["etag"]) == (200, tag)


@pytest.mark.parametrize("headers", [{"If-None-Match": "*"}, {"If-Modified-Since": "Fri, 29 Mar 2999 10:00:00 GMT"}])
def test_what_is_not_there_is_not_unchanged(seed_client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/v1/zones/nowhere", "/v1/regions/1/profile", "/v1/observations/x/citation", "/v1/export/x.csv"):
        assert seed_client.get(path, headers=headers).status_code == 404
    assert seed_client.get("/v1/observations?as_of=999", headers=headers).status_code == 422


def test_each_representation_has_its_own_tag(seed_client: TestClient) -> None:
    requests = [
        ("/v1/zones", {}),
        ("/v1/zones?lang=zh", {}),
        ("/v1/zones", {"Accept-Language": "zh"}),
        ("/v1/zones?format=csv", {}),
        ("/v1/zones", {"Accept": "text/csv"}),
        ("/v1/zones?limit=3", {}),
        *(("/v1/zones", {"Accept-Encoding": name.decode()}) for name in ENCODINGS),
    ]
    tags = [
        seed_client.get(path, headers={"Accept-Encoding": "identity"} | headers).headers["etag"] for path, headers in requests
    ]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("name", DECODE)
def test_answers_are_compressed_as_the_client_wishes(seed_client: TestClient, name: str) -> None:
    plain = seed_client.get("/v1/observations", headers={"Accept-Encoding": "identity"})
    with seed_client.stream("GET", "/v1/observations", headers={"Accept-Encoding": f"{name}, other;q=0.5"}) as packed:
        assert packed.headers["content-encoding"] == name
        body = b"".join(packed.iter_raw())
    assert len(body) < len(plain.content) / 4
    assert DECODE[name](body) == plain.content


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("zstd;q=0, br;q=0.0", None),
        ("", None),
        ("deflate", None),
    ],
)
def test_the_encoding_is_one_that_is_accepted(seed_client: TestClient, accepted: str, chosen: str | None) -> None:
    answer = seed_client.get("/v1/observations", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == chosen


def test_a_tag_holds_without_the_cache(database: Database) -> None:
    """Also where the answer is not in memory, as after a restart."""
    publish(database, written(vocabulary()))
    tag = serving(database).get("/v1/regions").headers["etag"]
    other = serving(database)
    assert other.get("/v1/regions", headers={"If-None-Match": tag}).status_code == 304
    publish(database, written(article()))
    assert serving(database).get("/v1/regions", headers={"If-None-Match": tag}).status_code == 200


def test_no_answer_is_older_than_a_commit(database: Database) -> None:
    publish(database, written(vocabulary()))
    client = serving(database)
    data = article()
    for value in range(300, 340):
        data["observations"][0] |= {"value": value, "cite": {"line": 2, "text": f"近{value}家"}}
        publish(database, written(data))
        for _ in range(3):
            assert rows(client, "/v1/observations", id="news.chip-companies")[0]["value"] == value


async def unchanged() -> object:
    """The version of data that never change."""
    return 1


def test_answers_are_kept_up_to_a_limit() -> None:
    """The least used go first; what is larger than a share of the limit is not kept at all."""
    made: list[str] = []

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        made.append(scope["path"])
        size = 10_000 if scope["path"] == "/large" else 100
        await Response(b"x" * size, headers={"ETag": '"1"'})(scope, _receive, send)

    client = TestClient(ResponseCache(application, version=unchanged, max_bytes=56_000), headers={"Accept-Encoding": "identity"})
    for path in ("/first", "/second", "/first", "/large", "/large", *(f"/{number}" for number in range(17)), "/first", "/16"):
        assert client.get(path).status_code == 200
    counts = {path: made.count(path) for path in ("/first", "/second", "/large", "/16")}
    assert counts == {"/first": 1, "/second": 1, "/large": 2, "/16": 1}
    client.get("/second")
    assert made.count("/second") == 2


def test_a_large_body_goes_piece_by_piece_and_is_counted() -> None:
    """So that a client which does not read holds one piece in the server's buffers, and is known to hold the rest."""
    body, seen = bytes(range(256)) * 4000, []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, headers={"ETag": '"1"'} if scope["path"] == "/kept" else {})(scope, receive, send)

    cache = ResponseCache(application, version=unchanged, max_bytes=2**26)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            seen.append((len(message.get("body", b"")), cache.unsent.total))
            await send(message)

        await cache(scope, receive, sending)

    client = TestClient(watched, headers={"Accept-Encoding": "identity"})
    for path in ("/kept", "/kept", "/other"):
        seen.clear()
        assert client.get(path).content == body
        assert max(size for size, _ in seen) == 2**18
        assert {count for size, count in seen if size} == {len(body)}
    assert cache.unsent.total == 0


def test_many_clients_at_once(seed_client: TestClient) -> None:
    bodies: set[bytes] = set()

    def ask() -> None:
        for _ in range(10):
            bodies.add(seed_client.get("/v1/clusters").content)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 1
