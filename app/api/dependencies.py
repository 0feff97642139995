"""What routes need, read as nouns."""

from typing import Annotated

from fastapi import Depends, Request

from app.database import Database


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(_database)]
