"""The contract of every item: the row of the list, what belongs to it, and the nearest id where there is none."""

import pytest
from starlette.testclient import TestClient

from app.formats import formats_for
from app.resources import ALL
from app.resources.base import Resource
from tests.conftest import rows

EACH = pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.name)


@EACH
def test_an_item_is_the_row_of_the_list_with_what_belongs_to_it(seed_client: TestClient, resource: Resource) -> None:
    for row in rows(seed_client, f"/v1/{resource.name}", limit=25):
        body = seed_client.get(f"/v1/{resource.name}/{row['id']}").json()
        assert {name: value for name, value in body["data"].items() if name in row} == row
        assert set(body["data"]) - set(row) == {include.resource for include in resource.includes}
        assert body["meta"] == {"revision": 2, "truncated": []}
        for include in resource.includes:
            carried = {tied["id"] for tied in body["data"][include.resource]}
            listed = {
                tied["id"]
                for name, link in body["links"].items()
                if name.startswith(include.resource)
                for tied in rows(seed_client, f"{link}&limit=1000")
            }
            assert carried == listed


@EACH
def test_an_unknown_id_is_not_found_and_the_nearest_is_named(seed_client: TestClient, resource: Resource) -> None:
    known = str(rows(seed_client, f"/v1/{resource.name}", limit=1)[0]["id"])
    answer = seed_client.get(f"/v1/{resource.name}/{known}9")
    assert answer.status_code == 404
    (fault,) = answer.json()["errors"]
    assert fault["parameter"] == "id"
    assert fault.get("suggestion") == known or len(known) == 1


@EACH
@pytest.mark.parametrize("wrong", ["%F0%9F%98%80", "-1", "99999999999999999999", "%27%3B--"])
def test_a_strange_id_is_not_found(seed_client: TestClient, resource: Resource, wrong: str) -> None:
    assert seed_client.get(f"/v1/{resource.name}/{wrong}").status_code == 404


@EACH
def test_items_have_formats_fields_and_languages(seed_client: TestClient, resource: Resource) -> None:
    known = rows(seed_client, f"/v1/{resource.name}", limit=1)[0]["id"]
    for format_ in formats_for((resource.column("id"),)):
        answer = seed_client.get(f"/v1/{resource.name}/{known}", params={"format": format_.name, "lang": "zh", "fields": "id"})
        assert answer.headers["content-type"] == format_.content_type
        assert answer.headers["content-language"] == "zh"
        assert str(known) in answer.text


def test_what_belongs_to_an_entity(seed_client: TestClient) -> None:
    data = seed_client.get("/v1/zones/caohejing").json()["data"]
    assert [row["rank"] for row in data["observations"]] == [1]
    assert [row["object"] for row in data["relations"]] == ["caokaifa"]
    assert [row["level"] for row in data["designations"]] == ["national"]
