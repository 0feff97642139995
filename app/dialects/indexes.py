"""What each database does in its own words: tables that are only added to, and the search index."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    TextClause,
    text,
)

_APPEND_ONLY_DDL: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER {{table}}_no_{verb} BEFORE {verb} ON {{table}}"
        " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        """CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""",
        """CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()""",
    ),
}


def append_only_ddl(dialect: str, table: str) -> tuple[str, ...]:
    """The statements that keep rows of ``table`` from being changed or deleted, for migrations."""
    return tuple(statement.format(table=table) for statement in _APPEND_ONLY_DDL[dialect])


_INDEX_DDL: Mapping[str, tuple[str, ...]] = {
    "sqlite": (
        """CREATE VIRTUAL TABLE search_index USING fts5(
            title, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0"
        )""",
    ),
    "postgresql": (
        """CREATE TABLE search_index (
            rowid integer PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE, title text[] NOT NULL, body text[] NOT NULL
        )""",
        "CREATE INDEX ix_search_index_body ON search_index USING gin (body)",
    ),
}
_INDEX: Mapping[str, str] = {
    "sqlite": "INSERT INTO search_index (rowid, title, body) VALUES (:id, :title, :body)",
    "postgresql": """INSERT INTO search_index (rowid, title, body)
        VALUES (:id, string_to_array(:title, ' '), string_to_array(:title || ' ' || :body, ' '))""",
}
_FOUND: Mapping[str, str] = {
    "sqlite": "SELECT rowid, -bm25(search_index, 8.0, 1.0) AS score FROM search_index WHERE search_index MATCH :tokens",
    "postgresql": """SELECT rowid,
            (CASE WHEN title @> string_to_array(:tokens, ' ') THEN 8.0 ELSE 1.0 END) / cardinality(body) AS score
        FROM search_index WHERE body @> string_to_array(:tokens, ' ')""",
}


def search_index_ddl(dialect: str) -> tuple[str, ...]:
    """The statements that make the search index, for migrations."""
    return _INDEX_DDL[dialect]


def index_texts(connection: Connection, texts: Sequence[Mapping[str, Any]]) -> None:
    """Index the tokens, separated by spaces, of ``title`` and ``body`` under the ``id`` of a search entry."""
    if texts:
        connection.execute(text(_INDEX[connection.dialect.name]), texts)


def unindex_texts(connection: Connection, ids: Sequence[int]) -> None:
    """Take search entries out of the index."""
    if ids:
        connection.execute(text("DELETE FROM search_index WHERE rowid = :id"), [{"id": each} for each in ids])


def found_texts(connection: Connection, tokens: Sequence[str]) -> TextClause:
    """A statement of ``rowid`` and ``score`` (greater is better) of the search entries that have all ``tokens``.

    Tokens are words: letters and digits alone, so that none of them can be an operator.
    """
    joined = " ".join(f'"{token}"' for token in tokens) if connection.dialect.name == "sqlite" else " ".join(tokens)
    return text(_FOUND[connection.dialect.name]).bindparams(tokens=joined)
