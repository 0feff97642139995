"""Clearly synthetic data, through the project's own models: regions × indicators × years, and texts for the search."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlmodel import SQLModel

from app.db.database import Database
from app.db.indexes import index_texts
from app.domain.hedges import HEDGES, bounds_of, hedge_of
from app.domain.tokenizer import MARK, text_tokens
from app.publishing.rows import ReferencedRows, Row, derived_columns

INDICATORS, YEARS = 100, 25
BATCH = 20_000
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
RARE = "麒麟"
"""A word that a handful of the texts have."""


def fill(database: Database, rows: int, texts: int) -> None:
    """Regions enough for ``rows`` observations, and ``texts`` texts that can be searched."""
    tables = dict(SQLModel.metadata.tables)
    regions = max(2, rows // (INDICATORS * YEARS))
    with database.write() as connection:
        _one(connection, tables["revision"], _revision())
        _one(connection, tables["source"], _source())
        entities = [_region(number) for number in range(regions)]
        indicators = [_indicator(number) for number in range(INDICATORS)]
        connection.execute(insert(tables["entity"]), entities)
        connection.execute(insert(tables["indicator"]), indicators)
        by_id = ({row["id"]: row for row in table} for table in (entities, indicators, [_source()]))
        stored = ReferencedRows(*by_id)
        _bulk(connection, tables["observation"], _observations(regions, stored))
        _bulk(connection, tables["search_entry"], (_text(number) for number in range(1, texts + 1)))
        index_texts(connection, [_tokens(number) for number in range(1, texts + 1)])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA analysis_limit = 1000")  # and no samples: with them SQLite plans each query anew
        connection.exec_driver_sql("ANALYZE")


def region_id(number: int) -> str:
    """The id of a synthetic region."""
    return f"syn{number:06d}"


def _one(connection: Connection, table: Table, row: Row) -> None:
    connection.execute(insert(table), row)


def _bulk(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    """By the driver, as tuples: some millions of rows."""
    first = next(rows)
    names = list(first)
    places = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608  names of our own columns
    cursor = connection.connection.cursor()
    cursor.execute(sql, tuple(first.values()))
    while batch := list(islice(rows, BATCH)):
        cursor.executemany(sql, [tuple(row.values()) for row in batch])


def _revision() -> Row:
    sha256 = hashlib.sha256(b"synthetic").hexdigest()
    counts = {"added": 0, "changed": 0, "retracted": 0}
    return {"id": 1, "source": "synthetic", "action": "published", "published_at": MOMENT, "document_sha256": sha256,
            "document": b"", **counts}  # fmt: skip


def _source() -> Row:
    nothing: dict[str, Any] = dict.fromkeys(
        ("published_time", "author", "photographer", "url", "sha256", "views", "comments", "occasion_en", "occasion_zh")
    )
    texts = dict.fromkeys(("speakers_en", "speakers_zh", "not_stated_en", "not_stated_zh"), "")
    names = {"title": "Synthetic", "title_en": "Synthetic", "title_zh": "合成", "publisher_en": "Bench", "publisher_zh": "基准"}
    return {"id": "synthetic", "type": "report", "published_on": date(2024, 1, 1), "language": "en", "revision": 1,
            "retired": False, **nothing, **texts, **names}  # fmt: skip


def _region(number: int) -> Row:
    nothing: dict[str, Any] = dict.fromkeys(
        ("status", "region", "parent", "name_as_written", "since", "summary_en", "summary_zh", "line")
    )
    return {"id": region_id(number), "kind": "region", "type": "district", "scheme": "gbt2260", "name_basis": "literal",
            "name_en": f"Synthetic Region {number}", "name_zh": f"合成区{number}", "aliases": "", "source": "synthetic",
            "revision": 1, "retired": False, **nothing}  # fmt: skip


def _indicator(number: int) -> Row:
    return {"id": f"syn-indicator-{number:03d}", "name_en": f"Synthetic indicator {number}", "name_zh": f"合成指标{number}",
            "definition_en": "Synthetic.", "definition_zh": "合成。", "topic": "economy", "unit": "CNY", "unit_system": "iso4217",
            "unit_name_en": "yuan", "unit_name_zh": "元", "source": "synthetic", "revision": 1, "retired": False}  # fmt: skip


def _observations(regions: int, referenced: ReferencedRows) -> Iterator[Row]:
    words = [None, None, None, *list(HEDGES)[:5]]
    nothing: dict[str, Any] = dict.fromkeys(
        ("retracted_in", "speaker", "rank", "rank_of", "rank_band", "rank_scope_en", "rank_scope_zh", "rank_region")
    )
    for number in range(regions):
        for indicator in range(INDICATORS):
            for year in range(2000, 2000 + YEARS):
                value = float(1_000_000 + (number * 7919 + indicator * 104_729 + year * 31) % 9_000_000)
                word = words[(number + indicator + year) % len(words)]
                bounds = bounds_of(value, hedge_of(word))
                row = {"id": f"synthetic.{number:06d}-{indicator:03d}-{year}", "revision": 1, "source": "synthetic",
                       "line": 1 + indicator, "as_written": f"{word or ''}{value:.0f}元", "indicator": f"syn-indicator-{indicator:03d}",
                       "subject": region_id(number), "nature": "actual", "value": value,
                       "comparator": hedge_of(word).comparator, "lower": bounds.lower, "upper": bounds.upper,
                       "bounds_basis": bounds.basis, "hedge": word, "period_label": f"{year}年", "period_start": date(year, 1, 1),
                       "period_end": date(year, 12, 31), "period_basis": "stated", **nothing}  # fmt: skip
                row |= derived_columns(row, referenced)
                row["period_start"], row["period_end"] = f"{year}-01-01", f"{year}-12-31"
                yield row


def _text(number: int) -> Row:
    word = RARE if number % 15_000 == 1 else "产业"
    return {"id": number, "resource": "zones", "key": f"syn-zone-{number}", "region": None, "retired": False, "held_from": 1,
            "held_until": None, "title_en": f"Synthetic zone {number}", "title_zh": f"合成{word}园{number}", "body": f"第{number}个合成的园区"}  # fmt: skip


def _tokens(number: int) -> dict[str, Any]:
    row = _text(number)
    title, body = f"{row['title_en']} {row['title_zh']}", row["body"]
    return {"id": number, "title": " ".join(text_tokens(title)), "body": " ".join([f"{MARK}zones", *text_tokens(body)])}
