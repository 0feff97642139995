"""HTML: a page for browsers, with links to rows and to the other formats.

The page runs no script and loads nothing; the Content Security Policy (level 3) allows its style by digest. Content-Language
states its language, which browsers use by the HTML standard.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.domain.dataset import Cell, Column, Dataset
from app.domain.urls import with_open_parameter
from app.formats.base import CELL_TEXT, Format

_TEMPLATES = Environment(loader=PackageLoader("app.formats"), autoescape=True, auto_reload=False, undefined=StrictUndefined)
_PAGE = _TEMPLATES.get_template("page.html")
STYLE = Markup((Path(__file__).parent / "templates" / "page.css").read_text())  # noqa: S704  our own file
"""The style sheet, which stands in the page."""
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'"
NUMERIC = ("integer", "number")
OF_ITEMS = ("lang=", "format=", "as_of=")
"""Parameters of a list that links to its items repeat."""
ID = "id"


def with_links_to(others: Sequence[Format]) -> Format:
    """Return the HTML format, with links to the formats ``others``."""
    return Format(
        "html",
        "text/html",
        "html",
        partial(write, others=tuple(others)),
        "A page for browsers, with links to rows and to the other formats.",
        parameters="; charset=utf-8",
        counts=True,
        inline_rows=50,
        headers={"Content-Security-Policy": POLICY},
    )


@dataclass(frozen=True, slots=True)
class PageCell:
    """A cell of a table: its text, or its markup, and the address that it links to."""

    text: str
    href: str = ""
    is_number: bool = False


def write(dataset: Dataset, others: Sequence[Format]) -> Iterator[bytes]:
    """Yield the page of a list or an item.

    A list is one table; an item is a table with a line per column, then a table per included resource.
    """
    address = dataset.links.get("self") or ""
    rows = list(dataset.rows)
    name = dataset.name.capitalize()
    items: list[list[tuple[Column, PageCell]]] = []
    if dataset.included is None:
        tables = [("", dataset.columns, _cells(dataset, rows, address, above=1))]
    else:
        items = [[(column, _plain_cell(cell, column)) for column, cell in zip(dataset.columns, row, strict=True)] for row in rows]
        tables = [
            (resource.capitalize(), included.columns, _cells(included, list(included.rows), address, above=2))
            for resource, included in dataset.included.items()
        ]
    yield _PAGE.render(
        title=name if dataset.included is None else f"{unquote(address.partition('?')[0].rpartition('/')[2])} – {name}",
        style=STYLE,
        summary=_summary(dataset, len(rows)),
        links=_links(dataset, address, others),
        notes=[*(hint.sentence for hint in dataset.meta.hints), *_facets(dataset)],
        items=items,
        tables=tables,
    ).encode()


def _facets(dataset: Dataset) -> Iterator[str]:
    for facet, values in dataset.facets.items():
        counts = ", ".join(f"{'null' if value is None else value} ({count})" for value, count in values)
        yield f"{facet}: {counts}."


def _links(dataset: Dataset, address: str, others: Sequence[Format]) -> Mapping[str, str]:
    """Return links by label: up, the dataset's own (such as next), and other formats."""
    if not address:
        return {}
    up = address.partition("?")[0].rsplit("/", 1)[0]
    own = {name: target for name, target in dataset.links.items() if target and name != "self"}
    suitable = (other for other in others if other.fits(dataset.columns) and (other.counts or not dataset.facets))
    alternates = {other.name: with_open_parameter(address, "format") + other.name for other in suitable}
    return {"up": up, **own, **alternates}


def _summary(dataset: Dataset, count: int) -> str:
    """Return the summary line: revision and row counts."""
    meta = dataset.meta
    parts = [f"Revision {meta.revision}"]
    if dataset.included is None:
        parts.append(f"{count} rows" if meta.total is None else f"{count} rows of {meta.total}")
    parts += [f"more {name} than are shown here" for name in meta.truncated]
    return "; ".join(parts) + "."


def _cells(dataset: Dataset, rows: Sequence[Sequence[Cell]], address: str, above: int) -> list[list[PageCell]]:
    """Return the cells of a table, whose ids link to their items.

    The address of an item is ``address`` without its last ``above`` segments, then the resource and the id.
    """
    path, _, query = address.partition("?")
    ending = "&".join(part for part in query.split("&") if part.startswith(OF_ITEMS))
    items = f"{path.rsplit('/', above)[0]}/{dataset.name}/"

    def page_cell(value: Cell, column: Column) -> PageCell:
        text = _text(value, column)
        if column.name == ID and address and value is not None:
            return PageCell(text, items + quote(text, safe="") + (ending and f"?{ending}"))
        if column.type == "html":
            return PageCell(Markup(text))  # noqa: S704  a snippet, escaped where it is made
        return PageCell(text, is_number=True) if column.type in NUMERIC else _plain_cell(value, column)

    return [list(map(page_cell, row, dataset.columns)) for row in rows]


def _plain_cell(cell: Cell, column: Column) -> PageCell:
    """Return a cell of text; a web address becomes a link."""
    text = _text(cell, column)
    return PageCell(text, text if text.startswith(("https://", "http://")) else "")


def _text(cell: Cell, column: Column) -> str:
    return "" if cell is None else CELL_TEXT.get(column.type, str)(cell)
