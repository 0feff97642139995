"""Temporary folder of a process, and removal of those left by killed processes."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

LOCK = "lock"
"""File on which a running process holds a lock; it gets this name once it is locked."""


@contextmanager
def workspace(prefix: str) -> Iterator[Path]:
    """Yield a new folder, removed at the end; first remove those of ended processes.

    Locks show which processes run: a lock ends with its process, however it ends, whereas process ids are reused and differ
    between containers.
    """
    for other in Path(gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            _remove_dead(other)
    folder = Path(mkdtemp(prefix=prefix))
    unlocked = folder / f"{LOCK}.new"
    with unlocked.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unlocked.rename(folder / LOCK)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_dead(folder: Path) -> None:
    """Remove the folder of an ended process of this user. Raises OSError if it runs."""
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    with (folder / LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
