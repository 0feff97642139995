"""Hints of an empty list: which of its filters name something that there is not, and what is most like it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pydantic import BaseModel
from sqlalchemy import Connection, select

from app.domain.dataset import Hint
from app.errors import MOST_FAULTS
from app.query.sql import referenced, table_of
from app.query.suggestions import named, nearest_id
from app.resources import ALL, BY_NAME
from app.resources.base import Resource


def by_ids(resource: Resource, query: BaseModel) -> bool:
    """Return whether a filter of the query takes ids."""
    return any(getattr(query, parameter) for parameter in references(resource))


def hints(connection: Connection, resource: Resource, query: BaseModel) -> tuple[Hint, ...]:
    """The hints of a list of ``resource`` in which nothing was found."""
    return hinted(connection, query, references(resource))


def hinted(connection: Connection, query: BaseModel, refers: dict[str, tuple[Resource, ...]]) -> tuple[Hint, ...]:
    """The hints of a query whose parameters ``refers`` take ids of these resources."""
    return tuple(
        hint
        for parameter, resources in refers.items()
        if (values := getattr(query, parameter))
        for hint in _missing(connection, parameter, values[:MOST_FAULTS], resources)
    )


@lru_cache
def references(resource: Resource) -> dict[str, tuple[Resource, ...]]:
    """The filters of a resource that take ids, each with the resources that these may be of."""
    found = {name: _targets(resource, where.path) for name, where in resource.filters.items() if where.operator == "in"}
    return {name: targets for name, targets in found.items() if targets}


def _targets(resource: Resource, path: str) -> tuple[Resource, ...]:
    """The resources whose ids stand at a path: that which the column is called after, else all of the table that it refers to."""
    *steps, name = path.split(".")
    if name == "id":
        return (resource,)
    table = table_of(resource)
    for step in steps:
        table = referenced(table.c[step])
    if f"{name}s" in BY_NAME:
        return (BY_NAME[f"{name}s"],)
    if not table.c[name].foreign_keys:
        return ()
    target = referenced(table.c[name])
    return (resource,) if target is table else tuple(each for each in ALL if table_of(each) is target)


def _missing(connection: Connection, parameter: str, values: Sequence[str], resources: tuple[Resource, ...]) -> Iterator[Hint]:
    """The hints about those values that are no id of these resources."""
    table, first = table_of(resources[0]), resources[0]
    known = select(table.c.id).where(table.c.id.in_(values))
    if len(resources) == 1:
        known = known.where(*(table.c[name] == value for name, value in first.only.items()))
    there = set(connection.execute(known).scalars())
    noun = first.singular if len(resources) == 1 else "entity"
    for value in dict.fromkeys(values):
        if value not in there:
            near = named(connection, resources, value) or next(
                filter(None, (nearest_id(connection, each, value) for each in resources)), None
            )
            yield Hint(parameter, value, f"No {noun} has this id.", near)
