"""What is peculiar to single formats."""

import csv
import io
import warnings
from collections import Counter
from typing import Any

import jsonstat_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from starlette.testclient import TestClient

from app.api.representation import disposition
from app.db.database import Database
from app.domain.dataset import Column, Dataset, Meta
from app.formats import BY_NAME, FORMATS
from app.formats.csv import write_plain
from app.publishing.revisions import publish
from app.resources.zones import ZONES
from tests.conftest import rows, serving
from tests.documents import article, vocabulary
from tests.documents import written as document


def dataset(*cells: Any, kind: Any = "string") -> Dataset:
    """A dataset of one column."""
    return Dataset("test", (Column("cell", kind, "A cell."),), [[cell] for cell in cells], Meta(1, len(cells)))


def written(name: str, data: Dataset) -> bytes:
    """The dataset in a format."""
    return b"".join(BY_NAME[name].write(data))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+A1", "-A1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("x")', "+1+1", "-2+3+cmd|' /C calc'!A0", "-1-1",
        "+5.0%*2", "-1(2)", "-", "- item", "+SUM(1)", "＝1+1", "＋A1", "－A1", "＠SUM(A1)", "+1E5", "-1!A1", "-1;2", "-1:A2",
        "-1^2", "-1&A", "-1/2", "-1%%=2", "+.5", "-1至=2",
    ],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_run_is_neutralised(text: str) -> None:
    assert written("csv", dataset(text)).decode().split("\r\n", 1)[1].lstrip('"').startswith("'") or len(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "-1.48‰", "+5.0%", "-1", "+1", "-3,000", "-0.5", "+3个百分点", "-1.2万亿元", "+300余家", "-5 percentage points",
        "-3%至-1.5%", "-1.5%~5%", "+€5", "-12°C", "−1.48‰", "近300家", "1=1", "a@b",
    ],
)  # fmt: skip
def test_figures_are_cited_as_they_are(text: str) -> None:
    for content in (written("csv", dataset(text)), b"".join(write_plain(dataset(text)))):
        assert list(csv.reader(io.StringIO(content.decode(), newline="")))[1:] == [[text]]


@pytest.mark.parametrize("text", ["=1+1", "+A1", "\tx", "＝1", "'=1"])
def test_plain_csv_is_never_altered(text: str) -> None:
    assert list(csv.reader(io.StringIO(b"".join(write_plain(dataset(text))).decode(), newline="")))[1:] == [[text]]


def test_comparators_and_numbers_are_left_alone() -> None:
    assert written("csv", dataset("=", "<", "~")) == b"cell\r\n=\r\n<\r\n~\r\n"
    assert written("csv", dataset(-5, 1.5, kind="number")) == b"cell\r\n-5\r\n1.5\r\n"


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8")), max_size=5))
def test_csv_is_read_back(texts: list[str]) -> None:
    lines = list(csv.reader(io.StringIO(written("csv", dataset(*texts)).decode(), newline="")))
    back = [line[0] if line else "" for line in lines[1:]]
    assert [text.removeprefix("'") for text in back] == [text.removeprefix("'") for text in texts]


