"""What changed between revisions: versions of facts that were added, changed or retracted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, case, exists, literal, select, tuple_, union_all

from app.dataset import Cell
from app.query.paging import Target
from app.query.plans import plan
from app.query.select import needed, statement, table_of
from app.query.shaping import shaper
from app.resource import Lang, Resource

Kind = Literal["added", "changed", "retracted"]
Record = dict[str, Cell]
Place = tuple[int, str, str]
"""Where a change stands in the order of changes: its revision, the resource, the id."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one fact: what it was before the revision, and what it was then."""

    revision: int
    resource: str
    id: str
    change: Kind
    old: Record | None
    new: Record | None

    @property
    def place(self) -> Place:
        """Where it stands in the order of changes."""
        return self.revision, self.resource, self.id


def changes(  # noqa: PLR0913  what of which facts between which revisions
    connection: Connection, facts: Sequence[Resource], since: int, until: int, lang: Lang, limit: int, after: Place | None
) -> list[Change]:
    """The changes of revisions after ``since`` up to ``until``, the oldest first, at most ``limit`` after the place ``after``."""
    events = union_all(*(event for resource in facts for event in _events(resource, since, until))).subquery()
    wanted = select(events).order_by(events.c.revision, events.c.resource, events.c.id).limit(limit)
    if after is not None:
        wanted = wanted.where(tuple_(events.c.revision, events.c.resource, events.c.id) > tuple_(*map(literal, after)))
    found = connection.execute(wanted).all()
    by_name = {resource.name: resource for resource in facts}
    versions: dict[tuple[str, str, int], Record] = {}
    for name, resource in by_name.items():
        pairs = [(row.id, version) for row in found if row.resource == name for version in (row.old, row.new) if version]
        for record in _versions(connection, resource, pairs, lang):
            versions[name, str(record["id"]), int(str(record["revision"]))] = record
    return [
        Change(
            row.revision,
            row.resource,
            row.id,
            row.change,
            versions.get((row.resource, row.id, row.old)),
            versions.get((row.resource, row.id, row.new)),
        )
        for row in found
    ]


def _events(resource: Resource, since: int, until: int) -> tuple[Select[Any], Select[Any]]:
    """A new version, with the one that it replaced; and a version that ended without another."""
    new, old = table_of(resource).alias("new"), table_of(resource).alias("old")
    name = literal(resource.name).label("resource")
    replaced = and_(old.c.id == new.c.id, old.c.retracted_in == new.c.revision)
    arrived = (
        select(
            new.c.revision.label("revision"),
            name,
            new.c.id.label("id"),
            case((old.c.id.is_(None), "added"), else_="changed").label("change"),
            old.c.revision.label("old"),
            new.c.revision.label("new"),
        )
        .select_from(new.outerjoin(old, replaced))
        .where(new.c.revision > since, new.c.revision <= until)
    )
    ended = select(
        old.c.retracted_in, name, old.c.id, literal("retracted"), old.c.revision, literal(None, old.c.revision.type)
    ).where(
        old.c.retracted_in > since,
        old.c.retracted_in <= until,
        ~exists().where(new.c.id == old.c.id, new.c.revision == old.c.retracted_in),
    )
    return arrived, ended


def _versions(connection: Connection, resource: Resource, pairs: Sequence[tuple[str, int]], lang: Lang) -> list[Record]:
    """The rows of these versions of facts."""
    if not pairs:
        return []
    target = Target(resource, lang, connection.dialect)
    names = tuple(column.name for column in resource.columns)
    tables = target.tables(as_of=False)
    which = tuple_(tables.column("id"), tables.column("revision")).in_(pairs)
    stored = plan(connection.dialect, statement(tables, tables.columns(needed(resource, names)), [which])).execute(connection, {})
    shape = shaper(resource, names, connection.dialect.name)
    return [dict(zip(names, row, strict=True)) for row in shape(stored)]
