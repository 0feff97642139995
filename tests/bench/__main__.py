"""Run the benchmark: build the data, start each contender in turn, interleave rounds, write table, JSON and chart."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from urllib.parse import quote

import pysqlite3
from rich.console import Console
from rich.table import Table

from app.db.database import Database
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.rebuild import rebuild
from app.publishing.revisions import publish
from app.query import cursor
from app.resources.observations import OBSERVATIONS
from app.settings import bundled
from tests.bench import contenders
from tests.bench.contenders import CLIENT_CORE, Server
from tests.bench.data import INDICATORS, RARE, YEARS, fill, region_id
from tests.bench.measures import Goal, chart, fetch, interleaved, least, most, random_regions, rate, ratio
from tests.documents import vocabulary, written

TEXTS = 60_000
console = Console()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    if missing := [tool for tool in ("wrk", "sqlite3", "taskset") if shutil.which(tool) is None]:
        parser.error(f"needs {' and '.join(missing)}")  # now, not after building for a quarter of an hour
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        goals = measured(Path(made), options.rows)
    machine = {"cpu": platform.processor() or platform.machine(), "python": platform.python_version(),
               "sqlite": pysqlite3.sqlite_version, "rows": options.rows}  # fmt: skip
    options.out.write_text(
        json.dumps({"machine": machine, "goals": [asdict(goal) | {"met": goal.met} for goal in goals]}, indent=1)
    )
    options.out.with_suffix(".svg").write_text(chart(goals))
    table = Table("goal", "measured", "wanted", "met", "detail")
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        table.add_row(goal.name, f"{goal.measured:.3g}", f"{sign} {goal.wanted:g}", "yes" if goal.met else "NO", goal.detail)
    console.print(table)


def measured(folder: Path, rows: int) -> list[Goal]:
    """Everything, in one run."""
    large, small = built(folder / "large.db", rows), built(folder / "small.db", min(rows, 100_000))
    peers = for_peers(large, folder / "peers.db")
    os.sync()  # what is still being written would be measured
    program = folder / "datasette"
    subprocess.run([sys.executable, "-m", "venv", str(program)], check=True)
    subprocess.run([str(program / "bin" / "pip"), "install", "--quiet", "datasette"], check=True)
    os.sched_setaffinity(0, {int(CLIENT_CORE)})  # we are a client from now on, too
    regions = rows // (INDICATORS * YEARS)
    with ExitStack() as stack:
        cached = stack.enter_context(contenders.this_service(large, 18501))
        plain = stack.enter_context(contenders.this_service(large, 18502, cache_bytes=0))
        little = stack.enter_context(contenders.this_service(small, 18503, cache_bytes=0))
        page = "/v1/observations?limit=100"
        body = folder / "body.json"
        with urllib.request.urlopen(cached.url(page)) as answer:  # noqa: S310  on this machine
            body.write_bytes(answer.read())
            etag = answer.headers["etag"]
            headers = {"200": answer.headers.items(), "304": not_modified(cached.url(page), etag)}
            Path(f"{body}.headers").write_text(json.dumps(headers))
        bare = stack.enter_context(contenders.bare(body, 18504))
        peer = stack.enter_context(contenders.datasette(program / "bin" / "datasette", peers, 18505))
        tutorial = stack.enter_context(contenders.typical(large, 18506))
        ours = random_regions(folder, "ours", "/v1/observations?limit=100&region=syn%06d", regions)
        few = random_regions(folder, "few", "/v1/observations?limit=100&region=syn%06d", 40)
        theirs = random_regions(folder, "theirs", contenders.datasette_page("syn%06d", 100), regions)
        typical = random_regions(folder, "typical", "/observations?limit=100&region=syn%06d", regions)
        return [
            *cached_reads(cached, bare, page, etag),
            *uncached_reads(plain, peer, tutorial, (ours, theirs, typical)),
            *depth(plain, little, large, rows, (ours, few)),
            *exports(plain, cached, peers, rows, ours),
            *statistics_exchange(little, min(rows, 100_000)),
            *crowd(cached, bare, page),
            *fresh(cached, large),
            *search(plain),
        ]


def not_modified(url: str, etag: str) -> list[tuple[str, str]]:
    """The headers of a 304."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": etag}))  # noqa: S310  on this machine
    except urllib.error.HTTPError as answer:
        return answer.headers.items()
    raise SystemExit(f"{url} does not answer If-None-Match with 304")


def built(path: Path, rows: int) -> Path:
    """A database of that many rows."""
    with console.status(f"building {rows:,} rows"):
        database = Database(f"sqlite:///{path}", bundled("migrations"))
        database.migrate()
        rebuild(database, {key: number for key, number in DERIVED_FORMATS.items() if key[0] != "json_rows"})
        fill(database, rows, TEXTS)
        rebuild(database)  # the JSON rows alone: statements and texts are of today's formats since the database was empty
        database.close()
    return path


