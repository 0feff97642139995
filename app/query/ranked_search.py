"""Search over entities, indicators, observations and sources: one ranked list."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.db.indexes import score
from app.domain.dataset import Column, Dataset, Meta
from app.domain.tokenizer import snippet
from app.query.snapshot import Snapshot
from app.query.text_index import ENTRY, TEXT, holds, matching, search_expression
from app.resources.base import ItemQuery, Lang
from app.resources.parameter_types import Ids, Integer, Words

COLUMNS = (
    Column("resource", "string", "The resource that the row found is of."),
    Column("id", "string", "Its id."),
    Column("region", "string", "The region that it is or belongs to."),
    Column("title", "string", "Its name in the language asked for."),
    Column("snippet", "html", "HTML of the text around the match, which is marked; all else is escaped."),
)
NOT_SEARCHED = ("relations", "designations", "revisions")
"""Resources whose rows are found by their own lists alone."""


class SearchQuery(BaseModel):
    """The parameters of a search."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        Words, Field(description="Text to find: every word of it; Chinese from one character on. No character is an operator.")
    ]
    resource: Annotated[Ids, Field(description="Only rows of these resources.")] = None
    region: Annotated[Ids, Field(description="Only what is or belongs to these regions.")] = None
    limit: Annotated[Integer, Field(ge=1, le=100, description="Rows in the answer.")] = 20
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None
    format: Annotated[str | None, Field(description=ItemQuery.model_fields["format"].description)] = None


def search(snapshot: Snapshot, query: SearchQuery) -> Dataset:
    """Return the texts that have every word of ``query.q``, the best match first."""
    connection, lang = snapshot.connection, snapshot.lang
    dialect = connection.dialect.name
    points = score(dialect, TEXT).label("score")
    where = [holds(), ENTRY.c.retired.is_(False), ENTRY.c.resource.not_in(NOT_SEARCHED)]
    if query.region:
        where.append(ENTRY.c.region.in_(query.region))
    entries = matching(dialect, *ENTRY.c, points).where(*where)
    entries = entries.order_by(points.desc(), ENTRY.c.resource, ENTRY.c.key).limit(query.limit)
    rows = [
        [row["resource"], row["key"], row["region"], row[f"title_{lang}"], _snippet(row, query.q, lang)]
        for row in connection.execute(entries, {"text": search_expression(dialect, query.q, query.resource or ())}).mappings()
    ]
    return Dataset("search", COLUMNS, rows, Meta(snapshot.revision, len(rows)))


def _snippet(row: Mapping[Any, Any], query: str, lang: Lang) -> str:
    """Return the first text with a match: a title or a line of the body."""
    other = "zh" if lang == "en" else "en"
    texts = (row[f"title_{lang}"], row[f"title_{other}"], *row["body"].split("\n"), row["key"])
    snippets = (snippet(text, query) for text in texts)
    return next((text for text in snippets if "<mark>" in text), snippet(texts[0], query))
