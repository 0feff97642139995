"""pysdmx reads the service: its registry client, its two connectors, and its query builder."""

from typing import Any

import pytest
from pysdmx.api.dc.pd import PandasConnector
from pysdmx.api.dc.rest import SdmxConnector
from pysdmx.api.fmr import RegistryClient
from pysdmx.api.qb import ApiVersion
from pysdmx.api.qb.data import DataContext, DataFormat, DataQuery
from pysdmx.api.qb.service import RestService
from pysdmx.io import read_sdmx
from pysdmx.io.format import StructureFormat
from pysdmx.model import DataflowRef

from tests.clients.conftest import FIGURES, UNDATED

pytestmark = pytest.mark.filterwarnings("ignore")  # what pandas says of how it is used

FLOW = DataflowRef(agency="RI", id="OBSERVATIONS", version="1.0.0")
registry = pytest.mark.client("pysdmx, RegistryClient")


@pytest.fixture
def fmr(service: str) -> RegistryClient:
    return RegistryClient(f"{service}/sdmx/3.0", StructureFormat.SDMX_JSON_2_0_0)


@registry
@pytest.mark.capability("data flows")
def test_data_flows(fmr: RegistryClient) -> None:
    assert [each.id for each in fmr.get_dataflows("RI")] == ["OBSERVATIONS"]
    assert len(fmr.get_dataflow_details("RI", "OBSERVATIONS", "1.0.0").components) == 27


@registry
@pytest.mark.capability("structure with its code lists")
def test_a_schema(fmr: RegistryClient) -> None:
    components = fmr.get_schema("dataflow", "RI", "OBSERVATIONS", "1.0.0").components
    codes = components["COMPARATOR"].enumeration
    assert [code.id for code in codes] == ["lt", "le", "eq", "ap", "ge", "gt"]
    assert [each.id for each in components.dimensions][-2:] == ["CLAIM", "TIME_PERIOD"]
    assert [each.id for each in fmr.get_data_structures("RI", "OBSERVATIONS")] == ["OBSERVATIONS"]


@registry
@pytest.mark.capability("code lists")
def test_code_lists(fmr: RegistryClient) -> None:
    assert len(fmr.get_codes("RI", "CL_INDICATOR")) == 39
    assert len(fmr.get_concepts("RI", "CONCEPTS")) == 27
    assert [each.id for each in fmr.get_agencies("RI")] == ["RI"]


CONNECTORS = [
    pytest.param(kind, marks=pytest.mark.client(f"pysdmx, {kind.__name__}")) for kind in (SdmxConnector, PandasConnector)
]


@pytest.fixture(params=CONNECTORS)
def connector(request: pytest.FixtureRequest, service: str) -> Any:
    return request.param(f"{service}/sdmx/3.0")


def rows(connector: Any, condition: str | None = None) -> list[dict[str, Any]]:
    """The observations, as the connector gives them."""
    found = connector.data(FLOW, condition)
    return found.to_dict("records") if hasattr(found, "to_dict") else list(found)


@pytest.mark.capability("data flows")
def test_a_connector_finds_the_data_flow(connector: Any) -> None:
    assert [each.id for each in connector.dataflows()] == ["OBSERVATIONS"]


@pytest.mark.capability("availability")
def test_a_connector_asks_what_there_is(connector: Any) -> None:
    found = connector.dataflow(FLOW)
    assert (found.series_count, found.obs_count) == (FIGURES, FIGURES)
    assert {code.id for code in found.structure.components["REF_AREA"].enumeration} == {"310000", "310104"}


@pytest.mark.capability("data")
def test_a_connector_reads_all_data(connector: Any) -> None:
    found = {row["OBS_ID"]: row for row in rows(connector)}
    assert len(found) == FIGURES
    assert float(found["thepaper-20240329-xuhui.fiscal-revenue"]["OBS_VALUE"]) == 25_000_000_000


@pytest.mark.capability("hedges and bounds")
def test_a_connector_reads_hedges(connector: Any) -> None:
    (nearly,) = rows(connector, "SUBJECT = 'xuhui-large-models' AND HEDGE = '近'")
    assert (nearly["COMPARATOR"], nearly["AS_WRITTEN"], float(nearly["OBS_UPPER"])) == ("lt", "近300家", 300)


CONDITIONS = {
    "REF_AREA = '310104' AND FREQ <> 'A'": UNDATED - 1,
    "SUBJECT IN ('310104', '310000')": 18,
    "INDICATOR LIKE '%companies%'": 4,
    "TIME_PERIOD BETWEEN '2023-01-01' AND '2023-12-31'": 2,
    "OBS_VALUE >= 1000000": 12,
    "AS_WRITTEN LIKE '%万%'": 12,
}


@pytest.mark.capability("conditions on components")
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_connector_selects_by_conditions(connector: Any, condition: str) -> None:
    assert len(rows(connector, condition)) == CONDITIONS[condition]


SERVICES = {
    "pysdmx, query builder (SDMX-REST 2)": (ApiVersion.V2_0_0, "3.0", "1.0.0"),
    "pysdmx, query builder (SDMX-REST 1)": (ApiVersion.V1_5_0, "2.1", "latest"),
}
READ = {
    DataFormat.SDMX_CSV_1_0_0: "SDMX-CSV 1.0",
    DataFormat.SDMX_CSV_2_0_0: "SDMX-CSV 2.0",
    DataFormat.SDMX_ML_2_1_GEN: "SDMX-ML 2.1 generic",
    DataFormat.SDMX_ML_2_1_STR: "SDMX-ML 2.1 structure-specific",
    DataFormat.SDMX_ML_3_0: "SDMX-ML 3.0",
}
FORMATS = [
    pytest.param(*service, kind, marks=[pytest.mark.client(name), pytest.mark.capability(READ[kind])])
    for name, service in SERVICES.items()
    for kind in READ
]


@pytest.mark.parametrize(("api", "path", "version", "kind"), FORMATS)
def test_what_the_query_builder_gets_is_read(service: str, api: ApiVersion, path: str, version: str, kind: DataFormat) -> None:
    rest = RestService(f"{service}/sdmx/{path}", api, data_format=kind)
    message = rest.data(DataQuery(DataContext.DATAFLOW, "RI", "OBSERVATIONS", version))
    is_xml = kind not in (DataFormat.SDMX_CSV_1_0_0, DataFormat.SDMX_CSV_2_0_0)
    found: Any = read_sdmx(message.decode(), validate=is_xml).data
    (dataset,) = found
    assert len(dataset.data) == FIGURES
    of_models = dataset.data[dataset.data["SUBJECT"] == "xuhui-large-models"].to_dict("records")
    (nearly,) = (row for row in of_models if row["HEDGE"] == "近")
    assert (float(nearly["OBS_VALUE"]), nearly["HEDGE"], nearly["AS_WRITTEN"]) == (300, "近", "近300家")