def for_peers(database: Path, path: Path) -> Path:
    """A copy for the peers: without the search index, which older SQLite libraries do not know, and what we keep for ourselves.

    They do not ask for current rows alone, and so need an index of regions alone.
    """
    shutil.copy(database, path)
    with pysqlite3.connect(str(path)) as connection:
        connection.execute("DROP TABLE search_index")
        connection.execute("DROP TABLE observation_json_en")
        connection.execute("DROP TABLE observation_json_zh")
        connection.execute("DROP TABLE derived")
        connection.execute("DROP INDEX ix_observation_region_retracted_in_id_number")
        connection.execute("DROP INDEX ix_observation_subject_retracted_in_id_number")
        connection.execute("ALTER TABLE observation DROP COLUMN number")
        connection.execute("CREATE INDEX ix_observation_region ON observation (region)")
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


def cached_reads(cached: Server, bare: Server, page: str, etag: str) -> list[Goal]:
    """Repeated reads, against bare ASGI with the same bytes and headers."""
    known = [f"If-None-Match: {etag}"]
    hit, ceiling, known_hit, known_ceiling = interleaved(
        [
            lambda: rate(cached, page),
            lambda: rate(bare, "/"),
            lambda: rate(cached, page, headers=known),
            lambda: rate(bare, "/", headers=known),
        ]
    )
    return [
        least("cached list / bare ASGI", ratio(hit, ceiling), 0.80, f"{median(hit):,.0f}/s of {median(ceiling):,.0f}/s"),
        least(
            "304 / bare 304",
            ratio(known_hit, known_ceiling),
            0.75,
            f"{median(known_hit):,.0f}/s of {median(known_ceiling):,.0f}/s",
        ),
    ]


def uncached_reads(plain: Server, peer: Server, tutorial: Server, scripts: tuple[Path, Path, Path]) -> list[Goal]:
    """Pages of 100 rows of ever other regions, without any cache of answers."""
    region, most_rows = region_id(1), INDICATORS * YEARS
    ours, theirs, typical = interleaved(
        [
            lambda: rate(plain, "/", scripts[0]),
            lambda: rate(peer, "/", scripts[1]),
            lambda: rate(tutorial, "/", scripts[2]),
        ]
    )
    profile, their_all, typical_all = interleaved(  # of which peers answer a few in a second
        [
            lambda: rate(plain, f"/v1/regions/{region}/profile", connections=4, seconds=3),
            lambda: rate(peer, contenders.datasette_page(region, most_rows), connections=4, seconds=3),
            lambda: rate(tutorial, f"/observations?limit={most_rows}&region={region}", connections=4, seconds=3),
        ],
        rounds=9,
    )
    item, page = interleaved(  # the same 1,000 observations, carried by their region or as a page
        [
            lambda: rate(plain, f"/v1/regions/{region}"),
            lambda: rate(plain, f"/v1/observations?limit=1000&region={region}"),
        ],
        rounds=9,
    )
    return [
        most(
            "time of an item / of a page of its rows", ratio(page, item), 1.5, f"{median(item):,.0f}/s and {median(page):,.0f}/s"
        ),
        least("uncached page / Datasette", ratio(ours, theirs), 10, f"{median(ours):,.0f}/s to {median(theirs):,.0f}/s"),
        least("uncached page / typical app", ratio(ours, typical), 10, f"{median(ours):,.0f}/s to {median(typical):,.0f}/s"),
        least(
            "region profile / better peer",
            min(ratio(profile, their_all), ratio(profile, typical_all)),
            4,
            f"{median(profile):,.1f}/s to {median(their_all):,.1f}/s and {median(typical_all):,.1f}/s: "
            f"the {most_rows:,} observations of a region",
        ),
    ]


def depth(plain: Server, little: Server, large: Path, rows: int, scripts: tuple[Path, Path]) -> list[Goal]:
    """A page far into the list against the first one, and over much against over little."""
    deep = int(rows * 0.98)
    with pysqlite3.connect(str(large)) as connection:
        (last,) = connection.execute("SELECT id FROM observation ORDER BY id LIMIT 1 OFFSET ?", (deep,)).fetchone()
    place = cursor.write([last], OBSERVATIONS, OBSERVATIONS.query(), "en", 1)
    first, far, over_large, over_small = interleaved(
        [
            lambda: rate(plain, "/v1/observations?limit=100"),
            lambda: rate(plain, f"/v1/observations?limit=100&cursor={place}"),
            lambda: rate(plain, "/", scripts[0]),
            lambda: rate(little, "/", scripts[1]),
        ]
    )
    return [
        most(f"time at depth {deep:,} / first page", ratio(first, far), 1.2, f"{median(far):,.0f}/s and {median(first):,.0f}/s"),
        most(
            f"time over {rows:,} / over 100,000",
            ratio(over_small, over_large),
            1.15,
            f"{median(over_large):,.0f}/s and {median(over_small):,.0f}/s",
        ),
    ]


