"""Helpers of all commands: settings, the database, files, and the output of faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from app.db.database import Database
from app.errors import DocumentFaulty, Refusal
from app.publishing.derived_data import DERIVED_FORMATS
from app.settings import Settings, bundled

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def settings(**options: Any) -> Settings:
    """Return the settings; ``options`` override the environment. Raises Refusal."""
    try:
        return Settings(**options)
    except ValidationError as error:
        faults = "; ".join(f"{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors())
        raise Refusal(faults) from None


def database() -> Database:
    """Return the database of the settings; it need not exist."""
    return Database(settings().database_url, bundled("migrations"))


def current_database() -> Database:
    """Return the database. Raises Refusal unless it has this version's schema."""
    current = database()
    current.require_current(DERIVED_FORMATS)
    return current


def files(paths: list[Path]) -> Iterator[Path]:
    """Yield the files, and the documents in the folders."""
    for path in paths:
        yield from sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def content(path: Path) -> bytes:
    """Return the bytes of a file. Raises Refusal if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def print_faults(path: Path, error: DocumentFaulty) -> None:
    """Print faults as a compiler does: file, line, column, message."""
    for fault in error.errors:
        errors.print(f"{path}:{fault.line}:{fault.column}: {fault.sentence}", markup=False)


@contextmanager
def working(task: str) -> Iterator[None]:
    """Show a progress indicator on stderr, if it is a terminal."""
    with errors.status(task):
        yield
