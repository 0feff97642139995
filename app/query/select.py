"""From a resource and its query to one SQL statement."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, or_, select

from app.resource import At, Lang, Latest, ListQuery, Match, Operator, Resource, Where

OPERATORS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "in": lambda column, values: column.in_(values),
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """The numbers that a source leaves open: those between the bounds, which belong to them unless the comparator is strict."""

    lower: ColumnElement[Any]
    upper: ColumnElement[Any]
    comparator: ColumnElement[Any]

    def all_above(self, number: float) -> ColumnElement[bool]:
        """Every number of the claim is greater."""
        return or_(self.lower > number, and_(self.lower == number, self.comparator == ">"))

    def all_below(self, number: float) -> ColumnElement[bool]:
        """Every number of the claim is less."""
        return or_(self.upper < number, and_(self.upper == number, self.comparator == "<"))

    def some_above(self, number: float) -> ColumnElement[bool]:
        """Some number of the claim is greater."""
        return or_(self.upper.is_(None), self.upper > number)

    def some_below(self, number: float) -> ColumnElement[bool]:
        """Some number of the claim is less."""
        return or_(self.lower.is_(None), self.lower < number)

    def some_at_least(self, number: float) -> ColumnElement[bool]:
        """Some number of the claim is as great."""
        return or_(self.some_above(number), and_(self.upper == number, self.comparator != "<"))

    def some_at_most(self, number: float) -> ColumnElement[bool]:
        """Some number of the claim is as little."""
        return or_(self.some_below(number), and_(self.lower == number, self.comparator != ">"))


HEDGED: Mapping[Match, Mapping[Operator, Callable[[Claim, float], ColumnElement[bool]]]] = {
    "certain": {
        "<": lambda claim, number: claim.all_below(number),
        "<=": lambda claim, number: claim.upper <= number,
        "=": lambda claim, number: and_(claim.lower == number, claim.upper == number),
        ">=": lambda claim, number: claim.lower >= number,
        ">": lambda claim, number: claim.all_above(number),
    },
    "possible": {
        "<": lambda claim, number: claim.some_below(number),
        "<=": lambda claim, number: claim.some_at_most(number),
        "=": lambda claim, number: and_(claim.some_at_least(number), claim.some_at_most(number)),
        ">=": lambda claim, number: claim.some_at_least(number),
        ">": lambda claim, number: claim.some_above(number),
    },
}
"""What ``match`` makes of each operator: certainly so, whatever the hedge leaves open, or possibly so, not ruled out."""


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


def standing(resource: Resource, tables: Tables, as_of: int | None) -> list[ColumnElement[bool]]:
    """What every row of the resource satisfies: it is of its kind, and of a fact the version that held at ``as_of``."""
    found = [tables.column(path) == value for path, value in resource.only.items()]
    if resource.versioned:
        ended = tables.column("retracted_in")
        found += [ended.is_(None)] if as_of is None else [tables.column("revision") <= as_of, ended.is_(None) | (ended > as_of)]
    return found


def conditions(resource: Resource, query: ListQuery, tables: Tables, as_of: int | None) -> list[ColumnElement[bool]]:
    """What the rows of a list must satisfy: they stand, and pass each filter, ``q`` and ``latest``."""
    found = standing(resource, tables, as_of)
    for name, where in resource.filters.items():
        value = getattr(query, name)
        if value is not None:
            found.append(_passes(where, getattr(query, "match", "point"), value, tables))
    if query.q is not None:
        found.extend(_contains(resource, word, tables) for word in query.q.split())
    if resource.latest is not None and getattr(query, "latest", False):
        found.append(_newest(resource.latest, tables, found))
    return found


def _passes(where: Where, match: Match, value: Any, tables: Tables) -> ColumnElement[bool]:
    column = tables.column(where.path)
    if where.hedged is None or match == "point":
        return OPERATORS[where.operator](column, value)
    lower, upper, comparator = (tables.column(path) for path in where.hedged)
    return and_(column.is_not(None), HEDGED[match][where.operator](Claim(lower, upper, comparator), value))


def _newest(latest: Latest, tables: Tables, where: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Of the rows under ``where`` those that no other of their kind is newer than; several may be equally new."""
    per = [tables.column(path) for path in latest.per]
    newest = func.coalesce(*(tables.column(path) for path in latest.newest))
    place = func.rank().over(partition_by=per, order_by=newest.desc()).label("place")
    identifier = tables.column("id")
    ranked = select(identifier.label("id"), place).select_from(tables.clause).where(*where).subquery()
    return identifier.in_(select(ranked.c.id).where(ranked.c.place == 1))


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
