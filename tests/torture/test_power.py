"""Power cuts: what was written and not synced is kept, dropped or torn at random; what was acknowledged must be there.

The statements that publishing runs are recorded and run again over a file system that keeps a log of every write, sync and
truncation. At points of that log the power is cut: the files are put together as a disk may have them then.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlalchemy import event

from app.db.database import Database
from app.publishing.revisions import publish
from app.settings import bundled
from tests.conftest import migrated
from tests.torture import rounds
from tests.torture.figures import Note
from tests.torture.history import faults, revisions, variant, words

SECTOR = 512
PUBLICATIONS = 12

Statement = tuple[str, Any, bool]


@dataclass(frozen=True)
class Event:
    """A write (data at an offset), a truncation (to a size), a sync of a file, or an acknowledgement (its revision)."""

    what: str
    file: str
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk(apsw.VFS):
    """A file system that logs what is done to its files."""

    log: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__("losing-power", "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  apsw's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        return LoggedFile(self, name, flags, Path(path).name)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802, FBT001  apsw's name and signature
        self.log.append(Event("delete", Path(name).name))
        super().xDelete(name, sync)


class LoggedFile(apsw.VFSFile):
    """One file of it."""

    def __init__(self, disk: Disk, name: Any, flags: list[int], short: str) -> None:
        super().__init__("", name, flags)
        self._disk, self._short = disk, short

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  apsw's name
        self._disk.log.append(Event("write", self._short, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802  apsw's name
        self._disk.log.append(Event("truncate", self._short, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802  apsw's name
        self._disk.log.append(Event("sync", self._short))
        super().xSync(flags)


def recorded(folder: Path) -> list[Statement]:
    """The statements of some publications, in the order in which the engine ran them."""
    database = migrated(f"sqlite:///{folder}/recorded.db")
    found: list[Statement] = []
    engine = database.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, given, _x, many: found.append((sql, given, many)))
    event.listen(engine, "commit", lambda _connection: found.append(("COMMIT", (), False)))
    publish(database, words())
    for number in range(1, PUBLICATIONS):
        publish(database, variant(number))
    database.close()
    return found


def replayed(statements: list[Statement], path: Path, synchronous: str) -> list[Event]:
    """Run the statements over a disk that logs; the log, with an acknowledgement after every commit."""
    migrated(f"sqlite:///{path}").close()
    disk = Disk()
    connection = apsw.Connection(str(path), vfs="losing-power")
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "wal_autocheckpoint = 40", f"synchronous = {synchronous}"):
        connection.execute(f"PRAGMA {pragma}")
    for sql, given, many in statements:
        cursor = connection.cursor()
        if sql.startswith("PRAGMA") or (sql == "COMMIT" and not connection.in_transaction):  # the end of a read
            continue
        if many:
            cursor.executemany(sql, given)
        else:
            list(cursor.execute(sql, given))
        if sql == "COMMIT":
            (revision,) = next(connection.execute("SELECT coalesce(max(id), 0) FROM revision"))
            disk.log.append(Event("acknowledged", "", int(revision)))
    log = list(disk.log)  # what closing does is not of interest
    connection.close()
    disk.unregister()
    return log


def after_power_cut(start: dict[str, bytes], log: list[Event], chance: random.Random) -> dict[str, bytes]:
    """The files as a disk may have them after the events of ``log``: what was not synced is there, or not, or in part."""
    files = {name: bytearray(content) for name, content in start.items()}
    last_sync: dict[str, int] = {each.file: number for number, each in enumerate(log) if each.what == "sync"}
    for number, each in enumerate(log):
        safe = number <= last_sync.get(each.file, -1)
        if each.what == "delete" and (safe or chance.random() < 0.5):
            files.pop(each.file, None)
        elif each.what == "truncate" and (safe or chance.random() < 0.5):
            content = files.setdefault(each.file, bytearray())
            del content[each.offset :]
            content.extend(bytes(each.offset - len(content)))
        elif each.what == "write":
            _write(files.setdefault(each.file, bytearray()), each, safe, chance)
    return {name: bytes(content) for name, content in files.items()}


def _write(content: bytearray, each: Event, safe: bool, chance: random.Random) -> None:  # noqa: FBT001  as it is called
    """Sector by sector, of which any may be lost that was not synced."""
    torn = not safe and chance.random() < 0.5
    dropped = not safe and not torn and chance.random() < 0.5
    if dropped:
        return
    for begin in range(0, len(each.data), SECTOR):
        if torn and chance.random() < 0.5:
            continue
        part = each.data[begin : begin + SECTOR]
        place = each.offset + begin
        if len(content) < place + len(part):
            content.extend(bytes(place + len(part) - len(content)))
        content[place : place + len(part)] = part


def outcomes(folder: Path, synchronous: str, points: int) -> dict[str, int]:
    """How many power cuts corrupted something, left something in part, or lost what was acknowledged."""
    statements = recorded(folder)
    path = folder / "disk.db"
    migrated(f"sqlite:///{path}").close()
    start = {path.name: path.read_bytes()}
    path.unlink()
    log = replayed(statements, path, synchronous)
    chance, found = random.Random(7), defaultdict[str, int](int)
    for cut in chance.choices(range(1, len(log)), k=points):
        place = folder / f"{synchronous}-cut"
        place.mkdir(exist_ok=True)
        for name, content in after_power_cut(start, log[:cut], chance).items():
            (place / name).write_bytes(content)
        acknowledged = max((each.offset for each in log[:cut] if each.what == "acknowledged"), default=0)
        wrong = faults(place / path.name)
        found["corrupt or partial"] += bool(wrong)
        found["lost"] += not wrong and revisions(place / path.name) < acknowledged
        for left in place.iterdir():
            left.unlink()
    return dict(found)


@pytest.fixture(scope="module")
def points() -> int:
    """At how many moments the power is cut."""
    return rounds(100, 1000)


def test_power_cuts_lose_nothing_that_was_acknowledged(tmp_path: Path, note: Note, points: int) -> None:
    found = outcomes(tmp_path, "FULL", points)
    note(f"{points} power cuts", f"{found['corrupt or partial']} corrupt or partial, {found['lost']} lost")
    assert found == {"corrupt or partial": 0, "lost": 0}


def test_the_same_cuts_without_syncs_do_lose(tmp_path: Path, note: Note, points: int) -> None:
    """The control: were this to pass, the test above would prove nothing."""
    found = outcomes(tmp_path, "OFF", points)
    note(f"{points} power cuts with synchronous=OFF (the control)", f"{sum(found.values())} fail, as they must")
    assert sum(found.values()) > 0


def test_the_service_syncs_as_the_test_does(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db", bundled("migrations"))
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()
