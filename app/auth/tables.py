"""Tables of authorisation: tokens, the audit log, and stored receipts for repeated requests."""

from datetime import datetime

from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import Moment, text


class TokenRow(SQLModel, table=True):
    """A token; only its SHA-256 is stored."""

    __tablename__ = "token"

    id: str = Stored(primary_key=True)
    name: str
    sha256: str
    scopes: str = text()
    issued_at: datetime = Stored(sa_type=Moment)
    expires_at: datetime | None = Stored(sa_type=Moment)
    revoked_at: datetime | None = Stored(sa_type=Moment)
    last_used_at: datetime | None = Stored(sa_type=Moment)


class AuditRow(SQLModel, table=True):
    """An attempt to change data. Append-only: triggers of the migration refuse updates and deletes."""

    __tablename__ = "audit"

    id: int = Stored(primary_key=True)
    at: datetime = Stored(sa_type=Moment)
    actor: str
    action: str
    target: str | None
    client: str | None
    request_id: str | None
    result: str
    revision: int | None


class ReceiptRow(SQLModel, table=True):
    """The answer to a publication, by the idempotency key with which the client may repeat it."""

    __tablename__ = "receipt"

    actor: str = Stored(primary_key=True)
    key: str = Stored(primary_key=True)
    request_sha256: str
    status: int
    body: str = text()
    answered_at: datetime = Stored(sa_type=Moment)
