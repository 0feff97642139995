"""Work on large documents in a separate process: it does not hold this process's GIL, and its memory is freed at its end."""

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
"""Bytes of a document from which a separate process pays off: starting one takes a second, and 100 MB."""

Result = TypeVar("Result")


async def in_process(work: Callable[..., Result], *arguments: object) -> Result:
    """Call ``work``, a function of a module, in a new process; return its result.

    Raises:
        Unavailable: when the process ends early. The client can repeat the request with its key.
        Exception: whatever ``work`` raises.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", __name__]
    process = None
    try:
        process = await run_process(command, input=pickle.dumps((work, arguments)), check=False, stderr=None, env=environment)
    except* BrokenResourceError:  # it ended before it had read its input
        pass
    if process is None or process.returncode != 0:
        raise Unavailable("The process that worked on the document ended early.", headers={"Retry-After": "1"})
    outcome = pickle.loads(process.stdout)  # noqa: S301  from our own process
    if isinstance(outcome, Exception):
        raise outcome
    return outcome  # type: ignore[no-any-return]  # the result of ``work``


def with_database(url: str, migrations: Path, work: Callable[..., Result], *arguments: object) -> Result:
    """Call ``work`` with a database opened for the call, and the arguments."""
    database = Database(url, migrations)
    try:
        return work(database, *arguments)
    finally:
        database.close()


def main() -> None:
    """Call the function pickled on stdin; pickle its result or exception to stdout."""
    work, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own process
    try:
        outcome = work(*arguments)
    except Exception as error:  # noqa: BLE001  the calling process raises it
        outcome = error
    pickle.dump(outcome, sys.stdout.buffer)


if __name__ == "__main__":
    main()
