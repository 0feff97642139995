"""Compiled statements, and their execution by the driver: rows come as tuples, with nothing in between."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast
from sqlalchemy.engine.interfaces import Dialect

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement for one engine: its SQL, its parameters in order, and what makes the driver's values of ours."""

    sql: str
    parameters: tuple[str, ...]
    constants: Mapping[str, Any]
    converters: Mapping[str, Convert]

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """All rows, as the driver gives them."""
        driver: Any = connection.connection.dbapi_connection
        rows: list[tuple[Any, ...]] = driver.execute(self.sql, [self._bound(name, values) for name in self.parameters]).fetchall()
        return rows

    def _bound(self, name: str, values: Mapping[str, Any]) -> Any:
        value = values[name] if name in values else self.constants[name]
        convert = self.converters.get(name)
        return convert(value) if convert is not None else value


def plan(dialect: Dialect, statement: Select[Any]) -> Plan:
    """The statement, compiled for an engine."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names = tuple(compiled.positiontup or ())
    processors = {
        name: processor
        for bound, name in compiled.bind_names.items()
        if (processor := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    return Plan(str(compiled), names, dict(compiled.params), processors)


def at_most(count: int | ColumnElement[int], statement: Select[Any]) -> Select[Any]:
    """The statement with so many rows. SQLite would plan it anew for each value of a parameter that stands there alone."""
    return statement.limit(cast(count, Integer))
