"""How values are stored, and what the drivers make of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    TypeDecorator,
    UnaryExpression,
    case,
    cast,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.operators import custom_op
from sqlmodel import Field as Stored

Number = Float(53).with_variant(Numeric(asdecimal=False), "sqlite")
"""The type of figures: 8 bytes of floating point. SQLite's NUMERIC gives integral ones back as integers, as people write them."""


LARGEST_WHOLE = 2**31 - 1
"""The largest whole number that every engine keeps: of a revision, a line, a place, a count."""


Whole = BigInteger().with_variant(Integer, "sqlite")
"""The type of whole numbers that count on; as a primary key, SQLite finds its rows by it directly."""


PlainText = String().with_variant(String(collation="C"), "postgresql")
"""The type of text: compared and sorted by code points, as SQLite does."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would drop the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """Back with the time zone."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text(*, null: bool = False) -> Any:
    """A stored column of text of any length."""
    return Stored(sa_column_kwargs={"nullable": null}, sa_type=Text)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _moment_of_text(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


CELLS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "sqlite": {"boolean": bool, "strings": _lines, "datetime": _moment_of_text},
    "postgresql": {"strings": _lines, "datetime": _moment, "date": date.isoformat, "number": _whole},
}
"""What makes cells of the driver's values, by type of column; the other types are as the driver gives them."""


TEXTS: Mapping[str, Mapping[str, Callable[[ColumnElement[Any]], ColumnElement[Any]]]] = {
    "sqlite": {
        "boolean": lambda column: case({True: "true", False: "false"}, value=column),
        "datetime": lambda column: func.replace(type_coerce(column, String), " ", "T").concat("Z"),
        # SQLite writes fractions otherwise than JSON does, older versions with too few digits
        "number": lambda column: case((func.typeof(column) == "real", func.written(column)), else_=column),
    }
}
"""By engine that can make text of whole rows: what of columns whose cells are not the text already, by type."""


def line_of(columns: Sequence[tuple[ColumnElement[Any], str]], separator: str, dialect: str) -> ColumnElement[bytes]:
    """The cells of these columns, each with its type, as one text in UTF-8 with ``separator`` between them; nulls are empty."""
    texts = TEXTS[dialect]
    parts: list[ColumnElement[Any]] = []
    for column, kind in columns:
        parts += [literal_column(f"char({ord(separator)})"), texts[kind](column) if kind in texts else column]
    return cast(func.concat(*parts[1:]), LargeBinary)


def unindexed(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """The column such that no index of it is used: SQLite then goes through the rows in the order that is asked for."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type) if dialect == "sqlite" else column
