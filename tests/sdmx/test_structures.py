"""SDMX-REST, structures and availability: what there is, in how much detail, with what beside it."""

from typing import Any

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.sdmx.messages import SDMX, STRUCTURE_21, STRUCTURE_30, STRUCTURE_JSON, names_of

BASE = "/sdmx/3.0/structure"
KINDS = ("dataflows", "dataStructures", "conceptSchemes", "codelists", "agencySchemes")
LISTS = [
    "CL_FREQ", "CL_REF_AREA", "CL_SUBJECT", "CL_INDICATOR", "CL_NATURE", "CL_SOURCE", "CL_COMPARATOR", "CL_BOUNDS_BASIS",
    "CL_UNIT_MEASURE", "CL_OBS_STATUS", "CL_RANK_BAND", "CL_PERIOD_BASIS",
]  # fmt: skip


def structure(client: TestClient, path: str, **headers: str) -> Any:
    """A structure message in JSON."""
    answer = client.get(path, headers={"Accept": STRUCTURE_JSON, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()


def held(message: Any) -> set[str]:
    """The kinds of artefacts in a message."""
    return {kind for kind in KINDS if names_of(message, kind)}


def test_a_code_list_is_made_of_what_was_published(seed_client: TestClient) -> None:
    (found,) = structure(seed_client, f"{BASE}/codelist/RI/CL_INDICATOR")["data"]["codelists"]
    ours = {row["id"]: row["name"] for row in seed_client.get("/v1/indicators?limit=1000").json()["data"]}
    assert {code["id"]: code["name"] for code in found["codes"]} == ours


def test_names_are_in_the_language_asked_for_and_in_both(seed_client: TestClient) -> None:
    for lang, name in (("en", "Xuhui District"), ("zh", "徐汇区")):
        (found,) = structure(seed_client, f"{BASE}/codelist/RI/CL_REF_AREA", **{"Accept-Language": lang})["data"]["codelists"]
        (code,) = (code for code in found["codes"] if code["id"] == "310104")
        assert code["name"] == name
        assert code["names"] == {"en": "Xuhui District", "zh": "徐汇区"}


@pytest.mark.parametrize("media_type", [STRUCTURE_21, STRUCTURE_30])
def test_xml_has_both_languages(seed_client: TestClient, media_type: str) -> None:
    answer = seed_client.get("/sdmx/2.1/codelist/RI/CL_NATURE", headers={"Accept": media_type})
    names = [
        (each.get("{http://www.w3.org/XML/1998/namespace}lang"), each.text)
        for each in etree.fromstring(answer.content).iter("{*}Name")
    ]
    assert {("en", "Planned"), ("zh", "计划")} <= set(names)


@pytest.mark.parametrize("version", ["", "/1.0.0", "/1.0", "/latest", "/+", "/*", "/~", "/all", "/0.9,1.0.0"])
@pytest.mark.parametrize("base", ["/sdmx/3.0/structure", "/sdmx/2.1"])
def test_versions_are_alike(seed_client: TestClient, base: str, version: str) -> None:
    assert names_of(structure(seed_client, f"{base}/dataflow/RI/OBSERVATIONS{version}"), "dataflows") == ["OBSERVATIONS"]


PATHS = {
    "dataflow": ["OBSERVATIONS"],
    "dataflow/*/*/*/": ["OBSERVATIONS"],
    "dataflow/all/all/latest/": ["OBSERVATIONS"],
    "dataflow/XX,RI/YY,OBSERVATIONS": ["OBSERVATIONS"],
    "codelist/RI/CL_FREQ,CL_NATURE": ["CL_FREQ", "CL_NATURE"],
    "codelist": LISTS,
}


@pytest.mark.parametrize("path", PATHS)
def test_paths(seed_client: TestClient, path: str) -> None:
    message = structure(seed_client, f"{BASE}/{path}")
    assert [name for kind in KINDS for name in names_of(message, kind)] == PATHS[path]


REFERENCES = {
    ("dataflow", "none"): {"dataflows"},
    ("dataflow", "children"): {"dataflows", "dataStructures"},
    ("dataflow", "descendants"): {"dataflows", "dataStructures", "conceptSchemes", "codelists"},
    ("dataflow", "all"): set(KINDS),
    ("dataflow", "codelist"): {"dataflows", "codelists"},
    ("datastructure", "parents"): {"dataflows", "dataStructures"},
    ("datastructure", "children"): {"dataStructures", "conceptSchemes", "codelists"},
    ("codelist", "parents"): {"codelists", "dataStructures"},
    ("codelist", "parentsandsiblings"): {"codelists", "dataStructures", "conceptSchemes"},
    ("codelist", "ancestors"): {"codelists", "dataStructures", "dataflows"},
    ("conceptscheme", "codelist,dataflow"): {"conceptSchemes", "codelists", "dataflows"},
    ("agencyscheme", "all"): {"agencySchemes"},
}


@pytest.mark.parametrize(("kind", "references"), REFERENCES)
def test_references(seed_client: TestClient, kind: str, references: str) -> None:
    assert held(structure(seed_client, f"{BASE}/{kind}?references={references}")) == REFERENCES[kind, references]


def test_details(seed_client: TestClient) -> None:
    def found(detail: str) -> tuple[bool, bool, bool]:
        message = structure(seed_client, f"{BASE}/dataflow?references=descendants&detail={detail}")["data"]
        flow, codes = message["dataflows"][0], message["codelists"][0]
        return "description" in flow, "codes" in codes, "dataStructureComponents" in message["dataStructures"][0]

    assert found("full") == found("referencepartial") == found("raw") == (True, True, True)
    assert found("allstubs") == (False, False, False)
    assert found("allcompletestubs") == (True, False, False)
    assert found("referencestubs") == found("referencecompletestubs") == (True, False, False)


def test_single_items(seed_client: TestClient) -> None:
    (found,) = structure(seed_client, f"{BASE}/codelist/RI/CL_NATURE/1.0.0/actual,target")["data"]["codelists"]
    assert [code["id"] for code in found["codes"]] == ["actual", "target"]
    assert found["isPartial"] is True
    assert seed_client.get(f"{BASE}/codelist/RI/CL_NATURE/1.0.0/none-such").status_code == 404


@pytest.mark.parametrize(
    "path", ["/sdmx/3.0/schema/dataflow/RI/OBSERVATIONS/1.0.0/", "/sdmx/2.1/schema/datastructure/RI/OBSERVATIONS"]
)
def test_a_schema_is_the_structure_with_its_lists(seed_client: TestClient, path: str) -> None:
    assert held(structure(seed_client, path)) == {"dataStructures", "conceptSchemes", "codelists"}


def test_all_components_refer_to_what_is_there(seed_client: TestClient) -> None:
    message = structure(seed_client, f"{BASE}/datastructure?references=descendants")["data"]
    lists, concepts = (
        {each["id"] for each in message["codelists"]},
        {each["id"] for each in message["conceptSchemes"][0]["concepts"]},
    )
    components = message["dataStructures"][0]["dataStructureComponents"]
    found = [
        *components["dimensionList"]["dimensions"],
        components["dimensionList"]["timeDimension"],
        *components["measureList"]["measures"],
        *components["attributeList"]["attributes"],
    ]
    assert {each["conceptIdentity"].rpartition(".")[2] for each in found} == concepts
    used = {each["localRepresentation"].get("enumeration", "=:(").partition("=RI:")[2].partition("(")[0] for each in found}
    assert used - {""} == lists


AVAILABILITY = "/sdmx/3.0/availability/dataflow/RI/OBSERVATIONS/1.0.0"


def values(message: Any) -> dict[str, set[str]]:
    """The values of each dimension in a constraint."""
    (region,) = message["data"]["dataConstraints"][0]["cubeRegions"]
    return {key["id"]: {each["value"] for each in key["values"]} for key in region["keyValues"] if "values" in key}


def counts(message: Any) -> dict[str, int]:
    """How many series and observations there are."""
    return {each["id"]: int(each["title"]) for each in message["data"]["dataConstraints"][0]["annotations"]}


def test_availability_says_what_a_query_would_find(seed_client: TestClient) -> None:
    message = structure(seed_client, f"{AVAILABILITY}/A")
    assert values(message)["INDICATOR"] == {"rental-subsidies", "supported-employers"}
    assert values(message)["FREQ"] == {"A"}
    assert counts(message) == {"series_count": 2, "obs_count": 2}
    (time,) = (
        key["timeRange"] for key in message["data"]["dataConstraints"][0]["cubeRegions"][0]["keyValues"] if "timeRange" in key
    )
    assert (time["startPeriod"]["period"], time["endPeriod"]["period"]) == ("2023-01-01", "2023-12-31")


def test_availability_says_what_more_could_be_chosen(seed_client: TestClient) -> None:
    query = "c[SUBJECT]=xuhui-rental-subsidies&c[INDICATOR]=rental-subsidies&mode=available"
    found = values(structure(seed_client, f"{AVAILABILITY}?{query}"))
    assert found["INDICATOR"] == {"rental-subsidies", "supported-employers"}
    assert found["SUBJECT"] == {"xuhui-rental-subsidies"}
    exact = values(structure(seed_client, f"{AVAILABILITY}?{query.removesuffix('&mode=available')}"))
    assert exact["INDICATOR"] == {"rental-subsidies"}


def test_availability_of_one_dimension(seed_client: TestClient) -> None:
    assert set(values(structure(seed_client, f"{AVAILABILITY}/*/INDICATOR"))) == {"INDICATOR"}
    assert set(values(structure(seed_client, "/sdmx/2.1/availableconstraint/OBSERVATIONS/all/all/NATURE"))) == {"NATURE"}


def test_availability_comes_with_the_codes_that_occur(seed_client: TestClient) -> None:
    message = structure(seed_client, f"{AVAILABILITY}/A?references=all")
    assert held(message) == set(KINDS)
    codes = {each["id"]: {code["id"] for code in each["codes"]} for each in message["data"]["codelists"]}
    assert codes["CL_SUBJECT"] == {"xuhui-rental-subsidies"}
    assert codes["CL_COMPARATOR"] == {"lt", "le", "eq", "ap", "ge", "gt"}


DEFAULTS = {
    "/sdmx/2.1/dataflow": f"{SDMX}structure+xml;version=2.1",
    "/sdmx/3.0/structure/dataflow": f"{SDMX}structure+xml;version=3.0.0",
    "/sdmx/2.1/data/OBSERVATIONS": f"{SDMX}genericdata+xml;version=2.1",
    "/sdmx/3.0/data/dataflow": f"{SDMX}data+xml;version=3.0.0",
}
ACCEPTED = {
    "application/xml": DEFAULTS,
    "*/*": DEFAULTS,
    "application/json": dict.fromkeys(DEFAULTS, "+json;version=2.0.0"),
    "application/json;q=0.5, application/xml;q=0.1": dict.fromkeys(DEFAULTS, "+json;version=2.0.0"),
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": DEFAULTS,
}


@pytest.mark.parametrize("accept", ACCEPTED)
@pytest.mark.parametrize("path", DEFAULTS)
def test_what_is_answered_where_the_client_leaves_the_choice(seed_client: TestClient, path: str, accept: str) -> None:
    answer = seed_client.get(path, headers={"Accept": accept})
    assert ACCEPTED[accept][path] in answer.headers["content-type"]


@pytest.mark.parametrize(("path", "version"), [("/sdmx/2.1/data/OBSERVATIONS", "1.0.0"), ("/sdmx/3.0/data/dataflow", "2.0.0")])
@pytest.mark.parametrize("accept", ["text/csv", "application/vnd.sdmx.data+csv"])
def test_csv_is_of_the_version_of_the_api(seed_client: TestClient, path: str, version: str, accept: str) -> None:
    answer = seed_client.get(path, headers={"Accept": accept})
    assert answer.headers["content-type"] == f"{SDMX}data+csv;version={version}; charset=utf-8"


def test_lists_are_partial_only_where_they_may_lack_codes(seed_client: TestClient) -> None:
    for base, partial in (
        (f"{BASE}/codelist/RI", False),
        ("/sdmx/3.0/availability/dataflow/RI/OBSERVATIONS?references=codelist", True),
    ):
        lists = structure(seed_client, base)["data"]["codelists"]
        assert lists
        assert {each.get("isPartial", False) for each in lists} == {partial}
