"""SQL from a resource and the shape of a query; values are bound when it is executed.

Queries of one shape (the same filters with as many values, the same columns, the same order) share one compiled statement.
"""

from collections.abc import Callable, Iterable, Sequence
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
    select,
    union_all,
)
from sqlmodel import SQLModel

from app.db.types import unindexed
from app.query.hedged_filters import HEDGED, OPERATORS, Claim, Condition
from app.query.snapshot import AS_OF
from app.query.text_index import contains, search_expression
from app.resources.base import Lang, Latest, ListQuery, Match, Resource, Where

ENCODED = "*"
"""Name and path of the whole row as its stored JSON object; null where none is stored."""


class Tables:
    """The tables of one statement: the resource's own, and those reached from it along foreign keys."""

    def __init__(self, resource: Resource, lang: Lang, dialect: str, *, as_of: bool = False) -> None:
        """Resolve paths in ``lang``; with ``as_of``, columns are as they were then."""
        self.resource = resource
        self.table = table_of(resource)
        self.lang = lang
        self.dialect = dialect
        self.as_of = as_of
        self.clause: FromClause = self.table
        self._reached: dict[str, FromClause] = {}
        self._earlier: dict[FromClause, FromClause] = {}

    def column(self, path: str) -> ColumnElement[Any]:
        """Return the column at a path of a declaration; join the tables that it needs."""
        if path == ENCODED:
            return self._encoded()
        *steps, name = path.format(lang=self.lang).split(".")
        table: FromClause = self.table
        for step in steps:
            table = self._follow(table, step)
        return self._column_then(table, name) if self.as_of else table.c[name]

    def columns(self, paths: Iterable[str]) -> list[ColumnElement[Any]]:
        """Return the columns at these paths."""
        return [self.column(path) for path in paths]

    def _encoded(self) -> ColumnElement[bytes]:
        objects = encoded_table_of(self.resource, self.lang)
        self.clause = self.clause.outerjoin(objects, objects.c.number == self.table.c.number)
        return objects.c.body

    def _column_then(self, table: FromClause, name: str) -> ColumnElement[Any]:
        """Return the column as it was, from an earlier state if the row changed since."""
        if name == "retracted_in":
            return null()  # rows that held then had no end yet
        history = history_of(table, name)
        if history is None:
            return table.c[name]
        state = self._earlier.get(table)
        if state is None:
            state = self._earlier[table] = history.alias(f"{history.name}_{len(self._earlier)}")
            held = and_(state.c.id == table.c.id, state.c.held_from <= AS_OF, state.c.held_until > AS_OF)
            self.clause = self.clause.outerjoin(state, held)
        return case((state.c.id.is_not(None), state.c[name]), else_=table.c[name])

    def passing(self, path: str, test: Callable[[ColumnElement[Any]], Condition]) -> Condition:
        """Require that the column at ``path`` passes ``test``.

        For past revisions, candidates come from indexes on current and historical values.
        """
        step, _, name = path.rpartition(".")
        key = self.table.c[step or "id"]
        table = referenced(key) if step else self.table
        history = history_of(table, name)
        if not self.as_of or history is None:
            return test(self.column(path))
        candidates = union_all(*(select(rows.c.id).where(test(rows.c[name])) for rows in (table.alias("now"), history)))
        return and_(key.in_(candidates), test(self.column(path)))

    def _follow(self, table: FromClause, step: str) -> FromClause:
        if step not in self._reached:
            target = referenced(table.c[step]).alias(f"{step}_")
            self._reached[step] = target
            self.clause = self.clause.outerjoin(target, table.c[step] == target.c.id)
        return self._reached[step]


def referenced(key: ColumnElement[Any]) -> Table:
    """Return the table whose ``id`` a column refers to."""
    (foreign_key,) = key.foreign_keys
    table: Table = foreign_key.column.table
    return table


@dataclass(frozen=True, slots=True)
class QueryShape:
    """The parts of a query that decide its SQL, without the values.

    Attributes:
        filters: The filters in use, each with the number of its values; None for a filter of one value.
        text: ``few`` or ``common`` if ``q`` is used, by how many texts match it.
        match: The comparison of hedged figures.
        latest: Whether only the newest period is wanted.
        as_of: Whether an earlier revision is read.
        in_order: The columns of the order in which rows are scanned instead of looked up by the filters. Long streams need
            that: they would sort all rows again for each piece.
    """

    filters: tuple[tuple[str, int | None], ...] = ()
    text: Literal["few", "common"] | None = None
    match: Match = "point"
    latest: bool = False
    as_of: bool = False
    in_order: tuple[str, ...] = ()


def shape_of(
    resource: Resource, query: ListQuery, as_of: int | None, in_order: tuple[str, ...] = (), *, common: bool = False
) -> QueryShape:
    """Return the shape of a query; ``common`` says that very many texts match ``q``."""
    parameters = vars(query)
    return QueryShape(
        tuple(
            (name, len(value) if isinstance(value, list) else None)
            for name in resource.filters
            if (value := parameters[name]) is not None
        ),
        None if query.q is None else "common" if common else "few",
        parameters.get("match", "point"),
        parameters.get("latest", False),
        as_of is not None,
        in_order,
    )