def exports(plain: Server, cached: Server, peers: Path, rows: int, script: Path) -> list[Goal]:
    """A filtered stream against the sqlite3 shell with the same columns, a finished file, memory, and the others meanwhile."""
    joined = ("indicator_name", "topic", "subject_name", "unit", "reported_on", "rank_scope", "statement")
    fields = [column.name for column in OBSERVATIONS.columns if column.name not in joined]
    chosen = ",".join(f"syn-indicator-{number:03d}" for number in range(20))
    path = f"/v1/observations?format=csv&limit=all&fields={','.join(fields)}&indicator={chosen}"
    where = "indicator < 'syn-indicator-020' AND retracted_in IS NULL ORDER BY id"
    count = rows // 5
    sql = f"SELECT {', '.join(fields)} FROM observation WHERE {where}"  # noqa: S608  our own columns
    idle, waits, sizes = plain.peak_memory(), [], []

    def stream() -> float:
        wait, taken, _ = fetch(plain, path)
        waits.append(wait)
        return taken

    def file() -> float:
        _, taken, size = fetch(cached, "/v1/export/observations.csv")
        sizes.append(size)
        return taken

    def shell() -> float:
        start = time.perf_counter()
        subprocess.run(["taskset", "-c", "0", "sqlite3", "-csv", str(peers), sql], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    file()  # builds it
    ours, finished, theirs = interleaved([stream, file, shell], rounds=3)
    more = plain.peak_memory() - idle
    plain.use_both_cores()

    def during() -> float:
        with ThreadPoolExecutor(1) as threads:
            export = threads.submit(fetch, plain, path)
            found = rate(plain, "/", script, seconds=3)
            export.result()
        return found

    alone, meanwhile = interleaved([lambda: rate(plain, "/", script, seconds=3), during], rounds=7)
    return [
        least(
            "filtered CSV stream / sqlite3 -csv",
            ratio(theirs, ours),
            0.4,
            f"{count:,} rows: {median(ours):.1f} s and {median(theirs):.1f} s",
        ),
        least(
            "finished CSV / sqlite3 -csv, by the row",
            ratio(theirs, finished) * rows / count,
            10,
            f"{sizes[0] / median(finished) / 1e6:,.0f} MB/s",
        ),
        most("first byte of a stream, ms", median(waits) * 1000, 20, f"of {count:,} rows"),
        most("memory of a stream above idle, MB", more / 1e6, 100, "growth of the peak of resident memory"),
        least(
            "uncached reads during an export",
            ratio(meanwhile, alone),
            0.7,
            f"{median(meanwhile):,.0f}/s and {median(alone):,.0f}/s alone",
        ),
    ]


def statistics_exchange(little: Server, rows: int) -> list[Goal]:
    """SDMX-CSV against our own CSV, both of everything, and what streaming it takes."""
    idle = little.peak_memory()
    flow, csv = "/sdmx/3.0/data/dataflow/RI/OBSERVATIONS", "application/vnd.sdmx.data+csv;version=2.0.0"
    plain, exchanged = interleaved(
        [
            lambda: fetch(little, "/v1/observations?format=csv&limit=all")[1],
            lambda: fetch(little, flow, csv)[1],
        ]
    )
    more = little.peak_memory() - idle
    detail = f"{rows:,} observations: {median(exchanged):.2f} s and {median(plain):.2f} s"
    return [
        most("SDMX-CSV 2.0 / CSV, time", ratio(exchanged, plain), 2, detail),
        most("memory of an SDMX stream above idle, MB", more / 1e6, 100, "growth of the peak of resident memory"),
    ]


def crowd(cached: Server, bare: Server, page: str) -> list[Goal]:
    """256 connections against 16; what becomes of bare ASGI with the same bytes says how much of it is the machine's."""
    few, many, bare_few, bare_many = interleaved(  # for long enough that making the connections does not count
        [
            lambda: rate(cached, page, seconds=5),
            lambda: rate(cached, page, connections=256, seconds=5),
            lambda: rate(bare, "/", seconds=5),
            lambda: rate(bare, "/", connections=256, seconds=5),
        ],
        rounds=15,
    )
    detail = f"{median(many):,.0f}/s and {median(few):,.0f}/s; bare ASGI: {ratio(bare_many, bare_few):.3g}"
    return [least("rate at 256 connections / at 16", ratio(many, few), 0.9, detail)]


def fresh(cached: Server, large: Path) -> list[Goal]:
    """Reads right after commits of another process."""
    database = Database(f"sqlite:///{large}", bundled("migrations"))
    data, stale = vocabulary(), 0
    data["indicators"] = []
    for number in range(400):
        data["source"]["title"] = f"Words {number}"
        revision = publish(database, written(data)).revision
        with urllib.request.urlopen(cached.url("/v1/sources?id=words&fields=revision")) as answer:  # noqa: S310  on this machine
            stale += json.load(answer)["data"][0]["revision"] != revision
    database.close()
    return [most("stale answers in 400 reads after commits", stale, 0, "each by another process")]


def search(plain: Server) -> list[Goal]:
    """A rare word of two Chinese characters."""
    path = f"/v1/search?q={quote(RARE)}"
    with urllib.request.urlopen(plain.url(path)) as answer:  # noqa: S310  on this machine
        found = json.load(answer)["meta"]["count"]
    taken = 1000 / rate(plain, path, connections=1, seconds=3)
    return [most(f"search for a rare word in {TEXTS:,} texts, ms", taken, 5, f"{found} found")]


if __name__ == "__main__":
    main()
