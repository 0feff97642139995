"""The representations of a dataset. ``FORMATS`` drives negotiation, OpenAPI, the command line and contract tests."""

from app.formats.base import Format
from app.formats.csv import CSV
from app.formats.json import JSON

FORMATS: tuple[Format, ...] = (JSON, CSV)
"""Every format; the first is the default."""

__all__ = ["BY_NAME", "FORMATS", "Format"]

BY_NAME: dict[str, Format] = {format_.name: format_ for format_ in FORMATS}
