"""A folder for the temporary files of this process, and the removal of those that killed processes have left."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

LOCK = "lock"
"""The file that a living process holds a lock on; it has this name only once it is locked."""


@contextmanager
def workspace(prefix: str) -> Iterator[Path]:
    """Yield a new folder, and remove it in the end; also those of the same prefix whose processes have ended.

    A lock ends with its process, however it ends; numbers of processes are used again, and differ between containers.
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
    """Remove the folder of a process of ours that has ended. Raises OSError for any other."""
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    with (folder / LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