TABLE = tuple(Column(kind, kind, "") for kind in ("string", "number", "boolean", "strings"))
TEXT = st.text(alphabet="=+-@,\"'a近 ", max_size=4)
CELLS = st.tuples(TEXT | st.none(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(TEXT.filter(bool)))


@given(st.lists(CELLS, max_size=5))
def test_csv_of_batches_is_that_of_pythons_writer(table: list[tuple[Any, ...]]) -> None:
    expected = io.StringIO(newline="")
    rows = [(text, number, str(truth).lower(), "\n".join(texts)) for text, number, truth, texts in table]
    csv.writer(expected).writerows([[column.name for column in TABLE], *rows])
    assert b"".join(write_plain(Dataset("test", TABLE, table, Meta(1, len(table))))) == expected.getvalue().encode()


@pytest.mark.parametrize("limit", [100, "all"])
def test_csv_has_whatever_was_published(database: Database, limit: int | str) -> None:
    data = article()
    data["observations"][0] |= {"value": 1e-07, "hedge": None, "cite": {"line": 2, "text": '=1e-7, "about"'}}
    for each in (vocabulary(), data):
        publish(database, document(each))
    answer = serving(database).get(
        "/v1/observations", params={"format": "csv", "limit": limit, "fields": "value,as_written,rank"}
    )
    assert answer.text == 'value,as_written,rank\r\n1e-07,"\'=1e-7, ""about""",\r\n4000,4000家,\r\n'


@pytest.mark.parametrize("format_", [format_ for format_ in FORMATS if format_.streams], ids=lambda format_: format_.name)
def test_long_lists_are_written_in_pieces(format_: Any) -> None:
    taken = 0

    def many() -> Any:
        nonlocal taken
        for number in range(20_000):
            taken += 1
            yield [f"row {number}"]

    pieces = format_.write(Dataset("test", dataset().columns, many(), Meta(1, 0)))
    next(pieces)
    assert taken <= 5000
    assert len(list(pieces)) >= 3


def test_parquet_describes_its_columns(seed_client: TestClient) -> None:
    content = seed_client.get("/v1/observations?format=parquet&limit=all").content
    schema = parquet.read_schema(io.BytesIO(content))
    assert str(schema.field("value").type) == "double"
    assert str(schema.field("period_start").type).startswith("date32")
    assert b"comparator" not in schema.field("value").metadata[b"description"]
    assert schema.field("hedge").metadata[b"description"].startswith(b"The literal hedging word")


@pytest.mark.client("jsonstat-validator, pyjstat")
@pytest.mark.capability("find JSON-stat valid, and read it into pandas")
def test_jsonstat_is_valid_and_read_back(seed_client: TestClient) -> None:
    answer = seed_client.get("/v1/observations?format=jsonstat&limit=1000")
    jsonstat_validator.validate_jsonstat(answer.json())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, which pyjstat uses
        from pyjstat import pyjstat  # noqa: PLC0415  it warns when it is imported

        frame = pyjstat.Dataset.read(answer.text).write("dataframe", naming="id")
    found = {(row.indicator, row.subject, row.metric): row.value for row in frame.itertuples() if row.value == row.value}
    for row in rows(seed_client, "/v1/observations", limit=1000):
        for metric in ("value", "lower", "upper"):
            assert found.get((row["indicator"], row["subject"], metric)) == row[metric]


def test_jsonstat_has_roles_and_comparators(seed_client: TestClient) -> None:
    cube = seed_client.get("/v1/observations?format=jsonstat&id=thepaper-20240329-xuhui.llm-chain-companies").json()
    assert cube["role"] == {"time": ["period"], "metric": ["metric"]}
    assert cube["dimension"]["subject"]["category"]["label"] == {"xuhui-large-models": "Large AI models"}
    assert cube["dimension"]["period"]["category"]["index"] == {"unstated": 0}
    assert (cube["value"], cube["status"]) == ({"0": 300, "2": 300}, {"0": "<", "2": "<"})


def test_jsonstat_carries_units_and_hedges(database: Database) -> None:
    """Units of each indicator, and of the metrics where all figures share one; hedges by the places of the figures."""
    data = article()
    data["observations"][1]["value"] = 4000.25
    for each in (vocabulary(), data):
        publish(database, document(each))
    client = serving(database)
    cube = client.get("/v1/observations?format=jsonstat").json()
    jsonstat_validator.validate_jsonstat(cube)
    unit = {"label": "{company}", "decimals": 2}
    assert cube["dimension"]["indicator"]["category"]["unit"] == {"companies": unit}
    assert cube["dimension"]["metric"]["category"]["unit"] == {"value": unit, "lower": unit, "upper": unit}
    hedged = {place for place, value in cube["value"].items() if value == 300}
    assert cube["extension"]["hedge"] == dict.fromkeys(hedged, "近")
    assert len(hedged) == 2
    fewer = "id,indicator,subject,nature,source,period_start,period_end,comparator,as_written,value,lower,upper"
    without = client.get(f"/v1/observations?format=jsonstat&fields={fewer}").json()
    assert "unit" not in without["dimension"]["indicator"]["category"]
    assert (without["value"], without["extension"]["hedge"]) == (cube["value"], {})


def test_jsonstat_metrics_have_no_unit_where_figures_have_several(seed_client: TestClient) -> None:
    cube = seed_client.get("/v1/observations?format=jsonstat&limit=1000").json()
    units = cube["dimension"]["indicator"]["category"]["unit"]
    assert {name: unit["label"] for name, unit in units.items()} == {
        row["indicator"]: row["unit"] for row in rows(seed_client, "/v1/observations", limit=1000)
    }
    assert "unit" not in cube["dimension"]["metric"]["category"]
    hedges = Counter(cube["extension"]["hedge"].values())
    for row in rows(seed_client, "/v1/observations", limit=1000):
        if row["hedge"]:
            hedges[row["hedge"]] -= sum(row[metric] is not None for metric in ("value", "lower", "upper"))
    assert not any(hedges.values())


def test_jsonstat_is_for_figures_alone(seed_client: TestClient) -> None:
    assert seed_client.get("/v1/zones?format=jsonstat").status_code == 422
    answer = seed_client.get("/v1/observations?format=jsonstat&fields=id,value")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (406, "format")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=all", "limit"),
        ("limit=all&format=jsonstat", "limit"),
        ("limit=all&format=csv&cursor=abc", "cursor"),
        ("limit=ALL", "limit"),
    ],
)
def test_whole_lists_are_streamed_row_by_row(seed_client: TestClient, query: str, parameter: str) -> None:
    answer = seed_client.get(f"/v1/observations?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)


def test_file_names_have_their_extension(seed_client: TestClient) -> None:
    for format_ in FORMATS[1:]:
        if format_.fits(ZONES.columns):
            answer = seed_client.get(f"/v1/zones?format={format_.name}")
            assert answer.headers["content-disposition"] == f'inline; filename="zones.{format_.extension}"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zones.csv", 'attachment; filename="zones.csv"'),
        ("two words.csv", 'attachment; filename="two words.csv"'),
        ("徐汇.csv", "attachment; filename=\"__.csv\"; filename*=UTF-8''%E5%BE%90%E6%B1%87.csv"),
        ('a"b\\c.csv', "attachment; filename=\"a_b_c.csv\"; filename*=UTF-8''a%22b%5Cc.csv"),
        ("a\r\nb.csv", "attachment; filename=\"a__b.csv\"; filename*=UTF-8''a%0D%0Ab.csv"),
        ("50%.csv", "attachment; filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"),
    ],
)
def test_file_names_survive_any_script(name: str, expected: str) -> None:
    assert disposition(name, "attachment") == expected
