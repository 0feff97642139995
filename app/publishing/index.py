"""The search index: kept in step with every publication, in its transaction."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, or_, select
from sqlmodel import SQLModel

from app.dialects.indexes import index_texts, unindex_texts
from app.tokens import indexed

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
ENTRY, SOURCE, ENTITY, INDICATOR, OBSERVATION = (
    TABLES[name] for name in ("search_entry", "source", "entity", "indicator", "observation")
)
Entry = dict[str, Any]


def reindex(connection: Connection, source: str, revision: int) -> None:
    """Index what the source declares and states now, and the observations of others about what the revision altered."""
    entities, indicators = (select(table.c.id).where(table.c.revision == revision) for table in (ENTITY, INDICATOR))
    others = or_(OBSERVATION.c.subject.in_(entities), OBSERVATION.c.indicator.in_(indicators))
    entries = [
        *_sources(connection, source),
        *_indicators(connection, source),
        *_entities(connection, source),
        *_observations(connection, or_(OBSERVATION.c.source == source, others)),
    ]
    about_them = (ENTRY.c.resource == "observations") & ENTRY.c.key.in_(select(OBSERVATION.c.id).where(others))
    these = or_(ENTRY.c.source == source, about_them)
    unindex_texts(connection, list(connection.execute(select(ENTRY.c.id).where(these)).scalars()))
    connection.execute(delete(ENTRY).where(these))
    if not entries:
        return
    connection.execute(insert(ENTRY), entries)
    inserted = connection.execute(select(ENTRY.c.resource, ENTRY.c.key, ENTRY.c.id).where(these))
    made = {(row.resource, row.key): row.id for row in inserted}
    index_texts(connection, [{"id": made[entry["resource"], entry["key"]], **_tokens(entry)} for entry in entries])


def _tokens(entry: Entry) -> dict[str, str]:
    """What an entry is found by. An observation has no name of its own, so it ranks below what its title names."""
    names, texts = f"{entry['title_en']} {entry['title_zh']}", f"{entry['key']} {entry['body']}"
    if entry["resource"] == "observations":
        names, texts = "", f"{names} {texts}"
    return {"title": " ".join(indexed(names)), "body": " ".join(indexed(texts))}


def _entry(resource: str, row: Any, titles: tuple[str, str], region: str | None, *texts: str | None) -> Entry:
    body = "\n".join(text for text in texts if text)
    return {
        "resource": resource,
        "key": row.id,
        "source": row.source if resource != "sources" else row.id,
        "region": region,
        "title_en": titles[0],
        "title_zh": titles[1],
        "body": body,
    }


def _sources(connection: Connection, source: str) -> Iterator[Entry]:
    for row in connection.execute(select(SOURCE).where(SOURCE.c.id == source, SOURCE.c.retired.is_(False))):
        texts = (row.title, row.publisher_en, row.publisher_zh, row.author, row.occasion_en, row.occasion_zh)
        yield _entry("sources", row, (row.title_en, row.title_zh), None, *texts)


def _indicators(connection: Connection, source: str) -> Iterator[Entry]:
    for row in connection.execute(select(INDICATOR).where(INDICATOR.c.source == source, INDICATOR.c.retired.is_(False))):
        yield _entry("indicators", row, (row.name_en, row.name_zh), None, row.definition_en, row.definition_zh)


def _entities(connection: Connection, source: str) -> Iterator[Entry]:
    for row in connection.execute(select(ENTITY).where(ENTITY.c.source == source, ENTITY.c.retired.is_(False))):
        region = row.id if row.kind == "region" else row.region
        texts = (row.name_as_written, row.aliases, row.summary_en, row.summary_zh)
        yield _entry(f"{row.kind}s", row, (row.name_en, row.name_zh), region, *texts)


def _observations(connection: Connection, where: ColumnElement[bool]) -> Iterator[Entry]:
    joined = OBSERVATION.join(INDICATOR, OBSERVATION.c.indicator == INDICATOR.c.id).join(
        ENTITY, OBSERVATION.c.subject == ENTITY.c.id
    )
    columns = (
        OBSERVATION.c.id,
        OBSERVATION.c.source,
        OBSERVATION.c.region,
        OBSERVATION.c.as_written,
        OBSERVATION.c.rank_scope_en,
        OBSERVATION.c.rank_scope_zh,
        (ENTITY.c.name_en + " – " + INDICATOR.c.name_en).label("title_en"),
        (ENTITY.c.name_zh + "——" + INDICATOR.c.name_zh).label("title_zh"),
    )
    current = select(*columns).select_from(joined).where(OBSERVATION.c.retracted_in.is_(None), where)
    for row in connection.execute(current):
        texts = (row.as_written, row.rank_scope_en, row.rank_scope_zh)
        yield _entry("observations", row, (row.title_en, row.title_zh), row.region, *texts)
