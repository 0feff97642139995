"""The servers that are measured, each started on one core: this service, bare ASGI, Datasette, and a typical application."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, CLIENT_CORE = "0", "1"

BARE = """
import json, sys, uvicorn
body = open(sys.argv[1], "rb").read()
given = json.load(open(sys.argv[1] + ".headers"))
def start(status):
    headers = [(name.lower().encode(), value.encode()) for name, value in given[status] if name.lower() not in ("date", "connection")]
    return {"type": "http.response.start", "status": int(status), "headers": headers}
ok, unchanged = start("200"), start("304")
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    known = any(name == b"if-none-match" for name, _ in scope["headers"])
    await send(unchanged if known else ok)
    await send({"type": "http.response.body", "body": b"" if known else body})
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="error", lifespan="off", server_header=False)
"""

TYPICAL = """
# what a tutorial builds: ORM rows, offset, a count, a response model
import sys
import pysqlite3, uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlmodel import Session, func, select
from app.resources.observations import ObservationRow
engine = create_engine(f"sqlite:///{sys.argv[1]}", module=pysqlite3, connect_args={"check_same_thread": False})
app = FastAPI()
Row = type("Row", (BaseModel,), {"__annotations__": {n: f.annotation for n, f in ObservationRow.model_fields.items()}})
Page = type("Page", (BaseModel,), {"__annotations__": {"data": list[Row], "total": int}})
def session():
    with Session(engine) as made:
        yield made
@app.get("/observations", response_model=Page)
def observations(region: str, offset: int = 0, limit: int = 100, made: Session = Depends(session)):
    wanted = select(ObservationRow).where(ObservationRow.region == region, ObservationRow.retracted_in == None)
    total = made.exec(select(func.count()).select_from(wanted.subquery())).one()
    rows = made.exec(wanted.order_by(ObservationRow.id).offset(offset).limit(limit)).all()
    return {"data": [row.model_dump() for row in rows], "total": total}
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="error")
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def url(self, path: str) -> str:
        """The address of a path of it."""
        return f"http://127.0.0.1:{self.port}{path}"

    def use_both_cores(self) -> None:
        """Let its threads run on either core, the load generator's too."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {int(SERVER_CORE), int(CLIENT_CORE)})

    def peak_memory(self) -> int:
        """The most resident memory that it ever had, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


@contextmanager
def started(command: list[str], port: int, ready: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The server that ``command`` starts, once it answers ``ready``; stopped at the end."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(port, process.pid)
    try:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(server.url(ready)):  # noqa: S310  on this machine
                break
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def this_service(database: Path, port: int, cache_bytes: int = 2**26) -> AbstractContextManager[Server]:
    """This service over a database."""
    environment = {
        "DATABASE_URL": f"sqlite:///{database}",
        "PORT": str(port),
        "CACHE_BYTES": str(cache_bytes),
        "READ_SECONDS": "600",
        "RATE_LIMIT": "",  # the load generator is one client
    }
    command = [sys.executable, "-c", "from app.cli import run; run()", "serve"]
    return started(command, port, "/healthz", environment)


def bare(body: Path, port: int) -> AbstractContextManager[Server]:
    """Bare ASGI that answers with the same bytes and the same headers: the ceiling."""
    return started([sys.executable, "-c", BARE, str(body), str(port)], port, "/")


def typical(database: Path, port: int) -> AbstractContextManager[Server]:
    """A typical FastAPI and SQLModel application."""
    return started([sys.executable, "-c", TYPICAL, str(database), str(port)], port, "/docs")


def datasette(program: Path, database: Path, port: int) -> AbstractContextManager[Server]:
    """Datasette, told that the database does not change, without facets."""
    settings = {"default_facet_size": "0", "suggest_facets": "off", "num_sql_threads": "1", "max_returned_rows": "10000"}
    options = [part for setting in settings.items() for part in ("--setting", *setting)]
    command = [str(program), "serve", "-i", str(database), "--port", str(port), *options]
    return started(command, port, "/-/versions.json")


def datasette_page(region: str, rows: int) -> str:
    """The path of that many observations of a region from Datasette, without what it would count besides."""
    return f"/peers/observation.json?region={region}&_size={rows}&_shape=array&_nocount=1&_nofacet=1"
