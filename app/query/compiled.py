"""Compiled statements: executed by the driver, whose tuples become the rows of a dataset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast
from sqlalchemy.engine.interfaces import Dialect

from app.db.types import CELLS
from app.domain.dataset import Row
from app.resources.base import Resource

Convert = Callable[[Any], Any]
Shaper = Callable[[Sequence[tuple[Any, ...]]], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement compiled for one engine.

    Attributes:
        sql: Its text.
        parameters: The names of its parameters, in order.
        constants: Values of parameters that are always the same.
        converters: Functions that convert values for the driver, by parameter.
    """

    sql: str
    parameters: tuple[str, ...]
    constants: Mapping[str, Any]
    converters: Mapping[str, Convert]

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Return all rows, as the driver gives them."""
        driver: Any = connection.connection.dbapi_connection
        rows: list[tuple[Any, ...]] = driver.execute(self.sql, [self._bound(name, values) for name in self.parameters]).fetchall()
        return rows

    def _bound(self, name: str, values: Mapping[str, Any]) -> Any:
        value = values[name] if name in values else self.constants[name]
        convert = self.converters.get(name)
        return convert(value) if convert is not None else value


def plan(dialect: Dialect, statement: Select[Any]) -> Plan:
    """Compile a statement for an engine."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names = tuple(compiled.positiontup or ())
    processors = {
        name: processor
        for bound, name in compiled.bind_names.items()
        if (processor := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    return Plan(str(compiled), names, dict(compiled.params), processors)


def at_most(count: int | ColumnElement[int], statement: Select[Any]) -> Select[Any]:
    """Limit a statement to ``count`` rows.

    The CAST keeps SQLite from planning again for each value of a bound LIMIT (6 % of a page).
    """
    return statement.limit(cast(count, Integer))


def shaper(resource: Resource, names: Sequence[str], dialect: str) -> Shaper:
    """Return a function that makes rows with the columns ``names`` of tuples.

    Most cells are as the driver gives them; only the others are converted.
    """
    cells = CELLS[dialect]
    width = len(names)
    patches = [(place, cells[kind]) for place, name in enumerate(names) if (kind := resource.column(name).type) in cells]

    def shape(stored: Sequence[tuple[Any, ...]]) -> Sequence[Row]:
        if stored and len(stored[0]) > width:
            stored = [row[:width] for row in stored]
        return [_patched(row, patches) for row in stored] if patches else stored

    return shape


def _patched(row: tuple[Any, ...], patches: Sequence[tuple[int, Convert]]) -> list[Any]:
    cells = list(row)
    for place, convert in patches:
        if cells[place] is not None:
            cells[place] = convert(cells[place])
    return cells
