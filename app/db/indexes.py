"""SQL that differs between databases: triggers of append-only tables, and the full-text search index."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, case, cast, func, literal_column, text
from sqlalchemy.dialects.postgresql import TSQUERY

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
    """Return the DDL, for migrations, that refuses updates and deletes of ``table``."""
    return tuple(statement.format(table=table) for statement in _APPEND_ONLY_DDL[dialect])


_INDEX: Mapping[str, str] = {
    "sqlite": "INSERT INTO search_index (rowid, title, body) VALUES (:id, :title, :body)",
    "postgresql": """INSERT INTO search_index (rowid, title, body)
        VALUES (:id, array_to_tsvector(string_to_array(:title, ' ')), array_to_tsvector(string_to_array(:text, ' ')))""",
}
_MATCH: Mapping[str, tuple[str, str, str]] = {"sqlite": ('"{}"', " AND ", " OR "), "postgresql": ("'{}'", " & ", " | ")}
"""Per dialect: a quoted token, the AND and the OR operator."""
_BEGINNING: Mapping[str, str] = {"sqlite": "*", "postgresql": ":*"}
"""Per dialect: the suffix of a token that matches as a prefix."""


def index_texts(connection: Connection, texts: Sequence[Mapping[str, Any]]) -> None:
    """Index the space-separated tokens of ``title`` and ``body`` under ``id``."""
    if texts:
        rows = [{**row, "text": f"{row['title']} {row['body']}".strip()} for row in texts]
        connection.execute(text(_INDEX[connection.dialect.name]), rows)


def clear_index(connection: Connection) -> None:
    """Delete all texts from the index."""
    connection.execute(text("DELETE FROM search_index"))


def expression(dialect: str, every: Sequence[str], some: Sequence[str] = ()) -> str:
    """Return the match expression for all tokens of ``every`` and one of ``some``.

    ``*`` at the end of a token matches it as a prefix. Tokens consist of letters, digits and marks, so none can be an operator.
    """
    literal, both, either = _MATCH[dialect]
    required, alternatives = (
        [literal.format(token.removesuffix("*")) + (_BEGINNING[dialect] if token.endswith("*") else "") for token in tokens]
        for tokens in (every, some)
    )
    return both.join([*required, f"({either.join(alternatives)})"] if alternatives else required)


def matches(dialect: str, query: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a row of the search index matches the query."""
    if dialect == "sqlite":
        return literal_column("search_index").op("MATCH", is_comparison=True)(query)
    return literal_column("search_index.body").op("@@", is_comparison=True)(cast(query, TSQUERY))


def score(dialect: str, query: ColumnElement[str]) -> ColumnElement[Any]:
    """Return the relevance of a row of the search index; matches in titles count more."""
    if dialect == "sqlite":
        return literal_column("-bm25(search_index, 8.0, 1.0)", Float)
    in_title = literal_column("search_index.title").op("@@", is_comparison=True)(cast(query, TSQUERY))
    return case((in_title, 8.0), else_=1.0) / func.length(literal_column("search_index.body"))
