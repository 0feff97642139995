"""The command ``indicators``: serve, migrate, check, publish, verify, export."""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from app.api.parameters import list_parameters, validated
from app.database import Database
from app.dataset import Dataset
from app.errors import DocumentFaulty, Fault, Problem, Refusal, nearest
from app.formats import BY_NAME as FORMATS_BY_NAME
from app.formats import FORMATS
from app.main import create_app
from app.publishing.document import Document
from app.publishing.ingest import known
from app.publishing.ingest import publish as publish_document
from app.publishing.known import Known
from app.publishing.parse import declared_by, parse
from app.publishing.verify import citations, mismatches
from app.query.streaming import stream
from app.resource import Lang, Resource
from app.resources import ALL, BY_NAME
from app.settings import Settings, carried

Named = TypeVar("Named")

commands = typer.Typer(
    name="indicators",
    help="Regional Indicators API: hedged, dated and cited figures of regional economic news.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

GC_THRESHOLDS = (50_000, 20, 100)
"""The objects of hundreds of connections live on: with Python's own 700 the collector would go through them all the time."""

Documents = Annotated[list[Path], typer.Argument(help="Documents, or folders of them.", show_default=False)]


def run() -> None:
    """The entry point: what cannot be done is one line on stderr and exit code 1."""
    try:
        commands()
    except Refusal as refusal:
        errors.print(f"error: {refusal}", markup=False)
        sys.exit(1)


@commands.command(
    epilog="Example: PORT=8123 indicators serve",
)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.", min=0, max=65535)] = None,
) -> None:
    """Serve the API. The database must be there: see migrate and publish."""
    settings = _settings()
    gc.set_threshold(*GC_THRESHOLDS)
    uvicorn.run(
        create_app(settings),
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
    )


@commands.command(epilog="Example: DATABASE_URL=sqlite:///./other.db indicators migrate")
def migrate(
    revision: Annotated[str, typer.Argument(help="Schema to go to: head, base, a revision, or -1 for one back.")] = "head",
) -> None:
    """Create the database, or bring its schema up to date."""
    database = _database()
    with _working("migrating"):
        database.migrate(revision)
    typer.echo(f"{database.engine.url!r} is at {revision}")


@commands.command(epilog="Example: indicators check seed/*.yaml")
def check(documents: Documents) -> None:
    """Check documents without storing anything; they may refer to each other in the order given, and to the database."""
    everything = _known()
    faulty = 0
    for path in _files(documents):
        document = _checked(path, everything)
        faulty += document is None
        if document is not None:
            declared = declared_by(document)
            everything = Known(everything.entities | declared.entities, everything.indicators | declared.indicators)
            typer.echo(f"{path}: ok")
    if faulty:
        raise typer.Exit(1)


@commands.command(epilog="Examples: indicators publish district.yaml; indicators publish --seed")
def publish(
    documents: Annotated[list[Path] | None, typer.Argument(help="Documents, or folders of them.", show_default=False)] = None,
    *,
    seed: Annotated[bool, typer.Option("--seed", help="Publish what comes with the software, where it is missing.")] = False,
) -> None:
    """Publish documents: each becomes one revision, or nothing of it is stored."""
    if bool(documents) == seed:
        raise Refusal("name documents to publish, or --seed for those that come with the software")
    database = _database()
    database.require_current()
    for path in _files([carried("seed")] if seed else documents or []):
        content = _content(path)
        try:
            with _working(f"publishing {path}"):
                receipt = publish_document(database, content, only_missing=seed)
        except DocumentFaulty as error:
            _print_faults(path, error)
            raise typer.Exit(1) from None
        changes = receipt.changes
        news = f"{changes.added} facts added, {changes.changed} changed, {changes.retracted} retracted"
        typer.echo(f"{path}: revision {receipt.revision}, {news if receipt.new else 'already there'}")


@commands.command(epilog="Example: indicators verify seed/10-thepaper-20240329-xuhui.yaml --text article.txt")
def verify(
    document: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    text: Annotated[Path, typer.Option(help="The exact text of its source.", show_default=False)],
) -> None:
    """Check that a document cites its source: the text's SHA-256, and every cited phrase in its line."""
    checked = _checked(document, None)
    if checked is None:
        raise typer.Exit(1)
    wrong = list(mismatches(checked, _content(text)))
    for line in wrong:
        errors.print(f"{document}: {line}", markup=False)
    if wrong:
        raise typer.Exit(1)
    typer.echo(f"{document}: {sum(1 for _ in citations(checked))} citations stand in their lines")


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
    """Write the rows of a resource, or of all of them, whole and without pages."""
    database = _database()
    database.require_current()
    if resource is None and output is None:
        raise Refusal("name a resource, or a folder for all of them with --output")
    chosen = _named("format", format_, FORMATS_BY_NAME)
    asked = ALL if resource is None else (_named("resource", resource, BY_NAME),)
    for each in (each for each in asked if resource is not None or chosen.fits(each.columns)):
        dataset = _whole(database, each, parameters or [], lang)
        if output is None:
            sys.stdout.buffer.writelines(chosen.write(dataset))
            continue
        target = output if resource is not None else output / f"{each.name}.{chosen.extension}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with _working(f"exporting {each.name}"), target.open("wb") as file:
            file.writelines(chosen.write(dataset))
        typer.echo(f"{target}: {target.stat().st_size} bytes")


def _whole(database: Database, resource: Resource, parameters: list[str], lang: Lang) -> Dataset:
    """The whole list; it is read while it is written."""
    given: dict[str, list[str]] = {}
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        given.setdefault(name, []).append(text)
    try:
        return stream(database.read, resource, validated(list_parameters(resource), given), lang)
    except Problem as problem:
        raise Refusal("; ".join(_sentence(fault) for fault in problem.errors)) from None


def _named(what: str, name: str, known: Mapping[str, Named]) -> Named:
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"expected one of {', '.join(known)}"
        raise Refusal(f"there is no {what} {name}; {hint}")
    return known[name]


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors())
        raise Refusal(wrong) from None


def _database() -> Database:
    return Database(_settings().database_url, carried("migrations"))


def _known() -> Known:
    """What the database declares, where there is one."""
    database = _database()
    try:
        database.require_current()
    except Refusal:
        return Known()
    with database.read() as connection:
        return known(connection)


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def _checked(path: Path, everything: Known | None) -> Document | None:
    """The document, or None after its faults were printed."""
    try:
        return parse(_content(path), everything)
    except DocumentFaulty as error:
        _print_faults(path, error)
        return None


def _print_faults(path: Path, error: DocumentFaulty) -> None:
    """Like a compiler: file, line, column, what is wrong, where in the document."""
    for fault in error.errors:
        errors.print(f"{path}:{fault.line}:{fault.column}: {_sentence(fault)}", markup=False)


def _sentence(fault: Fault) -> str:
    place = fault.parameter or fault.pointer
    parts = [f"{place}: {fault.message}" if place else fault.message]
    if fault.suggestion is not None:
        parts.append(f"did you mean {fault.suggestion}?")
    elif fault.allowed:
        parts.append(f"expected one of {', '.join(fault.allowed)}")
    return "; ".join(parts)


@contextmanager
def _working(what: str) -> Iterator[None]:
    """A sign of life on stderr while something takes its time; nothing where stderr is no terminal."""
    with errors.status(what):
        yield
