"""The service as a process of its own, for tests of what only a real server does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.auth.tokens import issue
from app.db.database import Database
from app.settings import bundled


@dataclass(frozen=True)
class Running:
    """A running service."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """A connection, for what no client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def say(self, content: bytes) -> bytes:
        """What is answered to these bytes, until the connection is closed or nothing comes any more."""
        with self.connect() as connection:
            connection.sendall(content)
            return heard(connection)


def heard(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while True:
        try:
            part = connection.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return found
        if not part:
            return found
        found += part


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(url: str, folder: Path, *, before: str = "", environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """The service over the database ``url``; ``before`` is Python that runs first. Stopped at the end, if it still runs."""
    port = free_port()
    log = folder / f"server-{port}.log"
    command = [sys.executable, "-c", f"{before}\nfrom app.cli import run; run()", "serve"]
    given = {"DATABASE_URL": url, "PORT": str(port), "RATE_LIMIT": "", **(environment or {})}
    with log.open("ab") as file:
        process = subprocess.Popen(command, env={**os.environ, **given}, stdout=file, stderr=file)
        try:
            for _ in range(300):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
                    break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.05)
            yield Running(port, process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def issued(url: str, *scopes: str) -> str:
    """A new token for the service over the database ``url``."""
    database = Database(url, bundled("migrations"))
    with database.write() as connection:
        made = issue(connection, "test", scopes, None)
    database.close()
    return made
