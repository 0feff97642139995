"""From a resource and its query to one SQL statement."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, or_, select

from app.resource import At, Lang, ListQuery, Resource

OPERATORS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "in": lambda column, values: column.in_(values),
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Tables:
    """The tables of one statement: the resource's own, and those reached from it along foreign keys."""

    def __init__(self, table: Table, lang: Lang) -> None:
        """Paths are resolved in the language ``lang``."""
        self.table = table
        self.lang = lang
        self.clause: FromClause = table
        self._reached: dict[str, FromClause] = {}

    def column(self, path: str) -> ColumnElement[Any]:
        """The column that a path of a declaration names; joins what it needs."""
        *steps, name = path.format(lang=self.lang).split(".")
        table: FromClause = self.table
        for step in steps:
            table = self._follow(table, step)
        return table.c[name]

    def _follow(self, table: FromClause, step: str) -> FromClause:
        if step not in self._reached:
            (key,) = table.c[step].foreign_keys
            target = key.column.table.alias(f"{step}_")
            self._reached[step] = target
            self.clause = self.clause.outerjoin(target, table.c[step] == target.c[key.column.name])
        return self._reached[step]


def table_of(resource: Resource) -> Table:
    """The table of a resource."""
    table: Table = resource.row.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time
    return table


def standing(resource: Resource, tables: Tables) -> list[ColumnElement[bool]]:
    """What every row of the resource satisfies: it is of its kind, and of a fact the current version."""
    found = [tables.column(path) == value for path, value in resource.only.items()]
    if resource.versioned:
        found.append(tables.column("retracted_in").is_(None))
    return found


def conditions(resource: Resource, query: ListQuery, tables: Tables) -> list[ColumnElement[bool]]:
    """What the rows of a list must satisfy besides: each filter, and ``q``."""
    found = standing(resource, tables)
    for name, where in resource.filters.items():
        value = getattr(query, name)
        if value is not None:
            found.append(OPERATORS[where.operator](tables.column(where.path), value))
    if query.q is not None:
        found.extend(_contains(resource, word, tables) for word in query.q.split())
    return found


def _contains(resource: Resource, word: str, tables: Tables) -> ColumnElement[bool]:
    columns = (tables.column(path) for path in resource.search)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def needed(resource: Resource, names: tuple[str, ...]) -> tuple[str, ...]:
    """The paths to read, each once, so that the columns ``names`` can be made."""
    paths: dict[str, None] = {}
    for name in names:
        origin = resource.origins[name]
        paths.update(dict.fromkeys((origin.path,) if isinstance(origin, At) else origin.needs))
    return tuple(paths)


def statement(tables: Tables, paths: tuple[str, ...], where: list[ColumnElement[bool]]) -> Select[Any]:
    """The SELECT of ``paths`` under the conditions ``where``; the caller adds order and limit."""
    columns = [tables.column(path).label(f"c{number}") for number, path in enumerate(paths)]
    return select(*columns).select_from(tables.clause).where(and_(True, *where))  # noqa: FBT003  an empty AND needs it


def counting(tables: Tables, where: list[ColumnElement[bool]]) -> Select[Any]:
    """The SELECT that counts the rows under the conditions ``where``."""
    return select(func.count()).select_from(tables.clause).where(and_(True, *where))  # noqa: FBT003  see above
