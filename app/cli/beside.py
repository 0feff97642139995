"""The database beside this process: what the commands do without ``--url``. The same answers as ``app.cli.remote``."""

from typing import Any

import msgspec

from app.api.routes.publications import receipt_data
from app.api.writer import rehearsal
from app.auth.tokens import LOCAL
from app.db.database import Database
from app.publishing.preparation import Prepared
from app.publishing.revisions import publish
from app.publishing.submissions import Submission, retract


class Beside:
    """A database, for whoever may run commands beside it."""

    def __init__(self, database: Database, *, only_missing: bool = False) -> None:
        """With ``only_missing`` sources that are there stay as they are.

        Raises:
            Refusal: unless the database is there and of this version's schema.
        """
        database.require_current()
        self._database, self._only_missing = database, only_missing

    def publish(self, content: bytes) -> dict[str, Any]:
        """Publish a document over what is there of its source; the receipt."""
        return receipt_data(publish(self._database, content, only_missing=self._only_missing))

    def rehearse(self, content: bytes) -> dict[str, Any]:
        """What publishing would change; nothing is kept."""
        prepared = Prepared(self._database, content)
        with self._database.write(keep=False) as connection:
            found: dict[str, Any] = msgspec.json.decode(rehearsal(connection, Submission(content, "", None), prepared))
        return found

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def retract(self, source: str) -> dict[str, Any]:
        """Retract a source; the receipt."""
        with self._database.write() as connection:
            return receipt_data(retract(connection, LOCAL, source, None))
