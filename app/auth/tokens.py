"""Authorisation by opaque tokens with scopes. What no scope allows is denied.

A token is ``ria_``, an id, a secret, and a checksum, so that secret scanners recognise it. It is shown once; the database has
its SHA-256.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Table, insert, select, update

from app.auth.tables import TokenRow
from app.errors import Forbidden, Refusal, Unauthorized

TOKEN: Table = TokenRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time

Action = Literal["publish", "retract", "admin"]
SCOPE = re.compile(r"publish(:[a-z0-9][a-z0-9.-]*)?|retract|admin")
SCOPES = "publish, publish:<beginning of source ids>, retract, admin"

ALPHABET = string.digits + string.ascii_letters
SHAPE = re.compile(r"ria_([0-9A-Za-z]{8})([0-9A-Za-z]{32})([0-9A-Za-z]{6})")
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="indicators"'}
INVALID = {"WWW-Authenticate": 'Bearer realm="indicators", error="invalid_token"'}


@dataclass(frozen=True, slots=True)
class Actor:
    """The holder of a token, or the user of a command with access to the database.

    Attributes:
        id: The token's id; ``local`` for a command.
        scopes: The scopes granted.
        client: The client's address.
        request_id: The id of the request.
    """

    id: str
    scopes: Collection[str]
    client: str | None = None
    request_id: str | None = None

    @property
    def source_prefixes(self) -> tuple[str, ...]:
        """The prefixes of source ids that the scopes are restricted to; empty for all."""
        return tuple(sorted(beginning for scope in self.scopes if (beginning := scope.partition(":")[2])))

    def require(self, action: Action, source: str | None = None) -> None:
        """Raise Forbidden unless the scopes allow the action on the source.

        A scope with a prefix restricts all scopes to sources with that prefix.
        """
        beginnings = self.source_prefixes
        if action not in {scope.partition(":")[0] for scope in self.scopes}:
            raise Forbidden(f"The token does not have the scope {action}.")
        if source is not None and beginnings and not source.startswith(beginnings):
            raise Forbidden(f"The token is for sources that begin with {' or '.join(beginnings)}.")


LOCAL = Actor("local", ("publish", "retract", "admin"))
ANONYMOUS = "anonymous"
"""The id of an actor without a valid token."""


def issue(connection: Connection, name: str, scopes: Sequence[str], expires_at: datetime | None) -> str:
    """Issue a token and return it: it cannot be read again.

    Raises Refusal for an unknown scope.
    """
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise Refusal(f"there is no scope {scope}; expected {SCOPES}")
    if not scopes:
        raise Refusal(f"a token without scopes can do nothing; expected {SCOPES}")
    identifier, secret = (("".join(secrets.choice(ALPHABET) for _ in range(length))) for length in (8, 32))
    token = f"ria_{identifier}{secret}{checksum(identifier + secret)}"
    row = {"id": identifier, "name": name, "sha256": _sha256(token), "scopes": "\n".join(scopes), "expires_at": expires_at}
    connection.execute(insert(TOKEN), {**row, "issued_at": datetime.now(UTC), "revoked_at": None, "last_used_at": None})
    return token


def holder(connection: Connection, authorization: str | None, client: str | None, request_id: str | None) -> Actor:
    """Return the holder of the token in Authorization (RFC 6750).

    Raises Unauthorized if the token is missing or not valid.
    """
    if authorization is None:
        raise Unauthorized("This needs a token in the header Authorization, as Bearer.", headers=CHALLENGE)
    scheme, _, token = authorization.partition(" ")
    shape = SHAPE.fullmatch(token.strip())
    if scheme.lower() != "bearer" or shape is None or checksum(shape[1] + shape[2]) != shape[3]:
        raise Unauthorized("This is not a token of this service.", headers=INVALID)
    row = connection.execute(select(TOKEN).where(TOKEN.c.id == shape[1])).first()
    digest = row.sha256 if row is not None else _sha256("")  # compared even without a row, so that both take as long
    if not hmac.compare_digest(digest, _sha256(shape[0])) or row is None:
        raise Unauthorized("There is no such token.", headers=INVALID)
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= datetime.now(UTC)):
        raise Unauthorized("The token was revoked or has expired.", headers=INVALID)
    return Actor(row.id, tuple(row.scopes.split("\n")), client, request_id)


def revoke(connection: Connection, identifier: str) -> None:
    """Revoke a token. Raises Refusal if there is none with this id."""
    active = update(TOKEN).where(TOKEN.c.id == identifier, TOKEN.c.revoked_at.is_(None))
    if connection.execute(active.values(revoked_at=datetime.now(UTC))).rowcount == 0:
        raise Refusal(f"there is no token {identifier} that is not revoked already")


def mark_used(connection: Connection, actor: Actor) -> None:
    """Set the time of the token's last use to now."""
    connection.execute(update(TOKEN).where(TOKEN.c.id == actor.id).values(last_used_at=datetime.now(UTC)))


def tokens(connection: Connection) -> Sequence[Mapping[str, Any]]:
    """Return all tokens, newest first, without their digests."""
    columns = [column for column in TOKEN.c if column.name != "sha256"]
    rows: Sequence[Any] = connection.execute(select(*columns).order_by(TOKEN.c.issued_at.desc(), TOKEN.c.id)).mappings().all()
    return rows


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def checksum(text: str) -> str:
    """Return the CRC-32 of the text as 6 characters of the alphabet."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
