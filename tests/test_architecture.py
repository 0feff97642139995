"""The length of the read path: modules that one uncached list request runs through, counted by a profiler."""

import asyncio
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from app.db.database import Database
from app.main import create_app
from app.settings import Settings
from tests.conftest import seeded

ROOT = Path(__file__).parent.parent / "app"
DECLARATIONS = ("resources/", "domain/")
MIDDLEWARE = ("api/middleware/", "api/metrics.py")
MOST_BETWEEN_ROUTE_AND_BYTES = 14
MOST_IN_ALL = 25


def modules_of(database: Database, query: bytes) -> set[str]:
    """Return the modules of ``app`` whose functions run while a list of zones is answered without the cache."""
    application = create_app(Settings(database_url=database.url, rate_limit="", cache_bytes=0))
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "root_path": "", "path": "/v1/zones",
        "raw_path": b"/v1/zones", "query_string": query, "headers": [(b"host", b"test")], "client": ("127.0.0.1", 1),
        "server": ("test", 80), "state": {},
    }  # fmt: skip
    modules: set[str] = set()

    def record(frame: FrameType, event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            modules.add(str(path.relative_to(ROOT)))

    async def send(_message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        await application(dict(scope), receive, send)  # statements are compiled now
        sys.setprofile(record)
        try:
            await application(dict(scope), receive, send)
        finally:
            sys.setprofile(None)

    asyncio.run(ask())
    return modules


def test_a_list_request_runs_through_few_modules(database: Database) -> None:
    modules = modules_of(seeded(database), b"region=310104&sort=-name")
    between = {name for name in modules if not name.startswith((*DECLARATIONS, *MIDDLEWARE))}
    print(*sorted(modules), f"{len(between)} between route and bytes, {len(modules)} in all", sep="\n")  # noqa: T201  shown by pytest -s
    assert len(between) <= MOST_BETWEEN_ROUTE_AND_BYTES
    assert len(modules) <= MOST_IN_ALL