def values_of(resource: Resource, query: ListQuery, as_of: int | None, dialect: str) -> dict[str, Any]:
    """Return the values of a query, by the parameters of its statement."""
    values: dict[str, Any] = {} if as_of is None else {"as_of": as_of}
    parameters = vars(query)
    for name in resource.filters:
        value = parameters[name]
        if isinstance(value, list):
            values |= {f"{name}_{number}": member for number, member in enumerate(value)}
        elif value is not None:
            values[name] = value
    if query.q is not None:
        values["text"] = search_expression(dialect, query.q, [resource.name])
    return values


def table_of(resource: Resource) -> Table:
    """Return the table of a resource."""
    return _table(resource.row)


def encoded_table_of(resource: Resource, lang: Lang) -> Table:
    """Return the table of a resource's JSON objects. Raises TypeError if it has none."""
    if resource.encoded is None:
        raise TypeError(f"no {resource.name} are kept as JSON objects")
    return _table(resource.encoded[lang])


def history_of(table: FromClause, name: str) -> Table | None:
    """Return the table of earlier states, if it has the column ``name``."""
    base: Any = getattr(table, "element", table)
    history: Table | None = base.metadata.tables.get(f"{base.name}_before")
    return None if history is None or name == "id" or name not in history.c else history


def _table(row: type[SQLModel]) -> Table:
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time
    return table


def holding(resource: Resource, tables: Tables, *, looked_up: bool = False) -> list[Condition]:
    """Return the conditions of every row: its kind, and the version that holds.

    With ``looked_up`` the index on the kind is not used: rows come by their ids.
    """
    kinds = ((tables.column(path), value) for path, value in resource.only.items())
    where = [(unindexed(column, tables.dialect) if looked_up else column) == value for column, value in kinds]
    if resource.versioned:
        begun, ended = tables.table.c.revision, tables.table.c.retracted_in
        where += [begun <= AS_OF, ended.is_(None) | (ended > AS_OF)] if tables.as_of else [ended.is_(None)]
    return where


def conditions(resource: Resource, shape: QueryShape, tables: Tables) -> list[Condition]:
    """Return the conditions of a list: filters, ``q`` and ``latest``."""
    where = holding(resource, tables, looked_up=shape.text == "few")
    for name, count in shape.filters:
        where.append(_passes(resource.filters[name], shape, _parameters(name, count), tables))
    if shape.text is not None:
        key, common = tables.column("id"), shape.text == "common"
        where.append(contains(resource.name, key, tables.dialect, common=common, as_of=tables.as_of))
    if resource.latest is not None and shape.latest:
        where.append(_newest(resource.latest, tables, where))
    return where


def _parameters(name: str, count: int | None) -> Any:
    return (
        bindparam(name, required=False)
        if count is None
        else [bindparam(f"{name}_{number}", required=False) for number in range(count)]
    )


def _passes(where: Where, shape: QueryShape, value: Any, tables: Tables) -> Condition:
    column, match = tables.column(where.path), shape.match
    in_order = shape.in_order and where.path not in shape.in_order
    if in_order:
        column = unindexed(column, tables.dialect)
    if where.hedged is None or match == "point":
        test = OPERATORS[where.operator]
        return test(column, value) if in_order else tables.passing(where.path, lambda other: test(other, value))
    lower, upper, comparator = (tables.column(path) for path in where.hedged)
    return and_(column.is_not(None), HEDGED[match][where.operator](Claim(lower, upper, comparator), value))


def _newest(latest: Latest, tables: Tables, where: list[Condition]) -> Condition:
    """Keep the newest rows of each group ``per``; several may be equally new."""
    per = [tables.column(path) for path in latest.per]
    newest = func.coalesce(*(tables.column(path) for path in latest.newest))
    place = func.rank().over(partition_by=per, order_by=newest.desc()).label("place")
    identifier = tables.column("id")
    ranked = select(identifier.label("id"), place).select_from(tables.clause).where(*where).subquery()
    return identifier.in_(select(ranked.c.id).where(ranked.c.place == 1))


def paths_of(resource: Resource, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of the columns ``names``."""
    return tuple(name if name == ENCODED else resource.origins[name].path for name in names)


def selection(tables: Tables, columns: Sequence[ColumnElement[Any]], where: list[Condition]) -> Select[Any]:
    """Return the SELECT of ``columns``, without order and limit."""
    labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
    return select(*labelled).select_from(tables.clause).where(*where)


def counted(tables: Tables, where: list[Condition]) -> Select[Any]:
    """Return the SELECT that counts the rows under the conditions ``where``."""
    return select(func.count()).select_from(tables.clause).where(*where)
