"""The search index, in the SQL of each engine."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, case, cast, func, literal_column, text
from sqlalchemy.dialects.postgresql import TSQUERY

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


def remove_texts(connection: Connection, ids: Sequence[int]) -> None:
    """Remove the texts of the search entries with these ids from the index."""
    if ids:
        connection.execute(text("DELETE FROM search_index WHERE rowid = :id"), [{"id": number} for number in ids])


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
