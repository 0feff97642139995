"""A database that cannot be served: one clear line, an exit code, and the file as it was."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db.database import Database
from app.errors import Refusal
from app.main import create_app
from app.publishing.derived_data import DERIVED_FORMATS
from app.settings import Settings, bundled
from tests.conftest import migrated


def foreign(path: Path) -> None:
    """Another program's database."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")


def foreign_alembic(path: Path) -> None:
    """Another program's database, also made by Alembic."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('ff00')")


def newer(path: Path) -> None:
    """A database of a later version of this software."""
    database = migrated(f"sqlite:///{path}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    database.engine.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def older(path: Path) -> None:
    """A database of an earlier version's schema."""
    database = Database(f"sqlite:///{path}", bundled("migrations"))
    database.migrate("0001")
    database.close()


def older_format(path: Path) -> None:
    """A database of this version's schema, whose JSON rows an earlier version wrote."""
    database = migrated(f"sqlite:///{path}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE derived SET format = 0 WHERE kind = 'json_rows'")
    database.close()


BAD: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "missing": (lambda _: None, "does not exist; run `indicators migrate`", False),
    "empty": (lambda path: path.touch(), "is empty; run `indicators migrate`", False),
    "text": (lambda path: path.write_text("not a database " * 100), "not an SQLite database", True),
    "folder": (lambda path: path.mkdir(), "not an SQLite database", True),
    "foreign": (foreign, "belongs to another program", True),
    "foreign_alembic": (foreign_alembic, "belongs to another program", True),
    "newer": (newer, "made by a newer version", True),
    "older": (older, "has schema 0001, this software needs 0002; run `indicators migrate`", False),
    "older_format": (older_format, "in format 0, this software needs 1; run `indicators migrate`", False),
}
"""Of each bad database how it comes about, what is said of it, and whether migrating refuses it too."""


@pytest.mark.parametrize("name", BAD)
def test_a_database_that_cannot_be_served_is_left_alone(tmp_path: Path, name: str) -> None:
    make, said, unmigratable = BAD[name]
    path = tmp_path / "indicators.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    settings = Settings(database_url=f"sqlite:///{path}")
    with pytest.raises(Refusal, match=said) as caught:
        create_app(settings)
    assert "\n" not in str(caught.value)
    if unmigratable:
        with pytest.raises(Refusal, match=said):
            Database(settings.database_url, bundled("migrations")).migrate()
    assert (path.read_bytes() if path.is_file() else None) == before
    assert path.exists() == (name != "missing")


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "sqlite:////proc/nothing/here.db", ""])
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(Refusal) as caught:
        create_app(Settings(database_url=url))
    assert "\n" not in str(caught.value)


def test_an_empty_file_can_be_migrated(tmp_path: Path, sqlite_url: str) -> None:
    (tmp_path / "indicators.db").touch()
    migrated(sqlite_url).require_current(DERIVED_FORMATS)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Refusal, match="cannot be reached"):
        create_app(Settings(database_url="postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing"))
