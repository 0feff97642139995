"""The narrow waist between reading and writing out: a table of named columns and rows, with what is said about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from app.domain.urls import replaced

ColumnType = Literal["string", "html", "integer", "number", "boolean", "date", "datetime", "strings"]
"""What a column holds; ``strings`` is a list of strings, ``html`` text with markup. Every column may be null."""

Cell = str | int | float | bool | list[str] | None
Row = Sequence[Cell]
RowForm = Literal["cells", "objects", "lines"]
"""How rows come: cell by cell or, where that is to be had, each as a JSON object or as a line of its cells as text."""

SEPARATOR = "\x1f"
"""Between the cells of a line: the unit separator of ASCII, which no text that is published contains."""

Facets = Mapping[str, Sequence[tuple[Cell, int]]]
"""Of columns the values in the whole result, each with its count."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column: its name, type and meaning. Each is itself alone, so that tuples of columns are quick to look up."""

    name: str
    type: ColumnType
    description: str


@dataclass(frozen=True, slots=True)
class Hint:
    """Why perhaps nothing was found: a parameter names something that there is not; ``suggestion`` is most like it."""

    parameter: str
    value: str
    message: str
    suggestion: str | None

    @property
    def sentence(self) -> str:
        """The hint in one line."""
        said = f"{self.parameter}={self.value}: {self.message}"
        return said if self.suggestion is None else f"{said.removesuffix('.')}; did you mean {self.suggestion}?"

    def document(self) -> dict[str, str]:
        """The hint as a member of ``meta.hints``; without a suggestion where there is none."""
        return {name: text for name, text in asdict(self).items() if text is not None}


@dataclass(frozen=True, slots=True)
class Meta:
    """What holds for the whole answer.

    Attributes:
        revision: The revision of the data set that was read.
        count: Rows in this answer.
        total: Rows of the whole result, where asked for.
        truncated: Of an item, the included resources of which there are more rows than it carries.
        hints: Of an empty list, what may be the cause.
    """

    revision: int
    count: int
    total: int | None = None
    truncated: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns and rows by position, and what is said about them.

    Attributes:
        name: Of the resource.
        columns: What the cells of a row are.
        rows: The rows, in their form; those of a stream can be gone through once.
        meta: What holds for the whole answer.
        next: The cursor of the next page of a list; None on the last page.
        links: Addresses by relation type (RFC 8288).
        facets: The counts that were asked for.
        form: How the rows come: as ``Row``, or each as bytes.
        included: Of an item, the rows of other resources that it carries; None for a list.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Any]
    meta: Meta
    next: str | None = None
    links: Mapping[str, str | None] = field(default_factory=dict)
    facets: Facets = field(default_factory=dict)
    form: RowForm = "cells"
    included: "Mapping[str, Dataset] | None" = None

    @property
    def size(self) -> int:
        """The number of rows, with those that an item carries."""
        return self.meta.count + sum(rows.meta.count for rows in (self.included or {}).values())

    def linked(self, address: str) -> "Dataset":
        """Return the dataset with links to itself, at ``address``, and of a list to its next page."""
        if self.included is not None:
            return replace(self, links={"self": address, **self.links})
        return replace(self, links={"self": address, "next": replaced(address, "cursor", self.next) if self.next else None})

    def records(self) -> list[dict[str, Cell]]:
        """The rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The content of a response that is not a table: ``data``, ``meta`` and ``links``.

    Attributes:
        data: Plain values, ready to be encoded as JSON.
        meta: What holds for the whole response.
        next: The cursor of the next page; None on the last page.
        pages: Whether it is a page of a list, which always says whether there is a next one.
        links: Addresses by relation type (RFC 8288).
    """

    data: Any
    meta: Mapping[str, Any]
    next: str | None = None
    pages: bool = False
    links: Mapping[str, str | None] = field(default_factory=dict)

    def linked(self, address: str) -> "Envelope":
        """Return the envelope with links to itself, at ``address``, and of a list to its next page."""
        following = {"next": replaced(address, "cursor", self.next) if self.next else None} if self.pages else {}
        return replace(self, links={"self": address, **following})

    def document(self) -> dict[str, Any]:
        """Return the JSON object of the response."""
        return {"data": self.data, "meta": self.meta, "links": self.links}
