"""Commands on documents: check, verify, publish, diff, retract."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import content, database, errors, files, print_faults, settings, working
from app.cli.local import LocalService
from app.cli.remote import RemoteService
from app.errors import DocumentFaulty, Problem, Refusal
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.document import Document
from app.publishing.parse import declared_by, parse
from app.publishing.preparation import known
from app.publishing.verify import citations, mismatches
from app.publishing.vocabulary import Declarations
from app.settings import bundled

commands = typer.Typer()

Documents = Annotated[list[Path], typer.Argument(help="Documents, or folders of them.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option(help="A remote service instead of the local database; needs PUBLISH_TOKEN.", show_default=False),
]
SIGNS = {"added": "+", "changed": "~", "retracted": "-"}
OF_VERSIONS = frozenset({"revision", "retracted_in", "statement"})
"""Columns that a diff leaves out: they differ between any two versions, or repeat other columns."""


@commands.command(epilog="Example: indicators check seed/*.yaml")
def check(documents: Documents) -> None:
    """Check documents without storing anything.

    They may refer to earlier ones, and to the database.
    """
    vocabulary = _known()
    faulty = 0
    for path in files(documents):
        document = _checked(path, vocabulary)
        faulty += document is None
        if document is not None:
            declared = declared_by(document)
            vocabulary = Declarations(vocabulary.entities | declared.entities, vocabulary.indicators | declared.indicators)
            typer.echo(f"{path}: ok")
    if faulty:
        raise typer.Exit(1)


@commands.command(epilog="Example: indicators verify seed/10-thepaper-20240329-xuhui.yaml --text article.txt")
def verify(
    document: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    text: Annotated[Path, typer.Option(help="The exact text of its source.", show_default=False)],
) -> None:
    """Check a document against its source text: SHA-256, and each phrase in its line."""
    checked = _checked(document, None)
    if checked is None:
        raise typer.Exit(1)
    differences = list(mismatches(checked, content(text)))
    for difference in differences:
        errors.print(f"{document}: {difference}", markup=False)
    if differences:
        raise typer.Exit(1)
    typer.echo(f"{document}: {sum(1 for _ in citations(checked))} citations stand in their lines")


@commands.command(epilog="Examples: indicators publish district.yaml; indicators publish --seed")
def publish(
    documents: Annotated[list[Path] | None, typer.Argument(help="Documents, or folders of them.", show_default=False)] = None,
    *,
    seed: Annotated[bool, typer.Option("--seed", help="Publish the documents of the software, unless published.")] = False,
    url: Url = None,
) -> None:
    """Publish documents: each becomes one revision, or nothing of it is stored."""
    if bool(documents) == seed:
        raise Refusal("name documents to publish, or --seed for those that come with the software")
    if seed and url is not None:
        raise Refusal("--seed is for the local database; name the documents to publish with --url")
    with closing(_service(url, only_missing=seed)) as service:
        for path in files([bundled("seed")] if seed else documents or []):
            with _problems_of(path), working(f"publishing {path}"):
                receipt = service.publish(content(path))
            typer.echo(f"{path}: revision {receipt['id']}, {_counts(receipt) if receipt['new'] else 'already there'}")


@commands.command(epilog="Example: indicators diff district.yaml --url https://indicators.example")
def diff(
    document: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    url: Url = None,
) -> None:
    """Show the changes that publishing a document would make; nothing is stored."""
    with closing(_service(url)) as service, _problems_of(document), working(f"comparing {document}"):
        changes = service.rehearse(content(document))
    for change in changes["data"]:
        _print_change(change)
    typer.echo(f"{document}: {_counts(changes['meta']) if changes['meta']['new'] else 'nothing new'}")


@commands.command(epilog="Example: indicators retract thepaper-20240329-xuhui")
def retract(
    source: Annotated[str, typer.Argument(help="Id of the source.", show_default=False)],
    url: Url = None,
) -> None:
    """Retract a source: its facts end at a new revision, and stay readable with as_of."""
    with closing(_service(url)) as service, _problems_of(None):
        receipt = service.retract(source)
    typer.echo(f"{source}: revision {receipt['id']}, {_counts(receipt) if receipt['new'] else 'was retracted already'}")


def _service(url: str | None, *, only_missing: bool = False) -> LocalService | RemoteService:
    if url is None:
        return LocalService(database(), only_missing=only_missing)
    token = settings().publish_token
    return RemoteService(url, token.get_secret_value() if token else None)


def _counts(receipt: dict[str, Any]) -> str:
    return f"{receipt['added']} facts added, {receipt['changed']} changed, {receipt['retracted']} retracted"


def _print_change(change: dict[str, Any]) -> None:
    """Print one line per fact, and one per changed column."""
    old, new = change["old"] or {}, change["new"] or {}
    typer.echo(f"{SIGNS[change['change']]} {change['resource']} {change['id']}: {(new or old)['as_written']}")
    if old and new:
        for name in new:
            if new[name] != old[name] and name not in OF_VERSIONS:
                typer.echo(f"    {name}: {old[name]} -> {new[name]}")


def _known() -> Declarations:
    """Return the declarations in the database; none if there is no database."""
    current = database()
    try:
        current.require_current(DERIVED_FORMATS)
    except Refusal:
        return Declarations()
    with current.read() as connection:
        return known(connection)


def _checked(path: Path, vocabulary: Declarations | None) -> Document | None:
    """Return the document, or None after printing its faults."""
    try:
        return parse(content(path), vocabulary)
    except DocumentFaulty as error:
        print_faults(path, error)
        return None


@contextmanager
def _problems_of(path: Path | None) -> Iterator[None]:
    """Print the faults of a document and exit; turn other problems into Refusal."""
    try:
        yield
    except DocumentFaulty as error:
        print_faults(path or Path(), error)
        raise typer.Exit(1) from None
    except Problem as problem:
        raise Refusal("; ".join([problem.detail, *(fault.sentence for fault in problem.errors)])) from None
