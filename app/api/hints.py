"""Hints of an empty list: filter values that are no existing id, each with the most similar id."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pydantic import BaseModel
from sqlalchemy import Connection, select

from app.domain.dataset import Hint
from app.errors import MOST_FAULTS
from app.query.sql import referenced, table_of
from app.query.suggestions import id_by_title, nearest_id
from app.resources import ALL, BY_NAME
from app.resources.base import Resource


def by_ids(resource: Resource, query: BaseModel) -> bool:
    """Return whether the query filters by ids."""
    return any(getattr(query, parameter) for parameter in references(resource))


def hints(connection: Connection, resource: Resource, query: BaseModel) -> tuple[Hint, ...]:
    """Return the hints of an empty list of ``resource``."""
    return hints_for(connection, query, references(resource))


def hints_for(connection: Connection, query: BaseModel, refers: dict[str, tuple[Resource, ...]]) -> tuple[Hint, ...]:
    """Return the hints of a query.

    ``refers`` has the parameters that take ids, each with the resources of these ids.
    """
    return tuple(
        hint
        for parameter, resources in refers.items()
        if (values := getattr(query, parameter))
        for hint in _missing(connection, parameter, values[:MOST_FAULTS], resources)
    )


@lru_cache
def references(resource: Resource) -> dict[str, tuple[Resource, ...]]:
    """Return the filters that take ids, each with the resources of these ids."""
    targets = {name: _targets(resource, where.path) for name, where in resource.filters.items() if where.operator == "in"}
    return {name: resources for name, resources in targets.items() if resources}


def _targets(resource: Resource, path: str) -> tuple[Resource, ...]:
    """Return the resources whose ids a path has.

    This is the resource that the column is named after, else all resources of the referenced table.
    """
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
    return (resource,) if target is table else tuple(other for other in ALL if table_of(other) is target)


def _missing(connection: Connection, parameter: str, values: Sequence[str], resources: tuple[Resource, ...]) -> Iterator[Hint]:
    """Yield a hint for each value that is no id of these resources."""
    table, first = table_of(resources[0]), resources[0]
    statement = select(table.c.id).where(table.c.id.in_(values))
    if len(resources) == 1:
        statement = statement.where(*(table.c[name] == value for name, value in first.only.items()))
    existing = set(connection.execute(statement).scalars())
    noun = first.singular if len(resources) == 1 else "entity"
    for value in dict.fromkeys(values):
        if value not in existing:
            near = id_by_title(connection, resources, value) or next(
                filter(None, (nearest_id(connection, resource, value) for resource in resources)), None
            )
            yield Hint(parameter, value, f"No {noun} has this id.", near)
