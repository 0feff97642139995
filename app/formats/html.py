"""HTML: a page for browsers, with links to rows and to the other formats.

The page runs no script and loads nothing; the Content Security Policy (level 3) allows its style by digest. Content-Language
states its language, which browsers use by the HTML standard.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from urllib.parse import quote, unquote

from app.domain.dataset import Cell, Column, Dataset
from app.domain.urls import with_open_parameter
from app.formats.base import CELL_TEXT, Format

STYLE = """
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
nav a { margin-right: 1em }
table { border-collapse: collapse; width: max-content }
td { max-width: 32em }
th, td { padding: .2em .6em; border-bottom: 1px solid #8886; text-align: left; vertical-align: top; white-space: pre-line }
th { white-space: nowrap }
thead th { position: sticky; top: 0; background: Canvas }
.number { text-align: right; font-variant-numeric: tabular-nums }
"""
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


def write(dataset: Dataset, others: Sequence[Format]) -> Iterator[bytes]:
    """Yield the page of a list or an item.

    A list is one table; an item is a table with a line per column, then a table per included resource.
    """
    address = dataset.links.get("self") or ""
    columns, rows = dataset.columns, list(dataset.rows)
    path = address.partition("?")[0]
    name = dataset.name.capitalize()
    title = escape(name if dataset.included is None else f"{unquote(path.rpartition('/')[2])} – {name}")
    links = _links(dataset, address, others)
    yield (
        '<!doctype html>\n<html>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{_summary(dataset, len(rows))}</p>\n"
        f"<nav>{''.join(_link(target, name) for name, target in links.items())}</nav>\n"
    ).encode()
    for hint in dataset.meta.hints:
        yield f"<p>{escape(hint.sentence)}</p>\n".encode()
    for facet, values in dataset.facets.items():
        counts = ", ".join(f"{'null' if value is None else value} ({count})" for value, count in values)
        yield f"<p>{escape(f'{facet}: {counts}.')}</p>\n".encode()
    if dataset.included is None:
        yield _table(dataset.name, columns, rows, address, above=1)
        return
    for row in rows:
        cells = zip(columns, row, strict=True)
        lines = "".join(f"<tr>{_head(column, 'row')}<td>{_linked(_text(cell, column))}</td></tr>\n" for column, cell in cells)
        yield f"<table><tbody>\n{lines}</tbody></table>\n".encode()
    for resource, included in dataset.included.items():
        yield f"<h2>{escape(resource.capitalize())}</h2>\n".encode()
        yield _table(resource, included.columns, list(included.rows), address, above=2)


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
    parts += [f"of its {name} not all are here" for name in meta.truncated]
    return escape("; ".join(parts) + ".")


def _table(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], address: str, above: int) -> bytes:
    """Return a table of rows whose ids link to their items.

    The address of an item is ``address`` without its last ``above`` segments, then ``name`` and the id.
    """
    path, _, query = address.partition("?")
    ending = "&".join(part for part in query.split("&") if part.startswith(OF_ITEMS))
    items = f"{path.rsplit('/', above)[0]}/{name}/"

    def cell(value: Cell, column: Column) -> str:
        text = _text(value, column)
        if column.name == ID and address and value is not None:
            return f"<td>{_link(items + quote(text, safe='') + (ending and f'?{ending}'), text)}</td>"
        if column.type == "html":
            return f"<td>{text}</td>"
        return f"<td class=number>{text}</td>" if column.type in NUMERIC else f"<td>{_linked(text)}</td>"

    head = "".join(_head(column, "col") for column in columns)
    lines = ("".join(map(cell, row, columns)) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n".encode()


def _head(column: Column, scope: str) -> str:
    return f'<th scope={scope} title="{escape(column.description)}">{escape(column.name)}</th>'


def _text(cell: Cell, column: Column) -> str:
    return "" if cell is None else CELL_TEXT.get(column.type, str)(cell)


def _linked(text: str) -> str:
    """Return the text in HTML; a web address becomes a link."""
    return _link(text, text) if text.startswith(("https://", "http://")) else escape(text)


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'
