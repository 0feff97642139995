"""Building blocks of resource declarations. A resource is data; the engine in ``app.query`` knows no particular resource.

Paths name columns: ``value`` is a column of the resource's own table, ``indicator.topic`` a column of the table that the
foreign key ``indicator`` points to, ``name_{lang}`` the column in the requested language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel

from app.domain.dataset import Column, ColumnType
from app.resources.parameter_types import AS_OF, ROWS, AsOf, Comma, Flag, Limit, Words

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = get_args(Lang)


@dataclass(frozen=True, slots=True)
class At:
    """Annotation with the path under which a column is stored, if that is not its own name."""

    path: str


@dataclass(frozen=True, slots=True)
class Trailing:
    """Annotation that places an inherited column after the model's own."""


Operator = Literal["in", "=", "<", "<=", ">", ">="]
Match = Literal["point", "certain", "possible"]


@dataclass(frozen=True, slots=True)
class Where:
    """Annotation that makes a parameter a filter: it compares the column at ``path`` with the parameter by ``operator``.

    For a hedged number, ``hedged`` names the columns of lower bound, upper bound and comparator. The parameter ``match`` then
    decides whether the stated number, every number that the claim leaves open, or any of them has to match.
    """

    path: str
    operator: Operator
    hedged: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Latest:
    """Rule of the parameter ``latest``: per group ``per``, keep the rows with the greatest ``coalesce(*newest)``."""

    per: tuple[str, ...]
    newest: tuple[str, ...]


def _make_optional(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class PublicRow(BaseModel):
    """The base of public models: a row as clients see it. ``fields`` may leave out any member."""

    model_config = ConfigDict(json_schema_extra=_make_optional)


class ItemQuery(BaseModel):
    """Parameters of an item."""

    model_config = ConfigDict(extra="forbid")

    lang: Annotated[
        Lang | None, Field(description="Language of names, summaries and statements; else Accept-Language, else `en`.")
    ] = None
    format: Annotated[str | None, Field(description="Response format; overrides Accept.")] = None
    fields: Annotated[list[str] | None, Comma, Field(description="Columns to return, in this order; all by default.")] = None


class FactItemQuery(ItemQuery):
    """Parameters of an item that is a fact."""

    as_of: Annotated[AsOf, Field(description=AS_OF)] = None


class ListQuery(ItemQuery):
    """Parameters of every list; subclasses add filters, one line per filter.

    ``ranges`` are pairs of filters of which the first may not be above the second.
    """

    ranges: ClassVar[tuple[tuple[str, str], ...]] = ()

    limit: Annotated[Limit, Field(description=ROWS)] = 100
    cursor: Annotated[
        str | None, Field(max_length=4000, description="Position to continue from: the `cursor` of a `next` link, unchanged.")
    ] = None
    total: Annotated[Flag, Field(description="Also count the rows of the whole result.")] = False
    sort: Annotated[
        list[str] | None,
        Comma,
        Field(description="Columns to sort by, `-` before a column for descending; nulls sort last and `id` breaks ties."),
    ] = None
    facets: Annotated[
        list[str] | None,
        Comma,
        Field(description="Columns whose values are counted over the whole result (in JSON and HTML)."),
    ] = None
    q: Annotated[
        Words | None,
        Field(
            description="Search text: every word matches a word or the beginning of a longer one, in any order; Chinese matches "
            "from one character on. Case, accents, width and traditional characters do not matter."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Include:
    """Rows of another resource that are included in an item.

    Attributes:
        resource: The name of the other resource.
        by: The filters of the other resource that receive this item's id; a row is included if any of them matches.
    """

    resource: str
    by: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource of the API: everything the engine needs to serve its list and its items.

    Attributes:
        name: The path segment, in the plural.
        row: The table.
        public: The model of one row; its fields are the columns, in order.
        query: The parameters of the list.
        tag: The heading in OpenAPI.
        summary: A description of the rows, for OpenAPI.
        sort: The columns that can be sorted by; the first is the default order.
        title: The paths of the parts of a row's title.
        search: The paths that ``q`` searches, besides the id and the title.
        only: Column values that every row has (the kind, if several resources share a table).
        includes: The rows of other resources in an item.
        facets: The columns whose values can be counted.
        latest: The rule of the parameter ``latest``, if the resource has it.
        orders: The sort orders, besides the default, that an index serves; for long streams.
        encoded: For resources with very many rows: by language, the table of the current rows as JSON objects (``body``), keyed
            by the ``number`` of the row.
    """

    name: str
    row: type[SQLModel]
    public: type[BaseModel]
    query: type[ListQuery]
    tag: str
    summary: str
    sort: tuple[str, ...] = ("id",)
    title: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[Include, ...] = ()
    facets: tuple[str, ...] = ()
    latest: Latest | None = None
    orders: tuple[tuple[str, ...], ...] = ()
    encoded: Mapping[Lang, type[SQLModel]] | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row, in order."""
        ordered = sorted(self.public.model_fields.items(), key=lambda item: marker(item[1], Trailing) is not None)
        return tuple(Column(name, _column_type(info.annotation), info.description or "") for name, info in ordered)

    def chosen(self, fields: Sequence[str] | None) -> tuple[Column, ...]:
        """Return the columns of these names without repeats, or all columns."""
        return tuple(self._by_name[name] for name in dict.fromkeys(fields)) if fields else self.columns

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def origins(self) -> dict[str, At]:
        """The storage path of each column."""
        return {name: marker(info, At) or At(name) for name, info in self.public.model_fields.items()}

    @cached_property
    def filters(self) -> dict[str, Where]:
        """The filters among the parameters of the list, by parameter name."""
        markers = {name: marker(info, Where) for name, info in self.query.model_fields.items()}
        return {name: where for name, where in markers.items() if where is not None}

    @property
    def versioned(self) -> bool:
        """True if the rows are facts, whose earlier versions are kept."""
        return "retracted_in" in self.row.model_fields

    @property
    def singular(self) -> str:
        """The name of one row: ``zone``."""
        return self.public.__name__.lower()


Kind = TypeVar("Kind")


def marker(info: FieldInfo, kind: type[Kind]) -> Kind | None:
    """Return the annotation of class ``kind`` on a field, or None."""
    return next((item for item in info.metadata if isinstance(item, kind)), None)


_TYPES: dict[Any, ColumnType] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    date: "date",
    datetime: "datetime",
    list: "strings",
}


def _column_type(annotation: Any) -> ColumnType:
    """Return the column type of an annotation, ignoring None and constraints."""
    if get_origin(annotation) in (Union, UnionType):
        return _column_type(next(part for part in get_args(annotation) if part is not type(None)))
    if get_origin(annotation) is Literal:
        return "string"
    if get_origin(annotation) is Annotated:
        return _column_type(get_args(annotation)[0])
    return _TYPES[get_origin(annotation) or annotation]
