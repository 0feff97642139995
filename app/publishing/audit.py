"""The audit: who tried to change what, from where, and how it ended. Rows are only ever added."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from app.publishing.tokens import Actor, used
from app.resources.access import AuditRow

AUDIT: Table = AuditRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time


def record(  # noqa: PLR0913  who did what to what, and how it ended
    connection: Connection, actor: Actor, action: str, target: str | None, result: str, revision: int | None = None
) -> None:
    """Add an entry. ``result`` is ``done``, ``unchanged``, or the slug of the problem."""
    entry = {"actor": actor.id, "action": action, "target": target, "client": actor.client, "request_id": actor.request_id}
    connection.execute(insert(AUDIT), {**entry, "at": datetime.now(UTC), "result": result, "revision": revision})
    used(connection, actor)


def entries(connection: Connection, limit: int, before: int | None = None) -> Sequence[Mapping[str, Any]]:
    """The latest entries, the newest first; those before the entry ``before`` where given."""
    wanted = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    found: Sequence[Any] = connection.execute(wanted if before is None else wanted.where(AUDIT.c.id < before)).mappings().all()
    return found
