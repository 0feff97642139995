"""The schema: made, undone and remade by the migrations, whole or not at all, and the same as the models."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, inspect
from sqlalchemy.exc import IntegrityError

from app.db.database import Database
from app.publishing.revisions import publish
from app.resources import ALL
from app.settings import bundled
from tests.conftest import SEED, NewDatabase, discard

METADATA = ALL[0].row.metadata
COLUMN = ("type", "nullable", "default", "computed", "identity")
"""What is compared of a column."""


def schema(database: Database) -> set[str]:
    """The statements that make the schema, as SQLite keeps them."""
    with database.read() as connection:
        return {sql for (sql,) in connection.exec_driver_sql("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}


def names(database: Database) -> set[str]:
    """The names of tables, columns, indexes, and constraints of any engine."""
    found = set()
    with database.read() as connection:
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            if table == "alembic_version" or table.startswith("search_index"):
                continue
            checks = [] if database.engine.dialect.name == "sqlite" else inspector.get_check_constraints(table)
            parts = (*inspector.get_columns(table), *inspector.get_indexes(table), *inspector.get_foreign_keys(table), *checks)
            found |= {f"{table}.{part['name']}" for part in parts}
    return found


def structure(database: Database) -> dict[str, dict[str, Any]]:
    """All that the engine knows of each table of the models, as comparable texts."""
    found = {}
    with database.read() as connection:
        inspector = inspect(connection)
        for table in METADATA.tables:
            found[table] = {
                "columns": {
                    column["name"]: {
                        part: str(column.get(part)) for part in ("type", "nullable", "default", "computed", "identity")
                    }
                    for column in inspector.get_columns(table)
                },
                "primary key": written([inspector.get_pk_constraint(table)]),
                "foreign keys": written(inspector.get_foreign_keys(table)),
                "unique": written(inspector.get_unique_constraints(table)),
                "checks": written(inspector.get_check_constraints(table)),
                "indexes": written(inspector.get_indexes(table)),
                "options": options(connection, table),
            }
    return found


def written(parts: Iterable[Any]) -> list[str]:
    """The constraints or indexes as texts, in any order."""
    return sorted(json.dumps(part, default=str, sort_keys=True) for part in parts)


def options(connection: Connection, table: str) -> str:
    """Whether a table of SQLite is WITHOUT ROWID, and STRICT; other engines have no such options here."""
    if connection.dialect.name != "sqlite":
        return ""
    return str(connection.exec_driver_sql("SELECT wr, strict FROM pragma_table_list WHERE name = ?", (table,)).one())


def test_up_down_and_up_again(database: Database) -> None:
    whole = names(database)
    assert whole
    database.migrate("base")
    assert names(database) == set()
    database.migrate()
    assert names(database) == whole


def test_migrating_again_changes_nothing(database: Database) -> None:
    publish(database, SEED[0].read_bytes())
    before = names(database)
    database.migrate()
    assert names(database) == before
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entity").scalar_one() > 0


def test_models_and_migrations_agree(database: Database, new_database: NewDatabase) -> None:
    """Whatever the engine knows of a table is the same, whether the migrations or the models made it."""
    made = new_database()
    made.migrate("base")
    METADATA.create_all(made.engine)
    by_models, by_migrations = structure(made), structure(database)
    discard(made)
    assert set(by_models) == set(METADATA.tables)
    for table, parts in by_models.items():
        assert by_migrations[table] == parts, table


def test_every_constraint_has_a_name(database: Database) -> None:
    for table, parts in structure(database).items():
        for kind in ("primary key", "foreign keys", "unique", "checks", "indexes"):
            assert all('"name": null' not in constraint for constraint in parts[kind]), (table, kind)


def test_a_migration_stopped_half_way_leaves_the_old_schema(tmp_path: Path) -> None:
    """Every migration, stopped at each of its statements: the schema is the old one, and the next run completes it."""
    scripts = ScriptDirectory.from_config(Database("sqlite://", bundled("migrations")).scripts)
    for script in reversed(list(scripts.walk_revisions())):
        statement = 0
        while True:
            folder = tmp_path / f"{script.revision}-{statement}"
            folder.mkdir()
            database = Database(f"sqlite:///{folder / 'indicators.db'}", bundled("migrations"))
            if script.down_revision:
                database.migrate(str(script.down_revision))
            before = schema(database)
            stopped = _stopped(database, script.revision, statement)
            after = schema(database)
            database.migrate(script.revision)
            complete = schema(database)
            database.engine.dispose()
            if not stopped:
                break
            assert after == before
            assert complete != before
            statement += 1
        assert statement > 0


def _stopped(database: Database, revision: str, statement: int) -> bool:
    """Migrate, but fail before the schema statement of that number; whether there was one."""
    seen = 0

    def fail(_connection: Connection, _cursor: object, sql: str, *_: object) -> None:
        nonlocal seen
        if sql.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")) and "alembic" not in sql:
            if seen == statement:
                raise KeyboardInterrupt
            seen += 1

    event.listen(database.engine, "before_cursor_execute", fail)
    try:
        database.migrate(revision)
    except KeyboardInterrupt:
        return True
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
    return False


OBSERVATION: dict[str, object] = {
    "id": "news.x", "revision": 1, "retracted_in": None, "source": "reference", "line": 1, "as_written": "1",
    "speaker": None, "indicator": "companies", "subject": "310104", "subject_kind": "region", "region": "310104",
    "nature": "actual", "value": 1, "comparator": "=", "lower": 1, "upper": 1, "bounds_basis": "stated", "hedge": None,
    "rank": None, "rank_of": None, "rank_band": None, "rank_scope_en": None, "rank_scope_zh": None, "rank_region": None,
    "period_label": None, "period_start": None, "period_end": None, "period_basis": "unstated",
    "statement_en": "x", "statement_zh": "x",
}  # fmt: skip

IMPOSSIBLE: list[dict[str, object]] = [
    {"nature": "maybe"},
    {"comparator": "ad"},
    {"lower": 2},
    {"upper": 0},
    {"bounds_basis": "none"},
    {"value": None},
    {"value": None, "comparator": None, "bounds_basis": None, "lower": None, "upper": None},
    {"hedge": "近", "value": None, "comparator": None, "bounds_basis": None, "lower": None, "upper": None, "rank": 1},
    {"period_label": "2023"},
    {"period_basis": "stated"},
    {"period_basis": "derived", "period_label": "去年"},
    {"period_basis": "stated", "period_label": "2023", "period_start": "2023-01-01"},
    {"line": 0},
    {"retracted_in": 1},
    {"rank": 0},
    {"rank": 3, "rank_of": 2},
    {"rank": 1, "rank_band": "leading"},
    {"subject": "nothing"},
    {"indicator": "nothing"},
    {"source": "nothing"},
]


def test_the_database_itself_refuses_impossible_facts(database: Database) -> None:
    publish(database, SEED[0].read_bytes())
    table = METADATA.tables["observation"]
    nothing: dict[str, object] = {}
    for changes in (nothing, *IMPOSSIBLE):
        row = OBSERVATION | changes
        row = {key: date.fromisoformat(str(value)) if key in ("period_start", "period_end") and value else value
               for key, value in row.items()}  # fmt: skip
        try:
            with database.write() as connection:
                connection.execute(insert(table), row)
                refused = False
                connection.rollback()
        except IntegrityError:
            refused = True
        assert refused == bool(changes), changes
