"""sdmx1 reads the service, over both versions of the API, into pandas."""

from typing import Any

import pytest
import sdmx
import sdmx.reader.xml.v30  # before any structure-specific message: it would not be read afterwards in the same process

from tests.clients.conftest import FIGURES, UNDATED

pytestmark = pytest.mark.filterwarnings("ignore")  # what it says of itself

BASES = {"2.1": "/sdmx/2.1", "3.0.0": "/sdmx/3.0"}
CLIENTS = [pytest.param(version, marks=pytest.mark.client(f"sdmx1, SDMX {version[:3]}")) for version in BASES]


@pytest.fixture(params=CLIENTS)
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def client(service: str, version: str) -> Any:
    sdmx.add_source({"id": "RI", "name": "RI", "url": service + BASES[version], "versions": [version]}, override=True)
    return sdmx.Client("RI")


@pytest.mark.capability("data flows")
def test_data_flows(client: Any) -> None:
    assert list(client.dataflow().dataflow) == ["OBSERVATIONS"]


@pytest.mark.capability("structure with its code lists")
def test_a_data_flow_comes_with_all_that_it_refers_to(client: Any) -> None:
    found = client.dataflow("OBSERVATIONS", params={"references": "all"})
    structure = found.structure["OBSERVATIONS"]
    assert [each.id for each in structure.dimensions.components][:3] == ["FREQ", "REF_AREA", "SUBJECT"]
    assert set(found.codelist) >= {"CL_REF_AREA", "CL_SUBJECT", "CL_INDICATOR", "CL_UNIT_MEASURE", "CL_COMPARATOR", "CL_NATURE"}
    assert list(found.concept_scheme) == ["CONCEPTS"]
    assert list(found.organisation_scheme) == ["AGENCIES"]


@pytest.mark.capability("code lists")
def test_a_code_list(client: Any) -> None:
    codes = client.codelist("CL_INDICATOR").codelist["CL_INDICATOR"]
    assert len(codes) == 39
    assert list(client.conceptscheme("CONCEPTS").concept_scheme) == ["CONCEPTS"]
    assert list(client.agencyscheme("AGENCIES").organisation_scheme) == ["AGENCIES"]


@pytest.mark.capability("names in two languages")
def test_names_are_in_both_languages(client: Any) -> None:
    name = client.codelist("CL_REF_AREA").codelist["CL_REF_AREA"]["310104"].name
    assert name.localizations == {"en": "Xuhui District", "zh": "徐汇区"}


@pytest.mark.capability("data")
def test_all_data_become_a_series_of_pandas(client: Any) -> None:
    found = sdmx.to_pandas(client.data("OBSERVATIONS"))
    assert found.shape == (FIGURES,)
    assert found.xs("district-fiscal-revenue", level="INDICATOR").iloc[0] == 25_000_000_000


@pytest.mark.capability("a key")
def test_a_key_selects(client: Any) -> None:
    found = sdmx.to_pandas(client.data("OBSERVATIONS", key="A.310104"))
    assert sorted(found) == [400, 22_030_000]
    assert set(found.index.get_level_values("TIME_PERIOD")) == {"2023"}


@pytest.mark.capability("a key by dimensions")
def test_a_key_by_dimensions_selects(client: Any, version: str) -> None:
    if version == "3.0.0":
        pytest.skip("the client fails before it asks: its MemberValue of SDMX 3.0 is unhashable")
    assert sdmx.to_pandas(client.data("OBSERVATIONS", key={"FREQ": "_U"})).shape == (UNDATED,)


@pytest.mark.capability("periods")
def test_periods_select(client: Any, version: str) -> None:
    if version == "3.0.0":
        pytest.skip("the client has no startPeriod in SDMX 3.0, nor conditions on components")
    found = sdmx.to_pandas(client.data("OBSERVATIONS", params={"startPeriod": "2023", "endPeriod": "2023"}))
    assert found.shape == (FIGURES - UNDATED,)


@pytest.mark.capability("hedges and bounds")
def test_hedges_survive(client: Any) -> None:
    found = sdmx.to_pandas(client.data("OBSERVATIONS"), attributes="o")
    nearly = found.xs("xuhui-large-models", level="SUBJECT").iloc[0]
    assert (nearly.value, nearly.COMPARATOR, nearly.HEDGE, nearly.AS_WRITTEN) == (300, "lt", "近", "近300家")
    assert (nearly.OBS_UPPER, nearly.PERIOD_BASIS, nearly.SOURCE_LINE) == ("300", "unstated", "40")


@pytest.mark.capability("a flat list of observations")
def test_a_flat_list(client: Any) -> None:
    found = sdmx.to_pandas(client.data("OBSERVATIONS", params={"dimensionAtObservation": "AllDimensions"}))
    assert found.shape == (FIGURES,)


@pytest.mark.capability("structure-specific data")
def test_structure_specific_data(client: Any) -> None:
    structure = client.datastructure("OBSERVATIONS", params={"references": "children"}).structure["OBSERVATIONS"]
    assert sdmx.to_pandas(client.data("OBSERVATIONS", dsd=structure)).shape == (FIGURES,)


@pytest.mark.capability("keys of series alone")
def test_the_keys_of_series_alone(client: Any, version: str) -> None:
    if version == "3.0.0":
        pytest.skip("the client has no such parameter in SDMX 3.0")
    found = client.data("OBSERVATIONS", params={"detail": "serieskeysonly"}).data[0]
    assert (len(found.series), len(found.obs)) == (FIGURES, 0)


@pytest.mark.capability("availability")
def test_availability(client: Any, version: str) -> None:
    if version == "3.0.0":
        pytest.skip("the client does not ask for it in SDMX 3.0")
    found = client.get("availableconstraint", resource_id="OBSERVATIONS", force=True)
    (constraint,) = found.constraint.values()
    region = constraint.data_content_region[0].member
    (frequencies,) = (members for key, members in region.items() if key.id == "FREQ")
    assert {each.value for each in frequencies.values} == {"A", "_U"}
