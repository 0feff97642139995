"""The process is killed, the disk is full: nothing is lost that was acknowledged, and nothing is there in part."""

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from app.auth.tokens import Actor, issue
from app.db.database import Database
from app.publishing.preparation import Prepared, Receipt
from app.publishing.revisions import publish
from app.publishing.submissions import Submission, submit
from app.settings import bundled
from tests.conftest import migrated
from tests.server import running
from tests.torture import rounds
from tests.torture.figures import Note
from tests.torture.history import faults, revisions, variant, words

FORK = multiprocessing.get_context("fork")
NEWSROOM = Actor("newsroom", ("publish",))


def submitted(database: Database, number: int) -> Receipt:
    """Submit one version under its own key, as the service does."""
    submission = Submission(variant(number), f"key-{number}", None)
    prepared = Prepared(database, submission.content)
    with database.write() as connection:
        return submit(connection, NEWSROOM, submission, prepared)[1]


def publish_on_and_on(url: str, start: int, acknowledge: "Connection[tuple[int, int], None]") -> None:
    """Publish one version after the other, and say so after each commit."""
    database = Database(url, bundled("migrations"))
    for number in range(start, start + 10_000):
        receipt = submitted(database, number)
        acknowledge.send((number, receipt.revision))


def test_killed_while_publishing(tmp_path: Path, note: Note) -> None:
    path, chance = tmp_path / "indicators.db", random.Random(1)
    url, number, tries = f"sqlite:///{path}", 0, rounds(25, 200)
    publish(database := migrated(url), words())
    database.close()
    lost, broken, again = 0, [], 0
    for _ in range(tries):
        ours, theirs = FORK.Pipe(duplex=False)
        worker = FORK.Process(target=publish_on_and_on, args=(url, number + 1, theirs))
        worker.start()
        theirs.close()
        assert ours.poll(20)
        time.sleep(chance.uniform(0, 0.15))  # the random moment
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        last = 0
        try:
            while True:
                number, last = ours.recv()
        except EOFError:
            pass
        lost += revisions(path) < last
        broken += faults(path)
        # whoever got no answer sends the same again: its receipt is there, or the publication is made now
        database = Database(url, bundled("migrations"))
        first, second = submitted(database, number + 1), submitted(database, number + 1)
        database.close()
        again += (first != second) + (revisions(path) != first.revision)
        number += 1
    note(f"{tries} × kill -9 while publishing", f"{len(broken)} corrupt or partial, {lost} lost, {revisions(path)} revisions")
    assert (lost, broken, again) == (0, [], 0)


@pytest.mark.parametrize(("start", "step"), [("base", rounds(3, 1)), ("0001", 1)])
def test_migrations_killed_at_every_statement(tmp_path: Path, note: Note, start: str, step: int) -> None:
    """Kill at each statement in turn; in the short form, of the whole chain, at every third."""

    def migrate(url: str, last: int) -> None:
        count = 0

        def stop(*_: object) -> None:
            nonlocal count
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

        database = Database(url, bundled("migrations"))
        event.listen(database.engine, "before_cursor_execute", stop)
        database.migrate()

    whole = tables(migrated(f"sqlite:///{tmp_path}/whole.db"))
    killed = 0
    for statement in range(1, 1000, step):
        url = f"sqlite:///{tmp_path}/{start}-{statement}.db"
        database = Database(url, bundled("migrations"))
        if start != "base":
            database.migrate(start)
        before = tables(database)
        worker = FORK.Process(target=migrate, args=(url, statement))
        worker.start()
        worker.join()
        if worker.exitcode == 0:
            break
        killed += 1
        assert tables(database) in (before, whole), f"half a schema after statement {statement}"
        database.migrate()
        assert tables(database) == whole
        database.close()
    note(f"migrations from {start} killed at {killed} statements", "old or new schema, re-run passes")
    assert killed > 2


def tables(database: Database) -> set[str]:
    """What the schema has, and which version it says that it is."""
    with database.engine.connect() as connection:
        found = {sql for (sql,) in connection.exec_driver_sql("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        if any("alembic_version" in sql for sql in found):
            found |= {version for (version,) in connection.exec_driver_sql("SELECT version_num FROM alembic_version")}
    return found


def test_a_full_disk(tmp_path: Path, note: Note) -> None:
    """The server may add only so many pages: publishing more is refused, and what fits afterwards is taken."""
    path = tmp_path / "indicators.db"
    url = f"sqlite:///{path}"
    publish(database := migrated(url), words())
    with database.write() as connection:
        token = issue(connection, "test", ["publish"], None)
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.close()
    full = f"""
from sqlalchemy import Engine, event
event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = {pages + 60}"))
"""
    with running(url, tmp_path, before=full) as server:
        headers = {"Authorization": f"Bearer {token}"}

        def send(number: int, facts: int) -> httpx.Response:
            named = {**headers, "Content-Type": "application/json", "Idempotency-Key": f"{number}"}
            content = variant(number, facts)
            return httpx.post(server.url + "/v1/publications", content=content, headers=named, timeout=60)

        refused = send(1, 2000)
        assert (refused.status_code, refused.json()["type"]) == (507, "/problems/insufficient-storage")
        assert faults(path) == []
        assert revisions(path) == 1
        assert httpx.get(server.url + "/v1/observations").json()["data"] == []
        small = send(2, 5)
        assert small.status_code == 201, small.text
        assert len(httpx.get(server.url + "/v1/observations").json()["data"]) == 5
    note("disk full while publishing", "507, old data intact, the next small publication works")
