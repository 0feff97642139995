"""What is known before a document is published: what is there of its source, what others declare, and that it has no faults."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select
from sqlmodel import SQLModel

from app.db.database import Database
from app.publishing.canonical import meaning
from app.publishing.parse import check
from app.publishing.vocabulary import INDICATOR as OF_INDICATOR
from app.publishing.vocabulary import Known, KnownEntity, KnownIndicator
from app.resources.revisions import Action

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "entity", "indicator"))
LIKE = 200
"""Ids of each length of beginning that a wrong one is compared with."""
AFTER = "\U0010ffff"
"""Sorts after whatever may follow the beginning of an id."""
Opened = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection to read from."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many facts a publication added, gave a new version, and ended."""

    added: int = 0
    changed: int = 0
    retracted: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.added + other.added, self.changed + other.changed, self.retracted + other.retracted)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a publication or a retraction did.

    ``revision`` is the one it made or, where ``new`` is false, the one that had been made.
    """

    source: str
    revision: int
    action: Action
    new: bool
    published_at: str
    document_sha256: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class Last:
    """The last revision of a source."""

    revision: int
    action: Action
    published_at: str
    sha256: str

    def receipt(self, source: str) -> Receipt:
        """Return the receipt of what changed nothing."""
        return Receipt(source, self.revision, self.action, new=False, published_at=self.published_at,
                       document_sha256=self.sha256, changes=Changes())  # fmt: skip


class Prepared:
    """A document that was checked before the writer's lock is taken, so that under the lock there is little left to do."""

    def __init__(self, database: Database, content: bytes, *, only_json: bool = False) -> None:
        """Check the document against what is published now.

        Raises:
            DocumentFaulty, DocumentMalformed: with its first faults.
        """
        self.content, self.sha256 = content, hashlib.sha256(content).hexdigest()
        with database.read() as connection:
            self._seen = latest(connection)
        self._checked = check(content, Published(database.read), only_json=only_json)
        self.source = self._checked.source
        with database.read() as connection:
            self._last = last_revision(connection, self.source.id)
        self._same = self._last is not None and self._says(database.read, self._last)

    def require_current(self, connection: Connection) -> None:
        """Check again what others may have published meanwhile; ``connection`` has the writer's lock. Raises DocumentFaulty."""
        if latest(connection) != self._seen:
            self._checked.again(Published(lambda: nullcontext(connection)))

    def is_said_by(self, connection: Connection, last: Last) -> bool:
        """Whether the last revision's document has the same content, however it is written."""
        return self._same if last == self._last else self._says(lambda: nullcontext(connection), last)

    def _says(self, opened: Opened, last: Last) -> bool:
        if last.action != "published" or last.sha256 == self.sha256:
            return last.action == "published"
        with opened() as connection:
            content = document_of(connection, last.revision)
        return meaning(content) == meaning(self.content)


class Published:
    """What the documents published so far declare, looked up by name."""

    def __init__(self, opened: Opened) -> None:
        """``opened`` gives a connection to read from."""
        self._opened = opened

    def those(self, entities: Collection[str], indicators: Collection[str]) -> Known:
        """Return what is known of these ids."""
        found = Known()
        with self._opened() as connection:
            if entities:
                rows = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source).where(ENTITY.c.id.in_(entities)))
                found.entities.update((row.id, KnownEntity(row.kind, row.source)) for row in rows)
            if indicators:
                these = INDICATOR.c.id.in_(indicators)
                rows = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source).where(these))
                found.indicators.update((row.id, KnownIndicator(row.unit, row.source)) for row in rows)
        return found

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:
        """Return some ids of these kinds, or of indicators, that begin like ``name``; those that begin most like it first."""
        table = INDICATOR if kinds == OF_INDICATOR else ENTITY
        wanted = select(table.c.id).where(table.c.source != but).order_by(table.c.id).limit(LIKE)
        if kinds and table is ENTITY:
            wanted = wanted.where(table.c.kind.in_(kinds))
        found: dict[str, None] = {}
        with self._opened() as connection:
            for length in (len(name) - 1, len(name) - 3, len(name) // 2, 2, 1, 0):
                start = name[: max(length, 0)]
                these = wanted.where(table.c.id >= start, table.c.id < start + AFTER)
                found |= dict.fromkeys(connection.execute(these).scalars())
        return found


def last_revision(connection: Connection, source: str) -> Last | None:
    """Return the last revision of a source; None where it was never published."""
    columns = (REVISION.c.id, REVISION.c.action, REVISION.c.published_at, REVISION.c.document_sha256)
    found = select(*columns).where(REVISION.c.source == source).order_by(REVISION.c.id.desc()).limit(1)
    row = connection.execute(found).first()
    return None if row is None else Last(row.id, row.action, text_of(row.published_at), row.document_sha256)


def latest(connection: Connection) -> int:
    """Return the number of the latest revision; 0 before the first."""
    found: int | None = connection.execute(select(func.max(REVISION.c.id))).scalar_one()
    return found or 0


def known(connection: Connection) -> Known:
    """Return all that the documents published so far declare."""
    entities = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source))
    indicators = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source))
    return Known(
        {row.id: KnownEntity(row.kind, row.source) for row in entities},
        {row.id: KnownIndicator(row.unit, row.source) for row in indicators},
    )


def document_of(connection: Connection, revision: int) -> bytes:
    """Return the bytes that were published in a revision that there is."""
    content: bytes = connection.execute(select(REVISION.c.document).where(REVISION.c.id == revision)).scalar_one()
    return content


def text_of(moment: datetime) -> str:
    """Return a moment as answers have it."""
    return moment.isoformat().replace("+00:00", "Z")
