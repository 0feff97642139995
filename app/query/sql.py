"""From a resource and the shape of a query to SQL; the values come in when it is executed.

Queries of one shape (the same filters with as many values, the same columns, the same order) share one compiled statement.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlmodel import SQLModel

from app.db.types import unindexed
from app.query.snapshot import AS_OF
from app.query.text_index import contains, wanted
from app.resources.base import Lang, Latest, ListQuery, Match, Operator, Resource, Where

Condition = ColumnElement[bool]

OPERATORS: Mapping[Operator, Callable[[Any, Any], Condition]] = {
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

    def all_above(self, number: Any) -> Condition:
        """Every number of the claim is greater."""
        return or_(self.lower > number, and_(self.lower == number, self.comparator == ">"))

    def all_below(self, number: Any) -> Condition:
        """Every number of the claim is less."""
        return or_(self.upper < number, and_(self.upper == number, self.comparator == "<"))

    def some_above(self, number: Any) -> Condition:
        """Some number of the claim is greater."""
        return or_(self.upper.is_(None), self.upper > number)

    def some_below(self, number: Any) -> Condition:
        """Some number of the claim is less."""
        return or_(self.lower.is_(None), self.lower < number)

    def some_at_least(self, number: Any) -> Condition:
        """Some number of the claim is as great."""
        return or_(self.some_above(number), and_(self.upper == number, self.comparator != "<"))

    def some_at_most(self, number: Any) -> Condition:
        """Some number of the claim is as little."""
        return or_(self.some_below(number), and_(self.lower == number, self.comparator != ">"))


HEDGED: Mapping[Match, Mapping[Operator, Callable[[Claim, Any], Condition]]] = {
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


ENCODED = "*"
"""Name and path of the row as a whole: the JSON object that is kept of it, null where none is."""


class Tables:
    """The tables of one statement: the resource's own, and those reached from it along foreign keys."""

    def __init__(self, resource: Resource, lang: Lang, dialect: str, *, as_of: bool = False) -> None:
        """Paths are resolved in the language ``lang``; columns are as they were at the parameter ``as_of``, or as they are."""
        self.resource = resource
        self.table = table_of(resource)
        self.lang = lang
        self.dialect = dialect
        self.as_of = as_of
        self.clause: FromClause = self.table
        self._reached: dict[str, FromClause] = {}
        self._earlier: dict[FromClause, FromClause] = {}

    def column(self, path: str) -> ColumnElement[Any]:
        """The column that a path of a declaration names; joins what it needs."""
        if path == ENCODED:
            return self._encoded()
        *steps, name = path.format(lang=self.lang).split(".")
        table: FromClause = self.table
        for step in steps:
            table = self._follow(table, step)
        return self._then(table, name) if self.as_of else table.c[name]

    def columns(self, paths: Iterable[str]) -> list[ColumnElement[Any]]:
        """The columns that these paths name."""
        return [self.column(path) for path in paths]

    def _encoded(self) -> ColumnElement[bytes]:
        kept = encoded_table_of(self.resource, self.lang)
        self.clause = self.clause.outerjoin(kept, kept.c.number == self.table.c.number)
        return kept.c.body

    def _then(self, table: FromClause, name: str) -> ColumnElement[Any]:
        """The column as it was: as in the earlier state that held then, if the row was changed since."""
        if name == "retracted_in":
            return null()  # what stood then had no end yet
        kept = before(table, name)
        if kept is None:
            return table.c[name]
        state = self._earlier.get(table)
        if state is None:
            state = self._earlier[table] = kept.alias(f"{kept.name}_{len(self._earlier)}")
            held = and_(state.c.id == table.c.id, state.c.held_from <= AS_OF, state.c.held_until > AS_OF)
            self.clause = self.clause.outerjoin(state, held)
        return case((state.c.id.is_not(None), state.c[name]), else_=table.c[name])

    def passing(self, path: str, test: Callable[[ColumnElement[Any]], Condition]) -> Condition:
        """The rows whose column at ``path`` passes ``test``. Where it may have been another, candidates are found by indexes."""
        step, _, name = path.rpartition(".")
        key = self.table.c[step or "id"]
        table = referenced(key) if step else self.table
        kept = before(table, name)
        if not self.as_of or kept is None:
            return test(self.column(path))
        candidates = union_all(*(select(rows.c.id).where(test(rows.c[name])) for rows in (table.alias("now"), kept)))
        return and_(key.in_(candidates), test(self.column(path)))

    def _follow(self, table: FromClause, step: str) -> FromClause:
        if step not in self._reached:
            target = referenced(table.c[step]).alias(f"{step}_")
            self._reached[step] = target
            self.clause = self.clause.outerjoin(target, table.c[step] == target.c.id)
        return self._reached[step]


