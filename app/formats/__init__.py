"""Formats of a dataset. ``FORMATS`` drives negotiation, OpenAPI, the command line and contract tests."""

from functools import lru_cache

from app.domain.dataset import Column
from app.formats import html, parquet
from app.formats.base import Format
from app.formats.csv import CSV
from app.formats.json import JSON
from app.formats.jsonstat import JSONSTAT
from app.formats.ndjson import NDJSON
from app.formats.parquet import PARQUET

__all__ = ["BY_NAME", "FORMATS", "Format", "formats_for"]

_DATA = (JSON, NDJSON, CSV, *((PARQUET,) if parquet.AVAILABLE else ()), JSONSTAT)
FORMATS: tuple[Format, ...] = (*_DATA, html.with_links_to(_DATA))
"""Every format; the first is the default."""

BY_NAME: dict[str, Format] = {format_.name: format_ for format_ in FORMATS}
"""The formats by name."""


@lru_cache(maxsize=1024)
def formats_for(columns: tuple[Column, ...]) -> tuple[Format, ...]:
    """Return the formats in which a dataset with these columns can be written."""
    return tuple(format_ for format_ in FORMATS if format_.fits(columns))
