"""What each database does in its own words: tables that are only added to, and the search index."""

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
    """The statements that keep rows of ``table`` from being changed or deleted, for migrations."""
    return tuple(statement.format(table=table) for statement in _APPEND_ONLY_DDL[dialect])


_INDEX: Mapping[str, str] = {
    "sqlite": "INSERT INTO search_index (rowid, title, body) VALUES (:id, :title, :body)",
    "postgresql": """INSERT INTO search_index (rowid, title, body)
        VALUES (:id, array_to_tsvector(string_to_array(:title, ' ')), array_to_tsvector(string_to_array(:text, ' ')))""",
}
_MATCH: Mapping[str, tuple[str, str, str]] = {"sqlite": ('"{}"', " AND ", " OR "), "postgresql": ("'{}'", " & ", " | ")}
"""A token, all of several, any of several."""
_BEGINNING: Mapping[str, str] = {"sqlite": "*", "postgresql": ":*"}


def index_texts(connection: Connection, texts: Sequence[Mapping[str, Any]]) -> None:
    """Index the tokens, separated by spaces, of ``title`` and ``body`` under the ``id`` of a search entry."""
    if texts:
        rows = [{**each, "text": f"{each['title']} {each['body']}".strip()} for each in texts]
        connection.execute(text(_INDEX[connection.dialect.name]), rows)


def clear_index(connection: Connection) -> None:
    """Take all texts out of the index."""
    connection.execute(text("DELETE FROM search_index"))


def expression(dialect: str, every: Sequence[str], some: Sequence[str] = ()) -> str:
    """Return what matches texts that have ``every`` token and, where there are any, one of ``some``; ``*`` ends a beginning.

    Tokens are letters, digits and what belongs to them, so that none can be an operator.
    """
    literal, both, either = _MATCH[dialect]
    each, other = (
        [literal.format(token.removesuffix("*")) + (_BEGINNING[dialect] if token.endswith("*") else "") for token in tokens]
        for tokens in (every, some)
    )
    return both.join([*each, f"({either.join(other)})"] if other else each)


def matches(dialect: str, wanted: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a row of the search index matches the expression ``wanted``."""
    if dialect == "sqlite":
        return literal_column("search_index").op("MATCH", is_comparison=True)(wanted)
    return literal_column("search_index.body").op("@@", is_comparison=True)(cast(wanted, TSQUERY))


def score(dialect: str, wanted: ColumnElement[str]) -> ColumnElement[Any]:
    """How well a row of the search index matches: the greater the better; a title counts more."""
    if dialect == "sqlite":
        return literal_column("-bm25(search_index, 8.0, 1.0)", Float)
    in_title = literal_column("search_index.title").op("@@", is_comparison=True)(cast(wanted, TSQUERY))
    return case((in_title, 8.0), else_=1.0) / func.length(literal_column("search_index.body"))
