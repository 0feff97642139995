"""Backups of an SQLite database: made with SQLite's backup API while it is in use, and checked before use."""

from pathlib import Path
from tempfile import TemporaryDirectory

from app.db.database import OURS, Database
from app.db.files import copy_file, counts_of_file, file_of
from app.errors import Refusal

COUNTED = ("revision", "source", "entity", "observation")


def back_up(database: Database, path: Path) -> dict[str, int]:
    """Copy the database to ``path``, whole or not at all; return row counts.

    Raises Refusal if that fails or the file exists.
    """
    source = _file(database)
    if path.exists():
        raise Refusal(f"{path} exists already; it was left as it is")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        copy_file(source, unfinished)
        counts = _sound(unfinished)
        unfinished.rename(path)
    except OSError as error:
        raise Refusal(f"{path}: {(error.strerror or 'cannot be written').lower()}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return counts


def verify(path: Path) -> dict[str, int]:
    """Restore a backup to a temporary file and check it; return row counts.

    Raises Refusal if it is damaged.
    """
    _require(path)
    with TemporaryDirectory(prefix="indicators-restore-") as folder:
        copy_file(path, Path(folder) / "restored.db")
        return _sound(Path(folder) / "restored.db")


def restore(database: Database, path: Path, *, replace: bool) -> dict[str, int]:
    """Restore a backup into the database, in one transaction; return row counts.

    Raises:
        Refusal: if the backup is damaged, or a database exists and ``replace`` is false.
    """
    target = _file(database)
    verify(path)
    if target.exists() and target.stat().st_size > 0:
        if not replace:
            raise Refusal(f"the database {target} is there already; --replace puts the backup in its place")
        database.require_ours()
    copy_file(path, target)
    return _sound(target)


def _file(database: Database) -> Path:
    path = file_of(database.url)
    if path is None:
        raise Refusal("backup and restore are for SQLite files; PostgreSQL has pg_dump and pg_restore")
    return path


def _require(path: Path) -> None:
    if not path.is_file():
        raise Refusal(f"{path}: no such file")


def _sound(path: Path) -> dict[str, int]:
    """Return row counts by table. Raises Refusal if the file is damaged or not ours."""
    faults, tables = counts_of_file(path, COUNTED)
    if faults or not set(tables) >= OURS & set(COUNTED):
        raise Refusal(f"{path} is damaged or no database of this service: {'; '.join(faults[:3]) or 'tables are missing'}")
    return tables
