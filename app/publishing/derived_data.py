"""Derived data and their formats: what is stored only to be read fast, and can be rebuilt from other columns."""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import Connection

from app.db.database import stored_formats
from app.errors import Unavailable
from app.publishing import json_rows, search_index
from app.resources import ALL
from app.resources.observations import OBSERVATIONS, STATEMENT_FORMAT

Kind = Literal["statements", "json_rows", "search_entries"]

DERIVED_FORMATS: Mapping[tuple[Kind, str], int] = {
    ("statements", OBSERVATIONS.name): STATEMENT_FORMAT,
    ("json_rows", OBSERVATIONS.name): json_rows.FORMAT,
    **{("search_entries", resource.name): search_index.FORMAT for resource in ALL},
}
"""The format that this software writes, by kind and resource. JSON rows have statements, and so come after these."""


def require_formats(connection: Connection) -> None:
    """Raise Unavailable unless all derived data are of this software's formats.

    A service that still runs while the next version migrates its database would else add rows of the old format.
    """
    if not DERIVED_FORMATS.items() <= stored_formats(connection).items():
        raise Unavailable("Another version of this software has taken over the database.", headers={"Retry-After": "5"})
