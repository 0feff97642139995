"""Results of the tools of agents: their schemas, compact rows, and as many of them as fit an agent's context."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MOST = 25_000
"""Characters of a result, of which its JSON is a part twice: as it is, and as text."""
ROOM = MOST - 1_500
"""Characters for its rows; the rest is for what stands around them."""

Row = dict[str, Any]


class Loose(BaseModel):
    """A row: the members that are always there; further columns where ``fields`` asks for them."""

    model_config = ConfigDict(extra="allow")


class Figure(Loose):
    """A figure, and how it may be repeated."""

    id: str
    statement: str = Field(description="The sentence that may be printed.")
    value: float | None = None
    comparator: str | None = Field(None, description="How the true value stands to `value`; `=` without hedge.")
    hedge: str | None = Field(None, description="The literal hedging word.")
    unit: str | None = None
    period: str | None = Field(None, description="A day, an interval, or the period as written; null where none is stated.")
    hedge_required: bool = Field(description="Whether the figure must be repeated with its hedge.")
    citation: str = Field(description="Source, line and literal phrase.")


class Compared(Figure):
    """A figure of one region, compared with that of the first."""

    subject: str
    difference: dict[str, Any]
    ratio: dict[str, Any] | None


class Hit(Loose):
    """What a search has found; of an observation also what `get_observations` says of it."""

    resource: str
    id: str
    region: str | None
    title: str
    snippet: str = Field(description="HTML of the text around the match, which is marked.")


class Known(Loose):
    """A row of another resource."""

    id: str


class Rest(BaseModel):
    """What every result says of itself."""

    meta: dict[str, Any] = Field(description="The revision that was read, and hints.")
    next_cursor: str | None = Field(description="For the rest: call again with it as `cursor` and the same other arguments.")
    note: str | None = Field(description="What was cut, and how to get it.")


class Figures(Rest):
    """Figures, as many as fit."""

    data: list[Figure]


class Comparison(Rest):
    """The figures of regions side by side."""

    data: list[Compared]


class Hits(Rest):
    """The best matches."""

    data: list[Hit]


class Indicators(Rest):
    """What can be measured."""

    data: list[Known]


class Parts(BaseModel):
    """Parts of a profile; those that are absent are empty, or come with the next cursor."""

    region: Known
    metrics: list[Figure] = Field([], description="Figures of the region itself.")
    designations: list[Known] = Field([], description="Titles of the region.")
    clusters: list[Known] = Field([], description="Its clusters, with their titles.")
    zones: list[Known] = Field([], description="Its zones, with their titles.")
    programmes: list[Known] = Field([], description="Its programmes, with their titles.")
    projects: list[Known] = Field([], description="Its projects, with their titles.")
    figures: list[Figure] = Field([], description="Figures of what belongs to the region.")
    organisations: list[Known] = Field([], description="Relations to the region itself.")
    relations: list[Known] = Field([], description="Relations to what belongs to the region.")
    not_stated: list[Known] = Field([], description="What the sources of these figures leave open, in our words.")


class Profile(Rest):
    """What is known about a region, part by part."""

    data: Parts


class Citation(Rest):
    """How to cite a figure: `text`, or `items` in CSL-JSON."""

    text: str | None = None
    items: list[dict[str, Any]] | None = None


FIGURE = ("value", "comparator", "hedge", "unit", "period")
"""What is said of a figure unless ``fields`` asks for something else."""
FOR_FIGURE = ("id", "statement", *FIGURE[:-1], "period_label", "period_start", "period_end", "source", "line", "as_written")
"""The columns that a compact figure is made of."""


def figure(row: Row, fields: Sequence[str] = FIGURE, beside: Sequence[str] = ()) -> Row:
    """Return the row in short: with the ``fields`` asked for, and always with what must not be lost of a figure."""
    said = row | {"period": _period(row)}
    return {
        **{name: said[name] for name in ("id", "statement", *fields, *beside)},
        "hedge_required": row["comparator"] not in (None, "=") or row["hedge"] is not None,
        "citation": citation(row),
    }


def citation(row: Row) -> str:
    """Return where a fact stands: source, line and literal phrase."""
    return f"{row['source']}, line {row['line']}: {row['as_written']}"


def _period(row: Row) -> str | None:
    start, end = row["period_start"], row["period_end"]
    if start is None or end is None:
        label: str | None = row["period_label"]
        return label
    return str(start) if start == end else f"{start}/{end}"


MOST_ITEMS = 20
CUT = "… [cut; the REST API has it whole]"
"""What a text that was cut ends with."""


def cut(value: Any, most: int) -> Any:
    """Return the value with texts of about ``most`` characters, and lists of at most ``MOST_ITEMS``."""
    if isinstance(value, str):
        return value if len(value) <= most + len(CUT) else value[:most] + CUT
    if isinstance(value, list):
        return [cut(item, most) for item in value[:MOST_ITEMS]] + [CUT] * (len(value) > MOST_ITEMS)
    return {name: cut(member, most) for name, member in value.items()} if isinstance(value, dict) else value


def written(value: Any) -> str:
    """Return the value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size(value: Any) -> int:
    """Return the characters that a result takes for the value: as JSON, and as JSON in a text."""
    text = written(value)
    return len(text) + len(json.dumps(text, ensure_ascii=False))


def shortened(value: Any, room: int = ROOM) -> Any:
    """Return the value, with its texts cut where it would not fit otherwise."""
    if size(value) <= room:
        return value
    shorter = (cut(value, most) for most in (1000, 300, 100))
    return next((each for each in shorter if size(each) <= room), cut(value, 30))


def fitting(rows: Sequence[Row], room: int, least: int = 1) -> list[Row]:
    """Return the first rows, as many as there is room for, but at least ``least``."""
    kept: list[Row] = []
    for row in rows:
        shown = shortened(row)
        room -= size(shown) + 2
        if room < 0 and len(kept) >= least:
            break
        kept.append(shown)
    return kept
