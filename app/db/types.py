"""Column types, and the conversion of driver values to cells and to text."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    UnaryExpression,
    event,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.operators import custom_op
from sqlmodel import AutoString, SQLModel
from sqlmodel import Field as Stored

# before any table is declared: a constraint gets its name when it is added to its table
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


Number = Float(53).with_variant(Numeric(asdecimal=False), "sqlite")
"""The type of figures: 64-bit floats. SQLite's NUMERIC returns integral values as integers, as people write them."""


LARGEST_WHOLE = 2**31 - 1
"""The largest value of INTEGER columns on every engine: revisions, lines, places, counts."""


Whole = BigInteger().with_variant(Integer, "sqlite")
"""The type of growing row numbers; on SQLite, as a primary key, it is the rowid itself."""


PlainText = String().with_variant(String(collation="C"), "postgresql")
"""The type of text: compared and sorted by code points, as SQLite does."""


@event.listens_for(Column, "before_parent_attach")
def _compare_by_code_points(column: Column[Any], table: object) -> None:
    """Declare text columns as ``PlainText``: cursors rely on one order of text."""
    is_ours = isinstance(table, Table) and table.metadata is SQLModel.metadata
    if is_ours and isinstance(column.type, String | AutoString):
        column.type = PlainText


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would drop the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """Convert to UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """Restore the time zone."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text(*, null: bool = False) -> Any:
    """Return the field of a column of text of any length."""
    return Stored(sa_column_kwargs={"nullable": null}, sa_type=Text)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _moment_of_text(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def moment_text(moment: datetime, timespec: str = "auto") -> str:
    """Return a moment in UTC as ISO 8601 with ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


CELLS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "sqlite": {"boolean": bool, "strings": _lines, "datetime": _moment_of_text},
    "postgresql": {"strings": _lines, "datetime": moment_text, "date": date.isoformat, "number": _whole},
}
"""Converters from driver values to cells, by dialect and column type; values of other types are cells already."""


def unindexed(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return the column in a form for which SQLite uses no index.

    It then reads the rows in the order that the query asks for.
    """
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type) if dialect == "sqlite" else column
