"""The whole data set as files, and as a Data Package that others accept."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.database import Database
from app.formats import FORMATS
from app.publishing.ingest import publish
from app.resources import ALL
from tests.conftest import rows, seeded, serving
from tests.documents import vocabulary, written


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


def test_an_unknown_file(client: TestClient) -> None:
    answer = client.get("/v1/export/zone.csv")
    assert (answer.status_code, answer.json()["errors"][0]["suggestion"]) == (404, "zones.csv")
