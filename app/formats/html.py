"""HTML: a page for whoever opens an address in a browser, with links to each row, and to the same in the other formats.

The page runs nothing and loads nothing; browsers know its style by the digest (Content Security Policy, level 3). Its language
is said by Content-Language, where the HTML standard has them look for it.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from urllib.parse import quote, unquote

from app.domain.dataset import Cell, Column, Dataset
from app.domain.urls import opened
from app.formats.base import WRITTEN, Format

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
"""Parameters of a list that hold for its items too."""
ID = "id"


def beside(others: Sequence[Format]) -> Format:
    """The format, with links to ``others``."""
    return Format(
        "html",
        "text/html",
        "html",
        partial(write, others=tuple(others)),
        "A page for browsers, with links to rows and to the other formats.",
        parameters="; charset=utf-8",
        counts=True,
        at_once=50,
        headers={"Content-Security-Policy": POLICY},
    )


def write(dataset: Dataset, others: Sequence[Format]) -> Iterator[bytes]:
    """The page: of a list its table, of an item its row, upright, and a table of each kind of rows that it carries."""
    here = dataset.links.get("self") or ""
    columns, rows = dataset.columns, list(dataset.rows)
    path = here.partition("?")[0]
    named = dataset.name.capitalize()
    title = escape(named if dataset.included is None else f"{unquote(path.rpartition('/')[2])} – {named}")
    links = _links(dataset, here, others)
    yield (
        '<!doctype html>\n<html>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{_said(dataset, len(rows))}</p>\n"
        f"<nav>{''.join(_link(address, name) for name, address in links.items())}</nav>\n"
    ).encode()
    for hint in dataset.meta.hints:
        yield f"<p>{escape(hint.sentence)}</p>\n".encode()
    for name, found in dataset.facets.items():
        counts = ", ".join(f"{'null' if value is None else value} ({count})" for value, count in found)
        yield f"<p>{escape(f'{name}: {counts}.')}</p>\n".encode()
    if dataset.included is None:
        yield _table(dataset.name, columns, rows, here, above=1)
        return
    for row in rows:
        cells = zip(columns, row, strict=True)
        lines = "".join(f"<tr>{_head(column, 'row')}<td>{_shown(_text(cell, column))}</td></tr>\n" for column, cell in cells)
        yield f"<table><tbody>\n{lines}</tbody></table>\n".encode()
    for name, carried in dataset.included.items():
        yield f"<h2>{escape(name.capitalize())}</h2>\n".encode()
        yield _table(name, carried.columns, list(carried.rows), here, above=2)


def _links(dataset: Dataset, here: str, others: Sequence[Format]) -> Mapping[str, str]:
    """Where the page leads: up, on, to what belongs to it, and to the same in other formats; by what they are called."""
    if not here:
        return {}
    up = here.partition("?")[0].rsplit("/", 1)[0]
    given = {name: address for name, address in dataset.links.items() if address and name != "self"}
    able = (other for other in others if other.fits(dataset.columns) and (other.counts or not dataset.facets))
    same = {other.name: opened(here, "format") + other.name for other in able}
    return {"up": up, **given, **same}


def _said(dataset: Dataset, count: int) -> str:
    """What is said about the whole."""
    meta = dataset.meta
    said = [f"Revision {meta.revision}"]
    if dataset.included is None:
        said.append(f"{count} rows" if meta.total is None else f"{count} rows of {meta.total}")
    said += [f"of its {name} not all are here" for name in meta.truncated]
    return escape("; ".join(said) + ".")


def _table(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], here: str, above: int) -> bytes:
    """A table of rows, whose ids link to their items: these stand below the address ``here``, without ``above`` of its parts."""
    path, _, query = here.partition("?")
    ending = "&".join(part for part in query.split("&") if part.startswith(OF_ITEMS))
    items = f"{path.rsplit('/', above)[0]}/{name}/"

    def cell(value: Cell, column: Column) -> str:
        text = _text(value, column)
        if column.name == ID and here and value is not None:
            return f"<td>{_link(items + quote(text, safe='') + (ending and f'?{ending}'), text)}</td>"
        if column.type == "html":
            return f"<td>{text}</td>"
        return f"<td class=number>{text}</td>" if column.type in NUMERIC else f"<td>{_shown(text)}</td>"

    head = "".join(_head(column, "col") for column in columns)
    lines = ("".join(map(cell, row, columns)) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n".encode()


def _head(column: Column, scope: str) -> str:
    return f'<th scope={scope} title="{escape(column.description)}">{escape(column.name)}</th>'


def _text(cell: Cell, column: Column) -> str:
    return "" if cell is None else WRITTEN.get(column.type, str)(cell)


def _shown(text: str) -> str:
    """The text; an address on the web as a link to it."""
    return _link(text, text) if text.startswith(("https://", "http://")) else escape(text)


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'
