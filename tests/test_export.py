"""The whole data set as files, and as a Data Package that others accept."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from app.db.database import Database
from app.db.engines import Opened
from app.domain.dataset import Dataset
from app.formats import FORMATS
from app.publishing.revisions import publish
from app.query.stream import stream
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import rows, seeded, serving
from tests.documents import article, vocabulary, written


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    """The service over the seed, with its folder for exports."""
    with serving(seeded(database)) as made:
        yield made


def test_every_resource_in_every_row_format(client: TestClient) -> None:
    body = client.get("/v1/export").json()
    assert body["meta"] == {"revision": 2}
    names = {f"{resource.name}.{format_.extension}" for resource in ALL for format_ in FORMATS if format_.streams}
    assert {file["name"] for file in body["data"]} == {*names, "regional-indicators.zip"}
    for file in body["data"]:
        answer = client.get(file["href"])
        assert (answer.status_code, len(answer.content)) == (200, file["bytes"])
        assert answer.headers["content-type"].split(";")[0] == file["media_type"]
        assert file["name"] in answer.headers["content-disposition"]


def test_a_file_has_the_rows_of_the_list(client: TestClient) -> None:
    content = client.get("/v1/export/relations.csv").content.decode()
    assert [row["id"] for row in csv.DictReader(io.StringIO(content))] == [
        row["id"] for row in rows(client, "/v1/relations", limit=1000)
    ]


def test_files_follow_publications(client: TestClient, database: Database) -> None:
    before = client.get("/v1/export/sources.ndjson").text
    assert client.get("/v1/export/sources.ndjson").text == before
    publish(database, written({**vocabulary(), "indicators": []}))
    after = client.get("/v1/export/sources.ndjson").text
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    assert client.get("/v1/export").json()["meta"] == {"revision": 3}


@pytest.mark.client("frictionless, csvw")
@pytest.mark.capability("find the Data Package and its metadata valid")
def test_the_package_passes_the_validators_of_others(client: TestClient, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get("/v1/export/regional-indicators.zip").content)) as package:
        package.extractall(tmp_path)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for module, arguments in (("frictionless", ["validate", "datapackage.json", "--json"]), ("csvw", ["csvw.json"])):
        code = {
            "frictionless": "from frictionless.__main__ import console; console()",
            "csvw": "import sys; from csvw import CSVW; c = CSVW(sys.argv[1], validate=True); sys.exit(not c.is_valid)",
        }[module]
        ran = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
        if module == "frictionless":
            report = json.loads(ran.stdout)
            assert report["valid"]
            assert report["stats"]["tasks"] == len(ALL)


def test_all_files_are_of_one_snapshot(client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody publishes while the first of them is written."""
    before = {resource.name: rows(client, f"/v1/{resource.name}", limit=1000) for resource in ALL}
    words = {**vocabulary(), "indicators": []}

    def interrupted(opened: Opened, resource: Resource, *given: Any) -> Dataset:
        found = stream(opened, resource, *given)
        if words:
            publish(database, written(words))
            words.clear()
        return found

    monkeypatch.setattr("app.api.data_package.stream", interrupted)
    package = client.get("/v1/export/regional-indicators.zip")
    assert package.headers["etag"].startswith('"2-')
    with zipfile.ZipFile(io.BytesIO(package.content)) as files:
        for name, expected in before.items():
            lines = csv.DictReader(io.StringIO(files.read(f"{name}.csv").decode()))
            assert [line["id"] for line in lines] == [str(row["id"]) for row in expected]
    assert client.get("/v1/export/regional-indicators.zip").headers["etag"].startswith('"3-')


def test_texts_of_the_package_are_as_published(database: Database) -> None:
    """Where the CSV file beside it is for spreadsheets."""
    data = article()
    texts = ["=1+1家", "+4000家", "-1.48‰"]
    data["observations"] = [
        {**data["observations"][1], "key": f"k{number}", "value": value, "cite": {"line": 3, "text": text}}
        for number, (value, text) in enumerate(zip((1, 4000, -1.48), texts, strict=True))
    ]
    for each in (vocabulary(), data):
        publish(database, written(each))
    with serving(database) as client:
        with zipfile.ZipFile(io.BytesIO(client.get("/v1/export/regional-indicators.zip").content)) as package:
            plain = package.read("observations.csv").decode()
            described = json.loads(package.read("datapackage.json"))
        neutral = client.get("/v1/export/observations.csv").text
    assert [row["as_written"] for row in csv.DictReader(io.StringIO(plain))] == texts
    assert [row["as_written"] for row in csv.DictReader(io.StringIO(neutral))] == ["'=1+1家", "+4000家", "-1.48‰"]
    assert (described["version"], "exactly as published" in described["description"]) == ("2", True)


FILE = "/v1/export/sources.csv"


@pytest.fixture
def whole(client: TestClient) -> bytes:
    """A file, as often asked for as it takes to be kept anywhere."""
    return [client.get(FILE).content for _ in range(3)][-1]