def referenced(key: ColumnElement[Any]) -> Table:
    """The table whose ``id`` a column refers to."""
    (found,) = key.foreign_keys
    table: Table = found.column.table
    return table


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a query decides its SQL, without the values.

    Attributes:
        filters: The filters that are given, each with the number of its values, or None where it takes one.
        text: Whether ``q`` is given, and very many texts match it.
        match: What filters on hedged figures compare.
        latest: Whether only the newest period is kept.
        as_of: Whether an earlier revision is read.
        in_order: The columns of the order in which rows are gone through rather than looked up by the filters: what a long
            stream needs, which would otherwise sort all its rows anew for each of its pieces.
    """

    filters: tuple[tuple[str, int | None], ...] = ()
    text: Literal["few", "common"] | None = None
    match: Match = "point"
    latest: bool = False
    as_of: bool = False
    in_order: tuple[str, ...] = ()


def shape_of(
    resource: Resource, query: ListQuery, as_of: int | None, in_order: tuple[str, ...] = (), *, common: bool = False
) -> Shape:
    """The shape of a query; ``in_order`` as the shape has it, ``common`` where very many texts match."""
    given = vars(query)
    return Shape(
        tuple(
            (name, len(value) if isinstance(value, list) else None)
            for name in resource.filters
            if (value := given[name]) is not None
        ),
        None if query.q is None else "common" if common else "few",
        given.get("match", "point"),
        given.get("latest", False),
        as_of is not None,
        in_order,
    )


def values_of(resource: Resource, query: ListQuery, as_of: int | None, dialect: str) -> dict[str, Any]:
    """The values of a query, by the parameters that its statement has."""
    found: dict[str, Any] = {} if as_of is None else {"as_of": as_of}
    given = vars(query)
    for name in resource.filters:
        value = given[name]
        if isinstance(value, list):
            found |= {f"{name}_{number}": each for number, each in enumerate(value)}
        elif value is not None:
            found[name] = value
    if query.q is not None:
        found["text"] = wanted(dialect, query.q, [resource.name])
    return found


def table_of(resource: Resource) -> Table:
    """The table of a resource."""
    return _table(resource.row)


def encoded_table_of(resource: Resource, lang: Lang) -> Table:
    """The table of a resource's rows as JSON objects in a language. Raises TypeError where none are kept."""
    if resource.encoded is None:
        raise TypeError(f"no {resource.name} are kept as JSON objects")
    return _table(resource.encoded[lang])


def before(table: FromClause, name: str) -> Table | None:
    """The table of the earlier states of a table's rows, where their column ``name`` is kept: identities never change."""
    base: Any = getattr(table, "element", table)
    found: Table | None = base.metadata.tables.get(f"{base.name}_before")
    return None if found is None or name == "id" or name not in found.c else found


def _table(row: type[SQLModel]) -> Table:
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time
    return table


def standing(resource: Resource, tables: Tables, *, looked_up: bool = False) -> list[Condition]:
    """What every row of the resource satisfies: it is of its kind, and of a fact the version that held at ``as_of``.

    Rows that are looked up by their ids are not to be gone through by their kind.
    """
    kinds = ((tables.column(path), value) for path, value in resource.only.items())
    found = [(unindexed(column, tables.dialect) if looked_up else column) == value for column, value in kinds]
    if resource.versioned:
        begun, ended = tables.table.c.revision, tables.table.c.retracted_in
        found += [begun <= AS_OF, ended.is_(None) | (ended > AS_OF)] if tables.as_of else [ended.is_(None)]
    return found


def conditions(resource: Resource, shape: Shape, tables: Tables) -> list[Condition]:
    """What the rows of a list must satisfy: they stand, and pass each filter, ``q`` and ``latest``."""
    found = standing(resource, tables, looked_up=shape.text == "few")
    for name, count in shape.filters:
        found.append(_passes(resource.filters[name], shape, _parameters(name, count), tables))
    if shape.text is not None:
        key, common = tables.column("id"), shape.text == "common"
        found.append(contains(resource.name, key, tables.dialect, common=common, as_of=tables.as_of))
    if resource.latest is not None and shape.latest:
        found.append(_newest(resource.latest, tables, found))
    return found


def _parameters(name: str, count: int | None) -> Any:
    return (
        bindparam(name, required=False)
        if count is None
        else [bindparam(f"{name}_{number}", required=False) for number in range(count)]
    )


def _passes(where: Where, shape: Shape, value: Any, tables: Tables) -> Condition:
    column, match = tables.column(where.path), shape.match
    in_order = shape.in_order and where.path not in shape.in_order
    if in_order:
        column = unindexed(column, tables.dialect)
    if where.hedged is None or match == "point":
        test = OPERATORS[where.operator]
        return test(column, value) if in_order else tables.passing(where.path, lambda each: test(each, value))
    lower, upper, comparator = (tables.column(path) for path in where.hedged)
    return and_(column.is_not(None), HEDGED[match][where.operator](Claim(lower, upper, comparator), value))


def _newest(latest: Latest, tables: Tables, where: list[Condition]) -> Condition:
    """Of the rows under ``where`` those that no other of their kind is newer than; several may be equally new."""
    per = [tables.column(path) for path in latest.per]
    newest = func.coalesce(*(tables.column(path) for path in latest.newest))
    place = func.rank().over(partition_by=per, order_by=newest.desc()).label("place")
    identifier = tables.column("id")
    ranked = select(identifier.label("id"), place).select_from(tables.clause).where(*where).subquery()
    return identifier.in_(select(ranked.c.id).where(ranked.c.place == 1))


def needed(resource: Resource, names: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of the columns ``names``."""
    return tuple(name if name == ENCODED else resource.origins[name].path for name in names)


def statement(tables: Tables, columns: Sequence[ColumnElement[Any]], where: list[Condition]) -> Select[Any]:
    """The SELECT of ``columns`` under the conditions ``where``; the caller adds order and limit."""
    labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
    return select(*labelled).select_from(tables.clause).where(*where)


def counting(tables: Tables, where: list[Condition]) -> Select[Any]:
    """The SELECT that counts the rows under the conditions ``where``."""
    return select(func.count()).select_from(tables.clause).where(*where)
