"""The command ``export``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.api.query_params import list_parameters, validate
from app.cli.console import current_database, working
from app.db.engines import Opened
from app.domain.dataset import Dataset
from app.errors import Problem, Refusal, nearest
from app.formats import BY_NAME as FORMATS_BY_NAME
from app.formats import FORMATS
from app.query.stream import stream
from app.resources import ALL, BY_NAME
from app.resources.base import Lang, Resource

Named = TypeVar("Named")

commands = typer.Typer()


@commands.command(epilog="Examples: indicators export observations nature=target --format csv; indicators export -o folder")
def export(
    resource: Annotated[str | None, typer.Argument(help="A resource; all of them when left out.", show_default=False)] = None,
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Parameters of its list, as name=value.", show_default=False)
    ] = None,
    format_: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(FORMATS_BY_NAME)}.")] = FORMATS[0].name,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, or folder for all; else stdout.", show_default=False),
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of names, summaries and statements.")] = "en",
) -> None:
    """Write all rows of a resource, or of all resources, without pages."""
    database = current_database()
    if resource is None and output is None:
        raise Refusal("name a resource, or a folder for all of them with --output")
    chosen = _named("format", format_, FORMATS_BY_NAME)
    # of all resources, those that the format can represent
    fitting = (resource_ for resource_ in ALL if chosen.fits(resource_.columns))
    resources = list(fitting) if resource is None else [_named("resource", resource, BY_NAME)]
    with database.snapshot() as opened:
        for resource_ in resources:
            dataset = _whole(opened, resource_, parameters or [], lang)
            if output is None:
                sys.stdout.buffer.writelines(chosen.write(dataset))
                continue
            target = output if resource is not None else output / f"{resource_.name}.{chosen.extension}"
            target.parent.mkdir(parents=True, exist_ok=True)
            with working(f"exporting {resource_.name}"), target.open("wb") as file:
                file.writelines(chosen.write(dataset))
            typer.echo(f"{target}: {target.stat().st_size} bytes")


def _whole(opened: Opened, resource: Resource, parameters: list[str], lang: Lang) -> Dataset:
    """Return the whole list as a stream, read while it is written."""
    values: dict[str, list[str]] = {}
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        values.setdefault(name, []).append(text)
    try:
        return stream(opened, resource, validate(list_parameters(resource), values), lang)
    except Problem as problem:
        raise Refusal("; ".join(fault.sentence for fault in problem.errors)) from None


def _named(noun: str, name: str, options: Mapping[str, Named]) -> Named:
    if name not in options:
        near = nearest(name, options)
        hint = f"did you mean {near}?" if near else f"expected one of {', '.join(options)}"
        raise Refusal(f"there is no {noun} {name}; {hint}")
    return options[name]
