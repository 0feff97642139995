"""rsdmx, under R, reads the service into data frames."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.clients.conftest import FIGURES

PROGRAM = """
suppressMessages(library(rsdmx))
u <- "{url}/sdmx/2.1"
builder <- SDMXREST21RequestBuilder(regUrl = u, repoUrl = u, compliant = TRUE)
addSDMXServiceProvider(SDMXServiceProvider(agencyId = "RI", name = "RI", builder = builder))
flows <- as.data.frame(readSDMX(providerId = "RI", resource = "dataflow", verbose = FALSE))
structure <- readSDMX(providerId = "RI", resource = "datastructure", resourceId = "OBSERVATIONS", verbose = FALSE)
codes <- as.data.frame(slot(structure, "codelists"), codelistId = "CL_REF_AREA")
read <- function(...) as.data.frame(
  readSDMX(providerId = "RI", resource = "data", flowRef = "OBSERVATIONS", verbose = FALSE, ...))
all <- suppressWarnings(read(key = "all", dsd = TRUE))
some <- read(key = list("A", "310104", "", "", "", "", ""))
dated <- read(key = "all", start = 2023, end = 2023)
flat <- function(frame) list(
  rows = nrow(frame), values = frame$obsValue, hedges = as.character(frame$HEDGE), written = as.character(frame$AS_WRITTEN))
quoted <- function(x) if (is.list(x)) paste0("{{", paste0('"', names(x), '":', sapply(x, quoted), collapse = ","), "}}") else
  paste0("[", paste0(ifelse(is.na(x), "null", if (is.numeric(x)) format(x, digits = 15) else
    encodeString(as.character(x), quote = '"')), collapse = ","), "]")
cat(quoted(list(flows = as.character(flows$id), zh = as.character(codes$name.zh), all = flat(all), some = flat(some),
  dated = flat(dated))))
"""
RSCRIPT = shutil.which("Rscript")

pytestmark = pytest.mark.client("rsdmx")


def has_rsdmx() -> bool:
    """Whether R is here, with rsdmx."""
    asked = [RSCRIPT or "", "-e", "stopifnot(requireNamespace('rsdmx'))"]
    return RSCRIPT is not None and subprocess.run(asked, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def read(service: str) -> dict[str, Any]:
    """What rsdmx has read of everything."""
    if not has_rsdmx():
        pytest.skip("R with rsdmx is not installed")
    command = [RSCRIPT or "", "-e", PROGRAM.format(url=service)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env={"LANG": "C.UTF-8"})
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.mark.capability("data flows")
def test_data_flows(read: dict[str, Any]) -> None:
    assert read["flows"] == ["OBSERVATIONS"]


@pytest.mark.capability("structure with its code lists")
def test_code_lists_of_the_structure(read: dict[str, Any]) -> None:
    assert "徐汇区" in read["zh"]


@pytest.mark.capability("data")
def test_all_data(read: dict[str, Any]) -> None:
    assert read["all"]["rows"] == [FIGURES]
    assert 25_000_000_000 in [float(value) for value in read["all"]["values"] if value is not None]


@pytest.mark.capability("hedges and bounds")
def test_hedges_survive(read: dict[str, Any]) -> None:
    assert ("近", "近300家") in zip(read["all"]["hedges"], read["all"]["written"], strict=True)


@pytest.mark.capability("a key")
def test_a_key_selects(read: dict[str, Any]) -> None:
    assert sorted(float(value) for value in read["some"]["values"]) == [400, 22_030_000]


@pytest.mark.capability("periods")
def test_periods_select(read: dict[str, Any]) -> None:
    assert read["dated"]["rows"] == [2]
