"""The narrow waist between reading and writing out: a table of named columns and rows, with what is said about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["string", "integer", "number", "boolean", "date", "datetime", "strings"]
"""What a column holds; ``strings`` is a list of strings. Every column may be null."""

Cell = str | int | float | bool | list[str] | None
Row = Sequence[Cell]
Facets = Mapping[str, Sequence[tuple[Cell, int]]]
"""Of columns the values in the whole result, each with its count."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column: its name, type and meaning. Each is itself alone, so that tuples of columns are quick to look up."""

    name: str
    type: ColumnType
    description: str


@dataclass(frozen=True, slots=True)
class Meta:
    """What holds for the whole answer.

    Attributes:
        revision: The revision of the data set that was read.
        count: Rows in this answer.
        total: Rows of the whole result, where asked for.
        truncated: Of an item, the included resources of which there are more rows than it carries.
    """

    revision: int
    count: int
    total: int | None = None
    truncated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns and rows by position, and what is said about them.

    Attributes:
        name: Of the resource.
        columns: What the cells of a row are.
        rows: The rows; those of a stream can be gone through once.
        meta: What holds for the whole answer.
        links: Addresses by relation type (RFC 8288).
        facets: The counts that were asked for.
        encoded: The rows as JSON objects, where they are kept as such; then there are no ``rows``.
        included: Of an item, the rows of other resources that it carries; None for a list.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    meta: Meta
    links: Mapping[str, str | None] = field(default_factory=dict)
    facets: Facets = field(default_factory=dict)
    encoded: Sequence[bytes] | None = None
    included: "Mapping[str, Dataset] | None" = None

    def records(self) -> list[dict[str, Cell]]:
        """The rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]
