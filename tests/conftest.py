"""The service under test: a database built by the migrations, with the seed published."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.database import Database
from app.main import create_app
from app.publishing.ingest import publish
from app.settings import Settings, carried

SEED = sorted(carried("seed").glob("*.yaml"))
ARTICLE = carried("seed").parent.parent / "shared" / "article.txt"


def migrated(folder: Path) -> Database:
    """An empty database of the current schema in ``folder``."""
    database = Database(f"sqlite:///{folder / 'indicators.db'}", carried("migrations"))
    database.migrate()
    return database


def seeded(folder: Path) -> Database:
    """A database in ``folder`` with the seed."""
    database = migrated(folder)
    for path in SEED:
        publish(database, path.read_bytes())
    return database


def serving(database: Database) -> TestClient:
    """A client of the service over ``database``; failures of the service are answers, as over HTTP."""
    return TestClient(create_app(Settings(database_url=database.url)), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def seed_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service over the seed; nothing may publish to it."""
    database = seeded(tmp_path_factory.mktemp("seed"))
    with serving(database) as client:
        yield client
    database.engine.dispose()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database of its own."""
    made = migrated(tmp_path)
    yield made
    made.engine.dispose()


def rows(client: TestClient, address: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that a list answers with."""
    answer = client.get(address, params=parameters or None)  # empty ones would drop those in the address
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
