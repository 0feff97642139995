"""Preparation of a publication: everything that can be checked before the writer's lock is taken.

The document is parsed and its rules applied (steps 1 and 2, ``parse.py``) against the data set as it is. Under the lock,
``revisions.py`` repeats only the rules that depend on others, and only if somebody published since.
"""

import hashlib
from collections.abc import Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select
from sqlmodel import SQLModel

from app.db.database import Database
from app.db.engines import Opened
from app.db.types import moment_text
from app.publishing.canonical import meaning
from app.publishing.parse import check
from app.publishing.vocabulary import INDICATOR as OF_INDICATOR
from app.publishing.vocabulary import Declarations, KnownEntity, KnownIndicator
from app.resources.revisions import Action

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
REVISION, ENTITY, INDICATOR = (TABLES[name] for name in ("revision", "entity", "indicator"))
LIKE = 200
"""Candidates for a misspelt id, per length of common prefix."""
AFTER = "\U0010ffff"
"""The last code point: ``prefix + AFTER`` is greater than any id with the prefix."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Numbers of facts that a publication added, changed and retracted."""

    added: int = 0
    changed: int = 0
    retracted: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.added + other.added, self.changed + other.changed, self.retracted + other.retracted)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a publication or a retraction.

    ``new`` is false if nothing changed; ``revision`` is then the source's last one.
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
        """Return the receipt of a request that changed nothing."""
        return Receipt(source, self.revision, self.action, new=False, published_at=self.published_at,
                       document_sha256=self.sha256, changes=Changes())  # fmt: skip


class Prepared:
    """A document checked before the writer's lock is taken, to keep the time under the lock short."""

    def __init__(self, database: Database, content: bytes, *, only_json: bool = False) -> None:
        """Check the document against the current data set.

        Raises:
            DocumentFaulty, DocumentMalformed: with its first faults.
        """
        self.content, self.sha256 = content, hashlib.sha256(content).hexdigest()
        with database.read() as connection:
            self._checked_against = latest(connection)
        self._examination = check(content, Published(database.read), only_json=only_json)
        self.source = self._examination.source
        with database.read() as connection:
            self._last = last_revision(connection, self.source.id)
        self._repeats_last = self._last is not None and self._has_content_of(database.read, self._last)

    def require_current(self, connection: Connection) -> None:
        """Check again if others published since. Raises DocumentFaulty.

        ``connection`` must hold the writer's lock.
        """
        if latest(connection) != self._checked_against:
            self._examination.recheck(Published(lambda: nullcontext(connection)))

    def repeats(self, connection: Connection, last: Last) -> bool:
        """Return whether ``last`` published the same content, in whatever syntax."""
        return self._repeats_last if last == self._last else self._has_content_of(lambda: nullcontext(connection), last)

    def _has_content_of(self, opened: Opened, last: Last) -> bool:
        if last.action != "published" or last.sha256 == self.sha256:
            return last.action == "published"
        with opened() as connection:
            content = document_of(connection, last.revision)
        return meaning(content) == meaning(self.content)


class Published:
    """The vocabulary of the published documents, read from the database by name."""

    def __init__(self, opened: Opened) -> None:
        """Look names up in the connections that ``opened`` opens."""
        self._opened = opened

    def by_ids(self, entities: Collection[str], indicators: Collection[str]) -> Declarations:
        """Return the declarations of these ids."""
        declarations = Declarations()
        with self._opened() as connection:
            if entities:
                rows = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source).where(ENTITY.c.id.in_(entities)))
                declarations.entities.update((row.id, KnownEntity(row.kind, row.source)) for row in rows)
            if indicators:
                condition = INDICATOR.c.id.in_(indicators)
                rows = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source).where(condition))
                declarations.indicators.update((row.id, KnownIndicator(row.unit, row.source)) for row in rows)
        return declarations

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:
        """Return ids that share a prefix with a misspelt ``name``, the longest first."""
        table = INDICATOR if kinds == OF_INDICATOR else ENTITY
        query = select(table.c.id).where(table.c.source != but).order_by(table.c.id).limit(LIKE)
        if kinds and table is ENTITY:
            query = query.where(table.c.kind.in_(kinds))
        ids: dict[str, None] = {}
        with self._opened() as connection:
            for length in (len(name) - 1, len(name) - 3, len(name) // 2, 2, 1, 0):
                prefix = name[: max(length, 0)]
                candidates = query.where(table.c.id >= prefix, table.c.id < prefix + AFTER)
                ids |= dict.fromkeys(connection.execute(candidates).scalars())
        return ids


def last_revision(connection: Connection, source: str) -> Last | None:
    """Return the last revision of a source, or None if it was never published."""
    columns = (REVISION.c.id, REVISION.c.action, REVISION.c.published_at, REVISION.c.document_sha256)
    query = select(*columns).where(REVISION.c.source == source).order_by(REVISION.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Last(row.id, row.action, moment_text(row.published_at), row.document_sha256)


def latest(connection: Connection) -> int:
    """Return the number of the latest revision; 0 before the first."""
    revision: int | None = connection.execute(select(func.max(REVISION.c.id))).scalar_one()
    return revision or 0


def known(connection: Connection) -> Declarations:
    """Return all declarations of the published documents."""
    entities = connection.execute(select(ENTITY.c.id, ENTITY.c.kind, ENTITY.c.source))
    indicators = connection.execute(select(INDICATOR.c.id, INDICATOR.c.unit, INDICATOR.c.source))
    return Declarations(
        {row.id: KnownEntity(row.kind, row.source) for row in entities},
        {row.id: KnownIndicator(row.unit, row.source) for row in indicators},
    )


def document_of(connection: Connection, revision: int) -> bytes:
    """Return the published bytes of an existing revision."""
    content: bytes = connection.execute(select(REVISION.c.document).where(REVISION.c.id == revision)).scalar_one()
    return content
