"""The command ``indicators``: one module per group of commands, added here."""

import sys

import typer

from app.cli import access, data, documents, operation
from app.cli.console import errors
from app.errors import Refusal

commands = typer.Typer(
    name="indicators",
    help="Regional Indicators API: hedged, dated and cited figures of regional economic news.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _group in (operation, documents, data, access):
    commands.add_typer(_group.commands)
commands.add_typer(access.token, name="token", help="Issue, list and revoke tokens for publishing over HTTP.")


def run() -> None:
    """Run the command line; a refusal is one line on stderr and exit code 1."""
    try:
        commands()
    except Refusal as refusal:
        errors.print(f"error: {refusal}", markup=False)
        sys.exit(1)
