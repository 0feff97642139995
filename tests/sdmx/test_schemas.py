"""Every message is of its official schema, over the seed and over whatever can be published."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.document import Document
from app.publishing.revisions import publish
from tests.conftest import NewDatabase, serving
from tests.documents import article, vocabulary, written
from tests.sdmx.messages import DATA, FLOW, STRUCTURES, require_valid

DATA_ADDRESSES = [
    FLOW,
    f"{FLOW}?dimensionAtObservation=AllDimensions",
    f"{FLOW}?dimensionAtObservation=INDICATOR",
    f"{FLOW}?detail=serieskeysonly",
    f"{FLOW}?attributes=none&measures=none",
    f"{FLOW}?updatedAfter=0",
    "/sdmx/2.1/data/OBSERVATIONS/all?detail=dataonly",
]
STRUCTURE_ADDRESSES = [
    "/sdmx/3.0/structure/dataflow?references=all",
    "/sdmx/3.0/structure/*?detail=allcompletestubs",
    "/sdmx/3.0/structure/codelist/RI/CL_NATURE/+/actual",
    "/sdmx/3.0/availability/dataflow?references=all",
    "/sdmx/2.1/availableconstraint/OBSERVATIONS?mode=available",
    "/sdmx/3.0/schema/dataflow/RI/OBSERVATIONS",
]
FAULTY = ["/sdmx/3.0/data/dataflow/XX", '/sdmx/3.0/data/dataflow?c[<&">]=1', "/sdmx/2.1/data/OBSERVATIONS/a%22.<>"]
ADDRESSES = [(address, accept) for address in DATA_ADDRESSES for accept in DATA]
ADDRESSES += [(address, accept) for address in STRUCTURE_ADDRESSES for accept in STRUCTURES]


def require_valid_answer(client: TestClient, address: str, accept: str) -> None:
    answer = client.get(address, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(accept)
    require_valid(answer.content, accept)


@pytest.mark.parametrize(("address", "accept"), ADDRESSES)
def test_messages_about_the_seed(seed_client: TestClient, address: str, accept: str) -> None:
    require_valid_answer(seed_client, address, accept)


@pytest.mark.parametrize("accept", [*DATA, *STRUCTURES])
@pytest.mark.parametrize("address", FAULTY)
def test_error_messages(seed_client: TestClient, address: str, accept: str) -> None:
    answer = seed_client.get(address, headers={"Accept": accept})
    assert answer.status_code in (400, 404)
    assert ("json" in answer.headers["content-type"]) == ("json" in accept)
    require_valid(answer.content, answer.headers["content-type"])


HARD = st.text(st.sampled_from("\"'<>&\\ {}|,;=%_-+𝛼👩‍💻号字“”️ab\u0301\u200b\ue000"), min_size=1, max_size=12)


def _fits(text: str) -> bool:
    """Whether a document may have this text."""
    document = article()
    document["observations"][0]["cite"]["text"] = text
    try:
        Document.model_validate(document)
    except ValueError:
        return False
    return True


TEXT = HARD.filter(_fits)


@pytest.fixture(scope="module")
def database(new_database: NewDatabase) -> Database:
    found = new_database()
    publish(found, written(vocabulary()))
    return found


@pytest.fixture(scope="module")
def client(database: Database) -> Iterator[TestClient]:
    with serving(database) as found:
        yield found


TEXTS = st.fixed_dictionaries(dict.fromkeys(("en", "zh", "phrase", "label"), TEXT))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS, value=st.floats(-1e15, 1e15) | st.integers(-(10**9), 10**9))
def test_messages_about_whatever_can_be_published(
    client: TestClient, database: Database, texts: dict[str, str], value: float
) -> None:
    document = article()
    names = {"en": texts["en"], "zh": texts["zh"]}
    document["clusters"][0]["name"] = document["source"]["title_translated"] = names
    period = {"label": texts["label"], "basis": "stated"}
    document["observations"][1] |= {"value": value, "period": period, "cite": {"line": 1, "text": texts["phrase"]}}
    publish(database, written(document))
    for address, accept in ADDRESSES:
        require_valid_answer(client, address, accept)
