"""Commands on documents: check, verify, diff, publish, retract."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.beside import Beside
from app.cli.console import content, database, errors, files, print_faults, settings, working
from app.cli.remote import Remote
from app.errors import DocumentFaulty, Problem, Refusal
from app.publishing.document import Document
from app.publishing.parse import declared_by, parse
from app.publishing.preparation import known
from app.publishing.verify import citations, mismatches
from app.publishing.vocabulary import Known
from app.settings import carried

commands = typer.Typer()

Documents = Annotated[list[Path], typer.Argument(help="Documents, or folders of them.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option(help="A service elsewhere, instead of the database beside this; needs PUBLISH_TOKEN.", show_default=False),
]
SIGNS = {"added": "+", "changed": "~", "retracted": "-"}
OF_VERSIONS = frozenset({"revision", "retracted_in", "statement"})
"""Columns that differ between any two versions, or say again what others do."""


@commands.command(epilog="Example: indicators check seed/*.yaml")
def check(documents: Documents) -> None:
    """Check documents without storing anything; they may refer to each other in the order given, and to the database."""
    everything = _known()
    faulty = 0
    for path in files(documents):
        document = _checked(path, everything)
        faulty += document is None
        if document is not None:
            declared = declared_by(document)
            everything = Known(everything.entities | declared.entities, everything.indicators | declared.indicators)
            typer.echo(f"{path}: ok")
    if faulty:
        raise typer.Exit(1)


@commands.command(epilog="Example: indicators verify seed/10-thepaper-20240329-xuhui.yaml --text article.txt")
def verify(
    document: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    text: Annotated[Path, typer.Option(help="The exact text of its source.", show_default=False)],
) -> None:
    """Check that a document cites its source: the text's SHA-256, and every cited phrase in its line."""
    checked = _checked(document, None)
    if checked is None:
        raise typer.Exit(1)
    wrong = list(mismatches(checked, content(text)))
    for line in wrong:
        errors.print(f"{document}: {line}", markup=False)
    if wrong:
        raise typer.Exit(1)
    typer.echo(f"{document}: {sum(1 for _ in citations(checked))} citations stand in their lines")


@commands.command(epilog="Examples: indicators publish district.yaml; indicators publish --seed")
def publish(
    documents: Annotated[list[Path] | None, typer.Argument(help="Documents, or folders of them.", show_default=False)] = None,
    *,
    seed: Annotated[bool, typer.Option("--seed", help="Publish what comes with the software, where it is missing.")] = False,
    url: Url = None,
) -> None:
    """Publish documents: each becomes one revision, or nothing of it is stored."""
    if bool(documents) == seed:
        raise Refusal("name documents to publish, or --seed for those that come with the software")
    if seed and url is not None:
        raise Refusal("--seed is for the database beside this; name the documents to publish elsewhere")
    with closing(_service(url, only_missing=seed)) as service:
        for path in files([carried("seed")] if seed else documents or []):
            with _problems_of(path), working(f"publishing {path}"):
                made = service.publish(content(path))
            typer.echo(f"{path}: revision {made['id']}, {_counts(made) if made['new'] else 'already there'}")


@commands.command(epilog="Example: indicators diff district.yaml --url https://indicators.example")
def diff(
    document: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    url: Url = None,
) -> None:
    """Say what publishing a document would change, fact by fact; nothing is stored."""
    with closing(_service(url)) as service, _problems_of(document), working(f"comparing {document}"):
        found = service.rehearse(content(document))
    for change in found["data"]:
        _print_change(change)
    typer.echo(f"{document}: {_counts(found['meta']) if found['meta']['new'] else 'nothing new'}")


@commands.command(epilog="Example: indicators retract thepaper-20240329-xuhui")
def retract(
    source: Annotated[str, typer.Argument(help="Id of the source.", show_default=False)],
    url: Url = None,
) -> None:
    """Retract a source: its facts end at a new revision, and stay readable with as_of."""
    with closing(_service(url)) as service, _problems_of(None):
        made = service.retract(source)
    typer.echo(f"{source}: revision {made['id']}, {_counts(made) if made['new'] else 'was retracted already'}")


def _service(url: str | None, *, only_missing: bool = False) -> Beside | Remote:
    if url is None:
        return Beside(database(), only_missing=only_missing)
    token = settings().publish_token
    return Remote(url, token.get_secret_value() if token else None)


def _counts(made: dict[str, Any]) -> str:
    return f"{made['added']} facts added, {made['changed']} changed, {made['retracted']} retracted"


def _print_change(change: dict[str, Any]) -> None:
    """One line a fact; of a changed one also a line a column."""
    old, new = change["old"] or {}, change["new"] or {}
    typer.echo(f"{SIGNS[change['change']]} {change['resource']} {change['id']}: {(new or old)['as_written']}")
    if old and new:
        for name in new:
            if new[name] != old[name] and name not in OF_VERSIONS:
                typer.echo(f"    {name}: {old[name]} -> {new[name]}")


def _known() -> Known:
    """What the database declares, where there is one."""
    found = database()
    try:
        found.require_current()
    except Refusal:
        return Known()
    with found.read() as connection:
        return known(connection)


def _checked(path: Path, everything: Known | None) -> Document | None:
    """The document, or None after its faults were printed."""
    try:
        return parse(content(path), everything)
    except DocumentFaulty as error:
        print_faults(path, error)
        return None


@contextmanager
def _problems_of(path: Path | None) -> Iterator[None]:
    """Faults of a document are printed, other problems are refusals."""
    try:
        yield
    except DocumentFaulty as error:
        print_faults(path or Path(), error)
        raise typer.Exit(1) from None
    except Problem as problem:
        raise Refusal("; ".join([problem.detail, *(fault.sentence for fault in problem.errors)])) from None