@pytest.mark.parametrize("part", ["0-0", "0-99", "100-", "-10", "5-1000000"])
def test_parts_of_a_file(client: TestClient, whole: bytes, part: str) -> None:
    first, _, last = part.partition("-")
    start = int(first) if first else len(whole) - int(last)
    stop = min(int(last) + 1, len(whole)) if first and last else len(whole)
    answer = client.get(FILE, headers={"Range": f"bytes={part}"})
    assert (answer.status_code, answer.content) == (206, whole[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert (answer.headers["accept-ranges"], answer.headers["etag"]) == ("bytes", client.get(FILE).headers["etag"])
    assert "content-encoding" not in answer.headers


def test_several_parts_at_once(client: TestClient, whole: bytes) -> None:
    answer = client.get(FILE, headers={"Range": "bytes=0-9,20-29,-5"})
    kind, boundary = answer.headers["content-type"].split("; boundary=")
    assert (answer.status_code, kind) == (206, "multipart/byteranges")
    assert answer.headers["content-length"] == str(len(answer.content))
    parts = message_from_bytes(f"Content-Type: {kind}; boundary={boundary}\r\n\r\n".encode() + answer.content).get_payload()
    assert isinstance(parts, list)
    size = len(whole)
    assert [part["Content-Range"] for part in parts if isinstance(part, Message)] == [
        f"bytes 0-9/{size}", f"bytes 20-29/{size}", f"bytes {size - 5}-{size - 1}/{size}",
    ]  # fmt: skip
    for content in (whole[:10], whole[20:30], whole[-5:]):
        assert b"\r\n\r\n" + content + b"\r\n--" in answer.content


def test_no_part_is_a_problem_with_the_length(client: TestClient, whole: bytes) -> None:
    answer = client.get(FILE, headers={"Range": f"bytes={len(whole)}-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert answer.json()["type"] == "/problems/range-not-satisfiable"
    for malformed in ("bytes=9-1", "bytes=x", "rows=0-1"):
        assert client.get(FILE, headers={"Range": malformed}).content == whole


def test_a_download_goes_on_only_where_the_file_is_the_same(client: TestClient, database: Database, whole: bytes) -> None:
    first = client.get(FILE, headers={"Range": "bytes=0-49"})
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    rest = client.get(FILE, headers={"Range": "bytes=50-", "If-Range": etag})
    assert (rest.status_code, first.content + rest.content) == (206, whole)
    for other in ('"other"', f"W/{etag}", modified, ""):  # two revisions may be of one second
        again = client.get(FILE, headers={"Range": "bytes=50-", "If-Range": other})
        assert (again.status_code, again.content) == (200, whole)
    publish(database, written({**vocabulary(), "indicators": []}))
    after = client.get(FILE, headers={"Range": "bytes=50-", "If-Range": etag})
    assert (after.status_code, after.headers["etag"] != etag) == (200, True)


def test_files_are_not_sent_twice(client: TestClient, whole: bytes) -> None:
    first = client.get(FILE)
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    for headers in ({"If-None-Match": f"W/{first.headers['etag']}"}, {"If-Modified-Since": first.headers["last-modified"]}):
        again = client.get(FILE, headers={**headers, "Range": "bytes=0-1"})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (
        client.get(FILE, headers={"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]}).content
        == whole
    )


def test_head_says_what_there_is(client: TestClient, whole: bytes) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = client.head(FILE, headers=headers)
        assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(whole)))
        whole_again = client.get(FILE)
        assert (answer.headers["accept-ranges"], answer.headers["etag"]) == ("bytes", whole_again.headers["etag"])
        assert whole_again.content == whole


def test_the_same_data_are_the_same_files(client: TestClient, database: Database) -> None:
    """Whichever process builds them: a download that one began, another goes on with."""
    tags = {file["name"]: file["etag"] for file in client.get("/v1/export").json()["data"]}
    with serving(database) as other:
        assert {file["name"]: file["etag"] for file in other.get("/v1/export").json()["data"]} == tags


class Remote(io.RawIOBase):
    """A file that is read over HTTP, by ranges alone."""

    def __init__(self, client: TestClient, address: str) -> None:
        self.client, self.address, self.place, self.read_bytes = client, address, 0, 0
        self.size = int(client.head(address).headers["content-length"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = 0) -> int:
        self.place = offset + (0, self.place, self.size)[whence]
        return self.place

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.size - self.place)
        if wanted <= 0:
            return 0
        answer = self.client.get(self.address, headers={"Range": f"bytes={self.place}-{self.place + wanted - 1}"})
        assert answer.status_code == 206
        buffer[:wanted] = answer.content
        self.place, self.read_bytes = self.place + wanted, self.read_bytes + wanted
        return wanted


@pytest.mark.client("pyarrow")
@pytest.mark.capability("reads one column of a Parquet file by ranges over HTTP")
def test_parquet_is_read_by_ranges(client: TestClient) -> None:
    address = "/v1/export/observations.parquet"
    client.get(address)
    remote = Remote(client, address)
    table = parquet.ParquetFile(remote).read(columns=["id"])
    assert table.column("id").to_pylist() == [row["id"] for row in rows(client, "/v1/observations", limit=1000)]
    assert remote.read_bytes > 0  # in parts alone: it raises for an answer that is not 206


def test_an_unknown_file(client: TestClient) -> None:
    answer = client.get("/v1/export/zone.csv")
    assert (answer.status_code, answer.json()["errors"][0]["suggestion"]) == (404, "zones.csv")
