"""The search over entities, indicators, observations and sources: one ranked list."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, column, select, table

from app.dataset import Column, Dataset, Meta
from app.dialects.indexes import found_texts
from app.query.history import current_revision
from app.resource import MAX_QUERY_LENGTH, Ids, ItemQuery, Lang
from app.tokens import asked, snippet

_ENTRY = table("search_entry", *map(column, ("id", "resource", "key", "region", "title_en", "title_zh", "body")))

COLUMNS = (
    Column("resource", "string", "The resource that the row found is of."),
    Column("id", "string", "Its id."),
    Column("region", "string", "The region that it is or belongs to."),
    Column("title", "string", "Its name in the language asked for."),
    Column("snippet", "string", "HTML of the text around the match, which is marked; all else is escaped."),
)


class SearchQuery(BaseModel):
    """The parameters of a search."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_QUERY_LENGTH,
            description="Text to find: every word of it; Chinese from one character on. No character is an operator.",
        ),
    ]
    resource: Annotated[Ids, Field(description="Only rows of these resources.")] = None
    region: Annotated[Ids, Field(description="Only what is or belongs to these regions.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Rows in the answer.")] = 20
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[str | None, Field(description=ItemQuery.model_fields["format"].description)] = None


def search(connection: Connection, query: SearchQuery, lang: Lang) -> Dataset:
    """The texts that have every word of ``query.q``, the best first."""
    revision = current_revision(connection)
    tokens = asked(query.q)
    if not tokens:
        return Dataset("search", COLUMNS, [], Meta(revision, 0))
    found = found_texts(connection, tokens).columns(column("rowid"), column("score")).subquery("found")
    wanted = select(_ENTRY, found.c.score).join(found, found.c.rowid == _ENTRY.c.id)
    if query.resource:
        wanted = wanted.where(_ENTRY.c.resource.in_(query.resource))
    if query.region:
        wanted = wanted.where(_ENTRY.c.region.in_(query.region))
    rows = [
        [row["resource"], row["key"], row["region"], row[f"title_{lang}"], _snippet(row, query.q, lang)]
        for row in connection.execute(
            wanted.order_by(found.c.score.desc(), _ENTRY.c.resource, _ENTRY.c.key).limit(query.limit)
        ).mappings()
    ]
    return Dataset("search", COLUMNS, rows, Meta(revision, len(rows)))


def _snippet(row: Mapping[Any, Any], query: str, lang: Lang) -> str:
    """The first text with a match: the title, the title in the other language, a line of the body."""
    other = "zh" if lang == "en" else "en"
    texts = (row[f"title_{lang}"], row[f"title_{other}"], *row["body"].split("\n"), row["key"])
    made = (snippet(text, query) for text in texts)
    return next((text for text in made if "<mark>" in text), snippet(texts[0], query))
