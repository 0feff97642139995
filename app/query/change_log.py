"""The change log: versions of facts that were added, changed or retracted between revisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, case, exists, literal, select, tuple_, union_all

from app.domain.dataset import Cell
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.query.sql import table_of
from app.resources.base import Resource

ChangeKind = Literal["added", "changed", "retracted"]
Record = dict[str, Cell]
Place = tuple[int, str, str]
"""The position of a change in the order of changes: revision, resource, id."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one fact: its row as of the revision before, and as of this one."""

    revision: int
    resource: str
    id: str
    change: ChangeKind
    old: Record | None
    new: Record | None

    @property
    def place(self) -> Place:
        """The position in the order of changes."""
        return self.revision, self.resource, self.id


def changes(  # noqa: PLR0913  what of which facts between which revisions
    snapshot: Snapshot, facts: Sequence[Resource], since: int, until: int, limit: int, after: Place | None
) -> list[Change]:
    """Return at most ``limit`` changes after the place ``after``, the oldest first.

    They are those of revisions after ``since`` up to ``until``.
    """
    begin = (since + 1, "", "")
    start = max(after or begin, begin)
    kinds = ((resource, events) for resource in facts for events in _events(resource))
    events = union_all(*(_first(events, resource.name, limit, start, until) for resource, events in kinds)).subquery()
    wanted = select(events).order_by(events.c.revision, events.c.resource, events.c.id).limit(limit)
    changes_found = snapshot.connection.execute(wanted).all()
    rows = _rows(snapshot, {resource.name: resource for resource in facts}, changes_found)
    return [
        Change(
            event.revision,
            event.resource,
            event.id,
            event.change,
            rows.get((event.resource, event.revision - 1, event.id)),
            rows.get((event.resource, event.revision, event.id)),
        )
        for event in changes_found
    ]


def _rows(snapshot: Snapshot, facts: Mapping[str, Resource], events: Sequence[Row[Any]]) -> dict[tuple[str, int, str], Record]:
    """Return the rows before and after these changes, by resource, revision and id."""
    wanted: dict[tuple[str, int], set[str]] = {}
    for event in events:
        for revision in (event.revision - 1, event.revision):
            wanted.setdefault((event.resource, revision), set()).add(event.id)
    return {
        (name, revision, str(record["id"])): record
        for (name, revision), identifiers in wanted.items()
        for record in Repository(snapshot, facts[name], revision).by_ids(sorted(identifiers)).records()
    }


def _events(resource: Resource) -> tuple[Select[Any], Select[Any]]:
    """Select new versions of facts, and versions that ended without a successor."""
    new, old = table_of(resource).alias("new"), table_of(resource).alias("old")
    name = literal(resource.name).label("resource")
    replaced = exists().where(old.c.id == new.c.id, old.c.retracted_in == new.c.revision)
    arrived = select(
        new.c.revision.label("revision"),
        name,
        new.c.id.label("id"),
        case((replaced, "changed"), else_="added").label("change"),
    )
    ended = select(old.c.retracted_in.label("revision"), name, old.c.id.label("id"), literal("retracted").label("change")).where(
        ~exists().where(new.c.id == old.c.id, new.c.revision == old.c.retracted_in),
    )
    return arrived, ended


def _first(events: Select[Any], resource: str, limit: int, after: Place, until: int) -> Select[Any]:
    """Select the first events of a resource after a place, in index order."""
    revision, identifier = events.selected_columns.revision, events.selected_columns.id
    past, name, last = after
    if resource == name:
        rest = tuple_(revision, identifier) > tuple_(literal(past), literal(last))
    else:
        rest = revision >= past if resource > name else revision > past
    return select(events.where(rest, revision <= until).order_by(revision, identifier).limit(limit).subquery())
