"""The messages that carry observations: all say the same, each in its way."""

import json

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.sdmx.messages import CSV_1, CSV_2, DIMENSIONS, FLOW, GENERIC, JSON_2, SPECIFIC, XML_3, rows


@pytest.mark.parametrize("at", ["TIME_PERIOD", "AllDimensions", "INDICATOR", "CLAIM"])
def test_any_dimension_can_be_at_the_observations(seed_client: TestClient, at: str) -> None:
    message = seed_client.get(f"{FLOW}?dimensionAtObservation={at}", headers={"Accept": JSON_2}).json()["data"]
    dimensions = message["structures"][0]["dimensions"]
    (dataset,) = message["dataSets"]
    if at == "AllDimensions":
        assert [each["id"] for each in dimensions["observation"]] == list(DIMENSIONS)
        assert len(dataset["observations"]) == 49
    else:
        assert [each["id"] for each in dimensions["observation"]] == [at]
        assert sum(len(series["observations"]) for series in dataset["series"].values()) == 49


@pytest.mark.parametrize("media_type", [GENERIC, SPECIFIC, XML_3])
def test_xml_says_the_same_as_csv(seed_client: TestClient, media_type: str) -> None:
    answer = seed_client.get(f"{FLOW}?dimensionAtObservation=AllDimensions", headers={"Accept": media_type})
    found = []
    for element in etree.fromstring(answer.content).iter("{*}Obs"):
        cells = {each.get("id"): each.get("value") for each in element.iter("{*}Value")} or dict(element.attrib)
        value = next(element.iter("{*}ObsValue"), None)
        found.append(cells if value is None else cells | {"OBS_VALUE": value.get("value")})
    expected = [{name: cell for name, cell in list(row.items())[3:] if cell} for row in rows(seed_client)]
    assert found == expected


def test_json_says_the_same_as_csv(seed_client: TestClient) -> None:
    answer = seed_client.get(f"{FLOW}?dimensionAtObservation=AllDimensions", headers={"Accept": JSON_2})
    message = json.loads(answer.content)["data"]
    (structure,) = message["structures"]
    dimensions, attributes = structure["dimensions"]["observation"], structure["attributes"]["observation"]
    described = [*structure["measures"]["observation"], *attributes]
    found = []
    for key, cells in message["dataSets"][0]["observations"].items():
        values = [each["values"][int(number)] for each, number in zip(dimensions, key.split(":"), strict=True)]
        row = {each["id"]: value.get("id", value.get("value")) for each, value in zip(dimensions, values, strict=True)}
        for each, cell in zip(described, cells, strict=True):
            if cell is not None:
                row[each["id"]] = each["values"][cell]["id"] if "values" in each else str(cell)
        found.append(row)
    assert found == [{name: cell for name, cell in list(row.items())[3:] if cell} for row in rows(seed_client)]


def test_csv_can_carry_names(seed_client: TestClient) -> None:
    answer = seed_client.get(f"{FLOW}/A", headers={"Accept": f"{CSV_2};labels=both", "Accept-Language": "zh"})
    head, first, *_ = answer.text.split("\r\n")
    assert head.startswith("STRUCTURE,STRUCTURE_ID,ACTION,FREQ: 时期长度,REF_AREA: 地区")
    assert ",A: 年,310104: 徐汇区," in first


def test_csv_of_version_1_names_the_data_flow(seed_client: TestClient) -> None:
    head, first, *_ = seed_client.get(f"{FLOW}/A", headers={"Accept": CSV_1}).text.split("\r\n")
    assert head.startswith("DATAFLOW,FREQ,REF_AREA")
    assert first.startswith("RI:OBSERVATIONS(1.0.0),A,310104")


def test_answers_are_cached_and_revalidated(seed_client: TestClient) -> None:
    first = seed_client.get(FLOW, headers={"Accept": CSV_2})
    again = seed_client.get(FLOW, headers={"Accept": CSV_2, "If-None-Match": first.headers["etag"]})
    other = seed_client.get(FLOW, headers={"Accept": f"{CSV_2};labels=both", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, other.status_code) == (304, 200)
    assert "Accept" in first.headers["vary"]
