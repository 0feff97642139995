"""What is published again and again, and what must hold of a database whatever happened to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysqlite3

from tests.documents import Data, article, vocabulary, written

FACTS = ("observation", "relation", "designation")


def variant(number: int, facts: int = 20) -> bytes:
    """The ``number``-th version of a document with so many observations, each of which differs from version to version."""
    data: Data = article()
    stated = data["observations"][1]
    cite = {"line": 3, "text": str(number + 1)}
    many = [{**stated, "key": f"k{each}", "value": number + 1, "hedge": None, "cite": cite} for each in range(facts)]
    data["observations"] = [{name: value for name, value in fact.items() if value is not None} for fact in many]
    for section in ("relations", "designations"):
        data.pop(section, None)
    return written(data)


def words() -> bytes:
    """The document that the variants refer to."""
    return written(vocabulary())


def faults(path: Path) -> list[str]:
    """What is wrong with a database: damage, partial revisions, facts that do not fit the counts of their revision."""
    connection = pysqlite3.connect(str(path))
    try:
        return list(_faults(connection))
    except (pysqlite3.DatabaseError, TypeError) as error:  # what is damaged may have anything in its columns
        return [str(error)]
    finally:
        connection.close()


def _faults(connection: Any) -> Iterator[str]:
    yield from (str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok")
    for revision, added, changed, retracted in connection.execute("SELECT id, added, changed, retracted FROM revision"):
        made = _count(connection, "revision = ?", revision)
        ended = _count(connection, "retracted_in = ?", revision)
        if (made, ended) != (added + changed, changed + retracted):
            yield f"revision {revision}: {made} made and {ended} ended, {added} {changed} {retracted} stated"
    entries = connection.execute("SELECT count(*) FROM search_entry").fetchone()[0]
    indexed = connection.execute("SELECT count(*) FROM search_index").fetchone()[0]
    if entries != indexed:
        yield f"{entries} texts, {indexed} of them indexed"


def revisions(path: Path) -> int:
    """The latest revision; 0 where there is none."""
    connection = pysqlite3.connect(str(path))
    try:
        return int(connection.execute("SELECT coalesce(max(id), 0) FROM revision").fetchone()[0])
    finally:
        connection.close()


def _count(connection: Any, where: str, revision: int) -> int:
    counts = (connection.execute(f"SELECT count(*) FROM {table} WHERE {where}", (revision,)) for table in FACTS)
    return sum(int(count.fetchone()[0]) for count in counts)
