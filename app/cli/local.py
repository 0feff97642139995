"""The local database, which commands use without ``--url``; the same methods as ``app.cli.remote``."""

from typing import Any

import msgspec

from app.api.routes.publications import receipt_data
from app.api.writer import rehearsal
from app.auth.tokens import LOCAL
from app.db.database import Database
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.preparation import Prepared
from app.publishing.revisions import publish
from app.publishing.submissions import Submission, retract


class LocalService:
    """Publishing into a local database, without a token."""

    def __init__(self, database: Database, *, only_missing: bool = False) -> None:
        """Use ``database``; with ``only_missing``, existing sources are not revised.

        Raises:
            Refusal: unless the database exists and has this version's schema.
        """
        database.require_current(DERIVED_FORMATS)
        self._database, self._only_missing = database, only_missing

    def publish(self, content: bytes) -> dict[str, Any]:
        """Publish a document, whatever version of its source exists; return the receipt."""
        return receipt_data(publish(self._database, content, only_missing=self._only_missing))

    def rehearse(self, content: bytes) -> dict[str, Any]:
        """Return the changes that publishing would make; the transaction is rolled back."""
        prepared = Prepared(self._database, content)
        with self._database.write(keep=False) as connection:
            changes: dict[str, Any] = msgspec.json.decode(rehearsal(connection, Submission(content, "", None), prepared))
        return changes

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def retract(self, source: str) -> dict[str, Any]:
        """Retract a source; return the receipt."""
        with self._database.write() as connection:
            return receipt_data(retract(connection, LOCAL, source, None))
