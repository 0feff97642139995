"""Bad SDMX queries get SDMX error messages, with the right code, in the syntax that was asked for."""

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.sdmx.messages import CSV_2, FLOW, GENERIC, JSON_2, XML_3

NO_RESULTS, SYNTAX, SEMANTICS, NOT_IMPLEMENTED = 100, 140, 150, 501
STRUCTURE = "/sdmx/3.0/structure"

BAD = {
    f"{FLOW}/A.B.C.D.E.F.G.H": (400, SYNTAX),
    f"{FLOW}/A%3F": (400, SYNTAX),
    f"{FLOW}/nothing": (404, NO_RESULTS),
    f"{FLOW}/*/too/much": (400, SYNTAX),
    f"{FLOW}?c[FREQUENCY]=A": (400, SEMANTICS),
    f"{FLOW}?c[FREQ]=xx:A": (400, SYNTAX),
    f"{FLOW}?c[FREQ]=": (400, SYNTAX),
    f"{FLOW}?c[FREQ]=A&c[FREQ]=_U": (400, SYNTAX),
    f"{FLOW}?c[OBS_VALUE]=ge:many": (400, SYNTAX),
    f"{FLOW}?c[TIME_PERIOD]=2023-13": (400, SYNTAX),
    f"{FLOW}?startPeriod=soon": (400, SYNTAX),
    f"{FLOW}?endPeriod=2023-W60": (400, SYNTAX),
    f"{FLOW}?firstNObservations=0": (400, SYNTAX),
    f"{FLOW}?lastNObservations=x": (400, SYNTAX),
    f"{FLOW}?dimensionAtObservation=NOWHERE": (400, SEMANTICS),
    f"{FLOW}?attributes=COLOUR": (400, SEMANTICS),
    f"{FLOW}?measures=HEDGE": (400, SEMANTICS),
    f"{FLOW}?detail=some": (400, SYNTAX),
    f"{FLOW}?asOf=99": (400, SYNTAX),
    f"{FLOW}?updatedAfter=yesterday": (400, SYNTAX),
    f"{FLOW}?includeHistory=true": (501, NOT_IMPLEMENTED),
    f"{FLOW}?what=else": (400, SYNTAX),
    "/sdmx/3.0/data/dataflow/RI/OBSERVATIONS/one": (400, SYNTAX),
    "/sdmx/3.0/data/dataflow/RI/OBSERVATIONS/2.0.0": (404, NO_RESULTS),
    "/sdmx/3.0/data/dataflow/XX/OBSERVATIONS": (404, NO_RESULTS),
    "/sdmx/3.0/data/provisionagreement/RI/OBSERVATIONS": (404, NO_RESULTS),
    "/sdmx/3.0/data/cube/RI/OBSERVATIONS": (400, SYNTAX),
    "/sdmx/2.1/data/OTHER": (404, NO_RESULTS),
    "/sdmx/2.1/data/RI,OBSERVATIONS,1.0,more/all": (400, SYNTAX),
    "/sdmx/2.1/codelists": (400, SYNTAX),
    f"{STRUCTURE}/dataflows": (400, SYNTAX),
    f"{STRUCTURE}/categoryscheme": (404, NO_RESULTS),
    f"{STRUCTURE}/codelist/RI/CL_NONE": (404, NO_RESULTS),
    f"{STRUCTURE}/codelist?references=everything": (400, SEMANTICS),
    f"{STRUCTURE}/codelist?detail=little": (400, SYNTAX),
    f"{STRUCTURE}/codelist/a/b/1.0/d/e": (400, SYNTAX),
    "/sdmx/3.0/availability/dataflow/RI/OBSERVATIONS/1.0.0/*/NOWHERE": (400, SEMANTICS),
    "/sdmx/3.0/availability/dataflow?mode=maybe": (400, SYNTAX),
    "/sdmx/3.0/availability/dataflow/RI/OBSERVATIONS/1.0.0/nothing": (404, NO_RESULTS),
    "/sdmx/4.0/data": (404, NO_RESULTS),
}


@pytest.mark.parametrize("address", BAD)
def test_bad_queries(seed_client: TestClient, address: str) -> None:
    status, code = BAD[address]
    answer = seed_client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == status, answer.text
    errors = answer.json()["errors"]
    assert errors[0]["code"] == code
    assert all(each["detail"] for each in errors)


@pytest.mark.parametrize("accept", ["*/*", XML_3, GENERIC, CSV_2, "text/xml"])
@pytest.mark.parametrize("base", ["/sdmx/2.1/data/", "/sdmx/3.0/data/dataflow/RI/"])
def test_errors_in_xml(seed_client: TestClient, base: str, accept: str) -> None:
    answer = seed_client.get(f"{base}NOTHING", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/xml"
    document = etree.fromstring(answer.content)
    assert document.tag.endswith("}Error")
    assert ("v2_1" in document.tag) == ("2.1" in base or "2.1" in accept)
    assert {each.get("code") for each in document} == {"100"}


@pytest.mark.parametrize("accept", [JSON_2, "application/json", "application/json, */*;q=0.1"])
def test_errors_in_json(seed_client: TestClient, accept: str) -> None:
    answer = seed_client.get(f"{FLOW}/nothing", headers={"Accept": accept})
    assert answer.json()["errors"][0]["code"] == NO_RESULTS


def test_every_fault_is_said_with_the_nearest_right_thing(seed_client: TestClient) -> None:
    answer = seed_client.get(f"{FLOW}/A..?c[SUBJEKT]=x&startPeriod=x&lastN=1", headers={"Accept": "application/json"})
    said = " ".join(each["detail"] for each in answer.json()["errors"])
    assert "did you mean SUBJECT?" in said
    assert "startPeriod" in said
    assert "lastN" in said


NOT_SERVED = [
    "application/vnd.sdmx.data+xml;version=3.1.0",
    "application/vnd.sdmx.data+json;version=1.0.0",
    "application/vnd.sdmx.data+csv;version=2.0.0;labels=name",
    "image/png",
    "*/*;q=0",
]


@pytest.mark.parametrize("accept", NOT_SERVED)
def test_media_types_that_are_not_served(seed_client: TestClient, accept: str) -> None:
    answer = seed_client.get(FLOW, headers={"Accept": accept})
    assert answer.status_code == 406
    assert "application/vnd.sdmx.data+csv;version=2.0.0" in answer.text


def test_other_methods(seed_client: TestClient) -> None:
    answer = seed_client.post(FLOW, headers={"Accept": "application/json"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert seed_client.head(FLOW).status_code == 200
