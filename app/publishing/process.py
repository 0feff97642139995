"""Work on large documents in a process of its own: it keeps nobody from the interpreter, and its memory ends with it."""

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from anyio import BrokenResourceError, run_process

from app.db.database import Database
from app.errors import Unavailable

LARGE = 3 * 2**20
"""Bytes of a document for which a process is worth what it takes: a second, and 100 MB."""

Made = TypeVar("Made")


async def in_process(work: Callable[..., Made], *arguments: object) -> Made:
    """Call ``work``, a function of a module, in a new process; return or raise what it does.

    Raises:
        Unavailable: when the process ends before its work does. Whoever has a key can ask again.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", __name__]
    done = None
    try:
        done = await run_process(command, input=pickle.dumps((work, arguments)), check=False, stderr=None, env=environment)
    except* BrokenResourceError:  # it ended before it had read what to do
        pass
    if done is None or done.returncode != 0:
        raise Unavailable("The process that worked on the document ended early.", headers={"Retry-After": "1"})
    outcome = pickle.loads(done.stdout)  # noqa: S301  from our own process
    if isinstance(outcome, Exception):
        raise outcome
    return outcome  # type: ignore[no-any-return]  # it is what ``work`` returned


def with_database(url: str, migrations: Path, work: Callable[..., Made], *arguments: object) -> Made:
    """Call ``work`` with a database that is opened for it, and the arguments."""
    database = Database(url, migrations)
    try:
        return work(database, *arguments)
    finally:
        database.close()


def main() -> None:
    """Do what stands on stdin, and write the outcome to stdout."""
    work, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own process
    try:
        outcome = work(*arguments)
    except Exception as error:  # noqa: BLE001  it is raised where the work was asked for
        outcome = error
    pickle.dump(outcome, sys.stdout.buffer)


if __name__ == "__main__":
    main()
