"""Results of the tools: their schemas, compact rows, and limits that fit an agent's context."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MOST = 25_000
"""Characters of a result, which contains its JSON twice: as structured content and as text."""
ROOM = MOST - 1_500
"""Characters of a result for rows; the rest is for the envelope."""

Row = dict[str, Any]


class Loose(BaseModel):
    """A row with its fixed members, and further columns if ``fields`` requests them."""

    model_config = ConfigDict(extra="allow")


class Figure(Loose):
    """A figure, with the sentence in which it may be repeated."""

    id: str
    statement: str = Field(description="The sentence that may be printed.")
    value: float | None = None
    comparator: str | None = Field(None, description="How the true value compares with `value`; `=` without hedge.")
    hedge: str | None = Field(None, description="The literal hedging word.")
    unit: str | None = None
    period: str | None = Field(None, description="A day, an interval, or the period as written; null if none is stated.")
    hedge_required: bool = Field(description="True if the figure must be repeated with its hedge.")
    citation: str = Field(description="Source, line and literal phrase.")


class Compared(Figure):
    """A figure of one region, compared with that of the first."""

    subject: str
    difference: dict[str, Any]
    ratio: dict[str, Any] | None


class Hit(Loose):
    """A search hit; an observation also has its fields of `get_observations`."""

    resource: str
    id: str
    region: str | None
    title: str
    snippet: str = Field(description="The text around the match, as HTML with the match marked.")


class Known(Loose):
    """A row of another resource."""

    id: str


class Rest(BaseModel):
    """Metadata of every result."""

    meta: dict[str, Any] = Field(description="The revision that was read, and hints.")
    next_cursor: str | None = Field(description="For more rows: call again with it as `cursor` and the same other arguments.")
    note: str | None = Field(description="Instructions for getting the rows that were cut off.")


class Figures(Rest):
    """As many figures as fit."""

    data: list[Figure]


class Comparison(Rest):
    """The figures of regions side by side."""

    data: list[Compared]


class Hits(Rest):
    """The best matches."""

    data: list[Hit]


class Indicators(Rest):
    """Definitions of indicators."""

    data: list[Known]


class Parts(BaseModel):
    """Parts of a profile; an absent part is empty, or follows with the next cursor."""

    region: Known
    metrics: list[Figure] = Field([], description="Figures of the region itself.")
    designations: list[Known] = Field([], description="Titles of the region.")
    clusters: list[Known] = Field([], description="Its clusters, with their titles.")
    zones: list[Known] = Field([], description="Its zones, with their titles.")
    programmes: list[Known] = Field([], description="Its programmes, with their titles.")
    projects: list[Known] = Field([], description="Its projects, with their titles.")
    figures: list[Figure] = Field([], description="Figures of entities that belong to the region.")
    organisations: list[Known] = Field([], description="Relations to the region itself.")
    relations: list[Known] = Field([], description="Relations to entities that belong to the region.")
    not_stated: list[Known] = Field([], description="Details that the sources of these figures leave open, in our own words.")


class Profile(Rest):
    """Everything known about a region, part by part."""

    data: Parts


class Citation(Rest):
    """Citation of a figure: `text`, or `items` in CSL-JSON."""

    text: str | None = None
    items: list[dict[str, Any]] | None = None


FIGURE = ("value", "comparator", "hedge", "unit", "period")
"""Default fields of a figure, if ``fields`` requests no others."""
FOR_FIGURE = ("id", "statement", *FIGURE[:-1], "period_label", "period_start", "period_end", "source", "line", "as_written")
"""Columns from which a compact figure is built."""


def figure(row: Row, fields: Sequence[str] = FIGURE, extra: Sequence[str] = ()) -> Row:
    """Return a compact figure with ``fields`` and ``extra``.

    Id, statement, citation and ``hedge_required`` are always included: a figure must not be repeated without them.
    """
    members = row | {"period": _period(row)}
    return {
        **{name: members[name] for name in ("id", "statement", *fields, *extra)},
        "hedge_required": row["comparator"] not in (None, "=") or row["hedge"] is not None,
        "citation": citation(row),
    }


def citation(row: Row) -> str:
    """Return the citation of a fact: source, line and literal phrase."""
    return f"{row['source']}, line {row['line']}: {row['as_written']}"


def _period(row: Row) -> str | None:
    start, end = row["period_start"], row["period_end"]
    if start is None or end is None:
        label: str | None = row["period_label"]
        return label
    return str(start) if start == end else f"{start}/{end}"


MOST_ITEMS = 20
"""Items of a list that was cut."""
CUT = "… [cut; the REST API has it whole]"
"""Ending of a text that was cut."""


def cut(value: Any, most: int) -> Any:
    """Return the value with texts cut to ``most`` characters, lists to ``MOST_ITEMS``."""
    if isinstance(value, str):
        return value if len(value) <= most + len(CUT) else value[:most] + CUT
    if isinstance(value, list):
        return [cut(item, most) for item in value[:MOST_ITEMS]] + [CUT] * (len(value) > MOST_ITEMS)
    return {name: cut(member, most) for name, member in value.items()} if isinstance(value, dict) else value


def compact_json(value: Any) -> str:
    """Return the value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size(value: Any) -> int:
    """Return the characters of the value in a result: as JSON, and as JSON in a text."""
    text = compact_json(value)
    return len(text) + len(json.dumps(text, ensure_ascii=False))


def shortened(value: Any, room: int = ROOM) -> Any:
    """Return the value, with its texts cut if it would not fit otherwise."""
    if size(value) <= room:
        return value
    versions = (cut(value, most) for most in (1000, 300, 100))
    return next((version for version in versions if size(version) <= room), cut(value, 30))


def fitting(rows: Sequence[Row], room: int, least: int = 1) -> list[Row]:
    """Return as many of the first rows as fit, but at least ``least``."""
    result: list[Row] = []
    for row in rows:
        shorter = shortened(row)
        room -= size(shorter) + 2
        if room < 0 and len(result) >= least:
            break
        result.append(shorter)
    return result
