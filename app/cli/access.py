"""Commands on access: issue, list and revoke tokens, and show the audit log."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.auth.audit_log import entries, record
from app.auth.tokens import LOCAL, SCOPES, issue, revoke, tokens
from app.cli.console import current_database, errors
from app.db.types import moment_text
from app.errors import Refusal

commands = typer.Typer()
token = typer.Typer(no_args_is_help=True)

DAYS = re.compile(r"([1-9][0-9]{0,4})d")
"""A number of days, as in ``90d``."""
output = Console(highlight=False, soft_wrap=True)


@token.command("issue", epilog="Example: indicators token issue newsroom --scope publish:thepaper- --expires 90d")
def issue_(
    name: Annotated[str, typer.Argument(help="Whose token it is.", show_default=False)],
    scope: Annotated[list[str], typer.Option(help=f"What it may do: {SCOPES}. Repeatable.", show_default=False)],
    expires: Annotated[str, typer.Option(help="After how many days it expires, as 90d; or never.")] = "90d",
) -> None:
    """Issue a token. It is shown only once; the database keeps its digest."""
    with current_database().write() as connection:
        issued = issue(connection, name, scope, _expiry(expires))
        identifier = issued[4:12]
        record(connection, LOCAL, "issue token", identifier, "done")
    typer.echo(issued)
    errors.print(f"Keep it: it is not shown again. Its id is {identifier}.", markup=False)


@token.command("list", epilog="Example: indicators token list")
def list_() -> None:
    """List all tokens: ids, scopes, and when they were last used."""
    with current_database().read() as connection:
        _print(tokens(connection))


@token.command("revoke", epilog="Example: indicators token revoke 3vQm81Zk")
def revoke_(identifier: Annotated[str, typer.Argument(help="Id of the token.", show_default=False)]) -> None:
    """Revoke a token at once and for good."""
    with current_database().write() as connection:
        revoke(connection, identifier)
        record(connection, LOCAL, "revoke token", identifier, "done")
    typer.echo(f"{identifier}: revoked")


@commands.command(epilog="Example: indicators audit --limit 20")
def audit(
    limit: Annotated[int, typer.Option(help="Entries to show.", min=1)] = 100,
) -> None:
    """Show the audit log, newest first: actor, action, target, client and result."""
    with current_database().read() as connection:
        _print(entries(connection, limit))


def _expiry(text: str) -> datetime | None:
    if text == "never":
        return None
    days = DAYS.fullmatch(text)
    if days is None:
        raise Refusal(f"{text} is not a valid lifetime; expected a number of days as 90d, or never")
    return datetime.now(UTC) + timedelta(days=int(days[1]))


def _print(rows: Any) -> None:
    """Print a table on a terminal, tab-separated values elsewhere."""
    if not rows:
        errors.print("nothing yet", markup=False)
        return
    cells = [[_cell(value) for value in row.values()] for row in rows]
    if not output.is_terminal:
        typer.echo("\t".join(rows[0]))
        for row in cells:
            typer.echo("\t".join(row))
        return
    table = Table(*rows[0])
    for row in cells:
        table.add_row(*row)
    output.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return moment_text(value, "seconds")
    return "" if value is None else str(value).replace("\n", " ")
