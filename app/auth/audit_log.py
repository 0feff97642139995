"""The audit: who tried to change what, from where, and how it ended. Rows are only ever added."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Table, func, insert, or_, select
from sqlalchemy.exc import DBAPIError

from app.auth.tables import AuditRow
from app.auth.tokens import ANONYMOUS, Actor, used
from app.db.database import Database

log = logging.getLogger(__name__)

AUDIT: Table = AuditRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time


def record(  # noqa: PLR0913  who did what to what, when, and how it ended
    connection: Connection,
    actor: Actor,
    action: str,
    target: str | None,
    result: str,
    revision: int | None = None,
    at: datetime | None = None,
) -> None:
    """Add an entry. ``result`` is ``done``, ``unchanged``, or the slug of the problem."""
    entry = {"actor": actor.id, "action": action, "target": target, "client": actor.client, "request_id": actor.request_id}
    connection.execute(insert(AUDIT), {**entry, "at": at or datetime.now(UTC), "result": result, "revision": revision})
    used(connection, actor)


def entries(
    connection: Connection, limit: int, before: int | None = None, beginnings: Sequence[str] = ()
) -> Sequence[Mapping[str, Any]]:
    """Return the latest entries, the newest first: those before the entry ``before``, and of sources with these beginnings."""
    wanted = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(AUDIT.c.id < before)
    if beginnings:
        about = (func.substr(AUDIT.c.target, 1, len(beginning)) == beginning for beginning in beginnings)
        wanted = wanted.where(AUDIT.c.action.in_(ABOUT_SOURCES), or_(*about))
    found: Sequence[Any] = connection.execute(wanted).mappings().all()
    return found


ABOUT_SOURCES = ("publish", "rehearse", "retract")
"""Actions whose target is a source."""

ANONYMOUS_A_MINUTE = 10
"""Entries of attempts without a valid token; the others are only counted, so that nobody can fill the disk with them."""
MOST_WAITING = 1000
"""Entries that wait while somebody publishes."""


@dataclass(frozen=True, slots=True)
class Note:
    """An attempt that was refused."""

    actor: Actor
    action: str
    target: str | None
    result: str
    at: datetime


class Notes:
    """The attempts that were refused, on their way into the audit. What is left out is counted in the entry that follows."""

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        """Write to ``database``, when told to."""
        self._database, self._clock = database, clock
        self._waiting: deque[Note] = deque()
        self._left_out = 0
        self._minute, self._anonymous = clock(), 0

    def add(self, actor: Actor, action: str, target: str | None, result: str) -> None:
        """Note that an attempt was refused."""
        if not self._has_room(actor):
            self._left_out += 1
            return
        said = f"{result}; {self._left_out} others were left out" if self._left_out else result
        self._left_out = 0
        self._waiting.append(Note(actor, action, target, said, datetime.now(UTC)))

    def _has_room(self, actor: Actor) -> bool:
        if len(self._waiting) >= MOST_WAITING:
            return False
        if actor.id != ANONYMOUS:
            return True
        if self._clock() - self._minute >= 60:  # noqa: PLR2004  a minute
            self._minute, self._anonymous = self._clock(), 0
        self._anonymous += 1
        return self._anonymous <= ANONYMOUS_A_MINUTE

    @property
    def are_waiting(self) -> bool:
        """Whether there is something to write."""
        return bool(self._waiting)

    def write(self) -> None:
        """Add what waits to the audit; what cannot be added now is kept for the next time. One thread at a time."""
        notes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not notes:
            return
        try:
            with self._database.write() as connection:
                for note in notes:
                    record(connection, note.actor, note.action, note.target, note.result, at=note.at)
        except DBAPIError as error:
            self._waiting.extendleft(reversed(notes))
            log.warning("refused attempts are not in the audit yet: %s", error)
