"""The dataset: the one type between queries and formats, with named columns, rows, metadata and links."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from app.domain.urls import with_parameter

ColumnType = Literal["string", "html", "integer", "number", "boolean", "date", "datetime", "strings"]
"""The type of a column's cells: ``strings`` is a list of strings, ``html`` text with markup. Every column may be null."""

Cell = str | int | float | bool | list[str] | None
Row = Sequence[Cell]
RowForm = Literal["cells", "objects"]
"""The form of rows: cells by position or, where stored, each row as a JSON object."""

Facets = Mapping[str, Sequence[tuple[Cell, int]]]
"""Per column, the values in the whole result with their counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column: name, type and description. Compared by identity, so that tuples of columns hash fast."""

    name: str
    type: ColumnType
    description: str


@dataclass(frozen=True, slots=True)
class Hint:
    """A possible reason for an empty result: a parameter names something unknown; ``suggestion`` is the nearest name."""

    parameter: str
    value: str
    message: str
    suggestion: str | None

    @property
    def sentence(self) -> str:
        """The hint in one line."""
        text = f"{self.parameter}={self.value}: {self.message}"
        return text if self.suggestion is None else f"{text.removesuffix('.')}; did you mean {self.suggestion}?"

    def document(self) -> dict[str, str]:
        """Return the hint as a member of ``meta.hints``, without an empty suggestion."""
        return {name: text for name, text in asdict(self).items() if text is not None}


@dataclass(frozen=True, slots=True)
class Meta:
    """Metadata of a dataset.

    Attributes:
        revision: The revision of the data set that was read.
        count: Rows in this response.
        total: Rows of the whole result, if requested.
        truncated: Of an item, the included resources that have more rows than the item includes.
        hints: Of an empty list, possible reasons.
    """

    revision: int
    count: int
    total: int | None = None
    truncated: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns, rows by position, and their metadata.

    Attributes:
        name: The name of the resource.
        columns: The columns, in the order of a row's cells.
        rows: The rows, in their form; a stream can be iterated once.
        meta: The metadata.
        next: The cursor of the next page of a list; None on the last page.
        links: URLs by relation type (RFC 8288).
        facets: The requested counts of values.
        form: The form of the rows: ``Row`` for cells, else bytes.
        included: Of an item, the included rows of other resources; None for a list.
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
        """The number of rows, including those of included resources."""
        return self.meta.count + sum(rows.meta.count for rows in (self.included or {}).values())

    def linked(self, address: str) -> "Dataset":
        """Return the dataset with links to ``address`` and to its next page."""
        if self.included is not None:
            return replace(self, links={"self": address, **self.links})
        return replace(self, links={"self": address, "next": with_parameter(address, "cursor", self.next) if self.next else None})

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The content of a response that is not a table: ``data``, ``meta`` and ``links``.

    Attributes:
        data: Plain values, ready to be encoded as JSON.
        meta: The metadata.
        next: The cursor of the next page; None on the last page.
        pages: True for a page of a list, which always says whether there is a next one.
        links: URLs by relation type (RFC 8288).
    """

    data: Any
    meta: Mapping[str, Any]
    next: str | None = None
    pages: bool = False
    links: Mapping[str, str | None] = field(default_factory=dict)

    def linked(self, address: str) -> "Envelope":
        """Return the envelope with links to ``address`` and to its next page."""
        following = {"next": with_parameter(address, "cursor", self.next) if self.next else None} if self.pages else {}
        return replace(self, links={"self": address, **following})

    def document(self) -> dict[str, Any]:
        """Return the JSON object of the response."""
        return {"data": self.data, "meta": self.meta, "links": self.links}
