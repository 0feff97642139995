"""What all commands share: settings, the database, files, and how faults are printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from app.db.database import Database
from app.errors import DocumentFaulty, Refusal
from app.settings import Settings, carried

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def settings(**given: Any) -> Settings:
    """The settings, those ``given`` before those of the environment. Raises Refusal with what is wrong with them."""
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = "; ".join(f"{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors())
        raise Refusal(wrong) from None


def database() -> Database:
    """The database that the settings name; it need not be there."""
    return Database(settings().database_url, carried("migrations"))


def current_database() -> Database:
    """The database. Raises Refusal unless it is there and of this version's schema."""
    found = database()
    found.require_current()
    return found


def files(paths: list[Path]) -> Iterator[Path]:
    """The documents among these files and folders."""
    for path in paths:
        yield from sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def content(path: Path) -> bytes:
    """The bytes of a file. Raises Refusal where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def print_faults(path: Path, error: DocumentFaulty) -> None:
    """Like a compiler: file, line, column, what is wrong, where in the document."""
    for fault in error.errors:
        errors.print(f"{path}:{fault.line}:{fault.column}: {fault.sentence}", markup=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A sign of life on stderr while something takes its time; nothing where stderr is no terminal."""
    with errors.status(what):
        yield
