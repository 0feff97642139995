"""Commands for operators: serve, mcp, migrate, backup, restore."""

import gc
from pathlib import Path
from typing import Annotated

import anyio
import typer

from app.api.middleware.request_log import configure_logs
from app.auth.tokens import SHAPE
from app.cli.console import current_database, database, settings, working
from app.db import backup as backups
from app.main import create_app, create_service
from app.mcp.server import serve_stdio
from app.publishing.rebuild import rebuild
from app.server import serve as run_server

commands = typer.Typer()

GC_THRESHOLDS = (50_000, 20, 100)
"""Thresholds of the garbage collector: Python's own 700 would scan the objects of hundreds of connections all the time."""


@commands.command(epilog="Example: PORT=8123 indicators serve")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.", min=0, max=65535)] = None,
    fd: Annotated[int | None, typer.Option(help="A socket that listens already, as of systemd; instead of both.", min=3)] = None,
) -> None:
    """Serve the API. The database must be there: see migrate and publish."""
    options = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    chosen = settings(**options)
    gc.set_threshold(*GC_THRESHOLDS)
    configure_logs(chosen.log_level, SHAPE)
    run_server(create_app(chosen), chosen, fd)


@commands.command(epilog="Example, as an agent's configuration has it: indicators mcp")
def mcp() -> None:
    """Serve the tools of agents over stdin and stdout (Model Context Protocol)."""
    chosen = settings()
    configure_logs(chosen.log_level, SHAPE)
    anyio.run(serve_stdio, create_service(chosen).agents)


@commands.command(
    epilog="Example: DATABASE_URL=sqlite:///./other.db indicators migrate",
    context_settings={"ignore_unknown_options": True},  # -1 is a schema
)
def migrate(
    revision: Annotated[str, typer.Argument(help="Schema to go to: head, base, a revision, or -1 for one back.")] = "head",
) -> None:
    """Create the database, or bring its schema and derived data up to date."""
    target = database()
    with working("migrating"):
        target.migrate(revision)
        if revision == "head":
            rebuild(target)
    typer.echo(f"{target.engine.url!r} is at {revision}")


@commands.command(epilog="Example: indicators backup backups/2026-11-24.db")
def backup(path: Annotated[Path, typer.Argument(help="The file to make.", show_default=False)]) -> None:
    """Copy the database while it is in use (SQLite; PostgreSQL has pg_dump)."""
    with working("copying"):
        counts = backups.back_up(current_database(), path)
    typer.echo(f"{path}: {_summary(counts)}")


@commands.command(epilog="Examples: indicators restore backups/2026-11-24.db --verify; indicators restore backups/2026-11-24.db")
def restore(
    path: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Restore to a temporary place only, and check it there.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also over a database that is there.")] = False,
) -> None:
    """Check a backup and make it the database."""
    with working("restoring"):
        counts = backups.verify(path) if verify else backups.restore(database(), path, replace=replace)
    typer.echo(f"{path}: {_summary(counts)}{', sound' if verify else ', restored'}")


def _summary(counts: dict[str, int]) -> str:
    """Return the counts in one line."""
    return ", ".join(f"{count} {table}" for table, count in counts.items())
