"""What the tools of agents ask the REST API, of which they are a shorter form.

What does not fit into one result is had by ``cursor``.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from app.errors import Fault, InvalidParameters
from app.mcp.results import FIGURE, FOR_FIGURE, ROOM, Row, citation, figure, fitting, shortened, size, written

LEAST = 1_500
"""Room below which no further part of a profile is begun."""
BEST = "100"
"""Rows that a search finds at most."""
DEFAULTS = {"limit": ["25"]}

Texts = dict[str, list[str]]
Ask = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that fit, and the cursor of those after them."""

    rows: list[Row]
    next: str | None
    meta: Row


Shape = Callable[[Ask, list[Row]], Awaitable[list[Row]]]
"""Makes compact rows of those of the REST API."""


async def page(  # noqa: PLR0913  what is asked for, and the room for it
    ask: Ask, path: str, texts: Texts, shape: Shape, room: int = ROOM, least: int = 1
) -> Page:
    """Return a page of a list; it is asked for again, shorter, where its rows do not fit: a cursor is of its last row."""
    while True:
        answer = await ask(path, texts)
        rows = await shape(ask, answer["data"])
        kept = fitting(rows, room, least)
        if len(kept) == len(rows):
            return Page(kept, cursor_of(answer), answer["meta"])
        if not kept:
            return Page([], texts.get("cursor", [""])[0], answer["meta"])
        texts = texts | {"limit": [str(len(kept))]}


def cursor_of(answer: Row) -> str | None:
    """Return the cursor of the page after the one that is answered, or None."""
    return parse_qs(urlsplit(answer["links"]["next"] or "").query).get("cursor", [None])[0]


async def _listed(ask: Ask, path: str, texts: Texts, shape: Shape) -> Row:
    found = await page(ask, path, texts, shape)
    return {"data": found.rows, **_rest(found.meta | {"count": len(found.rows)}, found.next)}


async def _sliced(ask: Ask, path: str, texts: Texts, shape: Shape) -> Row:
    """Return a part of an answer that REST gives as a whole; the cursor counts its rows."""
    asked = {name: each for name, each in texts.items() if name not in ("cursor", "limit", "fields")}
    start = _place(texts, asked)
    limit = int(texts.get("limit", [BEST])[0])
    answer = await ask(path, asked | ({"limit": [BEST]} if "limit" in texts else {}))
    rows = answer["data"]
    kept = fitting(await shape(ask, rows[start : start + limit]), ROOM)
    end = start + len(kept)
    following = f"{end}.{_fingerprint(asked)}" if end < len(rows) else None
    return {"data": kept, **_rest(answer["meta"] | {"count": len(kept)}, following)}


def _place(texts: Texts, asked: Texts) -> int:
    """Return the place that a cursor names. Raises InvalidParameters unless it is of this query."""
    start, _, mark = texts.get("cursor", [f"0.{_fingerprint(asked)}"])[0].partition(".")
    if mark != _fingerprint(asked) or not (start.isascii() and start.isdigit()):
        raise _foreign("This cursor belongs to another query, or is none; use `next_cursor` of the call before.")
    return int(start[:9])


def _foreign(message: str) -> InvalidParameters:
    return InvalidParameters("The cursor cannot be used.", [Fault(message, "invalid_cursor", parameter="cursor")])


def _fingerprint(asked: Texts) -> str:
    return hashlib.blake2b(written(sorted(asked.items())).encode(), digest_size=6).hexdigest()


def _rest(meta: Row, following: str | None) -> Row:
    note = None if following is None else "There is more: call again with next_cursor as cursor, and the same other arguments."
    return {"meta": meta, "next_cursor": following, "note": note}


def _figures(fields: Sequence[str] = FIGURE, beside: Sequence[str] = ()) -> Shape:
    async def shape(_ask: Ask, rows: list[Row]) -> list[Row]:
        return [figure(row, fields, beside) for row in rows]

    return shape


async def _unchanged(_ask: Ask, rows: list[Row]) -> list[Row]:
    return rows


async def _cited(_ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the facts, with their citations in one text."""
    apart = ("source", "line", "as_written")
    return [{name: row[name] for name in row if name not in apart} | {"citation": citation(row)} for row in rows]


async def _hits(ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the hits; those that are figures with what may be said of them."""
    ids = [row["id"] for row in rows if row["resource"] == "observations"]
    asked = {"id": ids, "fields": list(FOR_FIGURE), "limit": [BEST]}
    found = (await ask("/observations", asked))["data"] if ids else []
    figures = {row["id"]: figure(row, ()) for row in found}
    return [row | figures.get(row["id"], {}) if row["resource"] == "observations" else row for row in rows]


async def _titled(ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the entities, each with the titles that were conferred on it."""
    asked = {"subject": [row["id"] for row in rows], "fields": ["subject", "title", "level"], "limit": ["1000"]}
    titles = (await ask("/designations", asked))["data"] if rows else []
    return [
        row | {"designations": [f"{each['title']} ({each['level']})" for each in titles if each["subject"] == row["id"]]}
        for row in rows
    ]


async def search(ask: Ask, texts: Texts) -> Row:
    """Find entities, indicators, observations and sources by words."""
    return await _sliced(ask, "/search", {"limit": ["20"]} | texts, _hits)


async def describe_indicators(ask: Ask, texts: Texts) -> Row:
    """List what can be measured: ids, definitions, units, topics."""
    fields = ["id", *texts.get("fields", ("name", "definition", "topic", "unit"))]
    return await _listed(ask, "/indicators", DEFAULTS | texts | {"fields": fields}, _unchanged)


async def get_observations(ask: Ask, texts: Texts) -> Row:
    """Get figures: values with comparator and bounds, statements that may be printed, citations."""
    fields, columns = _columns(texts)
    return await _listed(ask, "/observations", DEFAULTS | texts | {"fields": columns}, _figures(fields))


async def region_profile(ask: Ask, texts: Texts) -> Row:
    """Get everything about a region, part by part, and what the sources do not say."""
    (identifier,), lang = texts["id"], {name: texts[name] for name in ("lang",) if name in texts}
    fields, columns = _columns(texts)
    start, cursor = _part(texts)
    item = await ask(f"/regions/{quote(identifier, safe='')}", lang)
    found: Row = {"region": shortened({name: item["data"][name] for name in REGION}, ROOM // 4)}
    room, following = ROOM - size(found), None
    for number, part in enumerate(PARTS[start:], start):
        if room < LEAST:
            following = f"{number}."
            break
        filters = await part.filters(ask, identifier)
        if filters is None:
            continue
        wanted = {"fields": columns if part.shape is None else list(part.fields), "limit": ["50"], **lang, **filters}
        shape = part.shape or _figures(fields)
        least = int(len(found) == 1)
        shown = await page(ask, part.path, wanted | ({"cursor": [cursor]} if cursor else {}), shape, room, least)
        room -= sum(map(size, shown.rows)) + 2 * len(shown.rows)
        if shown.rows:
            found[part.name] = shown.rows
        if shown.next is not None:
            following = f"{number}.{shown.next}"
            break
        cursor = ""
    return {"data": found, **_rest(item["meta"], following)}


async def compare(ask: Ask, texts: Texts) -> Row:
    """Compare regions by an indicator, on bounds; refused where periods do not agree. The first region is the base."""
    fields, _ = _columns(texts)
    return await _sliced(ask, "/compare", texts, _figures(fields, ("subject", "difference", "ratio")))


async def cite(ask: Ask, texts: Texts) -> Row:
    """Get the citation of a figure."""
    (identifier,) = texts["id"]
    wanted = {name: each for name, each in texts.items() if name != "id"}
    answer = await ask(f"/observations/{quote(identifier, safe='')}/citation", {"format": ["text"]} | wanted)
    said = shortened({"text": answer} if isinstance(answer, str) else {"items": answer})
    return {**said, **_rest({}, None)}


def _columns(texts: Texts) -> tuple[Sequence[str], list[str]]:
    """Return the fields that a figure is answered with, and the columns that REST is asked for."""
    asked = [name.strip() for text in texts.get("fields", []) for name in text.split(",")]
    fields = [name for name in dict.fromkeys(asked) if name not in ("id", "statement")]
    return fields or FIGURE, list(dict.fromkeys([*FOR_FIGURE, *fields]))


def _part(texts: Texts) -> tuple[int, str]:
    """Return the part of a profile, and the place in it, that a cursor names. Raises InvalidParameters for any other."""
    number, _, cursor = texts.get("cursor", ["0."])[0].partition(".")
    if number not in map(str, range(len(PARTS))):
        raise _foreign("This is not a cursor; use `next_cursor` of the call before, as it is.")
    return int(number), cursor


Filters = Callable[[Ask, str], Awaitable[Texts | None]]


def _by(parameter: str, **others: list[str]) -> Filters:
    async def filters(_ask: Ask, region: str) -> Texts:
        return {parameter: [region], **others}

    return filters


async def _sources(ask: Ask, region: str) -> Texts | None:
    """Return the filter for the sources of the region's figures; None where there are none."""
    answer = await ask("/observations", {"region": [region], "facets": ["source"], "fields": ["id"], "limit": ["1"]})
    ids = [each["value"] for each in answer["facets"]["source"]]
    return {"id": ids[:200]} if ids else None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a profile: a list of the REST API. Without ``shape`` its rows are figures."""

    name: str
    path: str
    filters: Filters
    fields: Sequence[str] = ()
    shape: Shape | None = None


REGION = ("id", "name", "type", "parent", "summary")
ENTITY = ("id", "name", "type", "parent", "since", "summary", "source", "line")
CITED = ("source", "line", "as_written")
TITLE = ("id", "title", "level", "conferred_by", "since", *CITED)
RELATION = ("id", "subject", "subject_name", "predicate", "object", "object_name", *CITED)
SOURCE = ("id", "title", "publisher", "published_on", "not_stated")
BELONGING = ["cluster", "zone", "programme", "organisation", "project"]
PARTS = (
    Part("metrics", "/observations", _by("subject")),
    Part("designations", "/designations", _by("subject", sort=["line"]), TITLE, _cited),
    Part("clusters", "/clusters", _by("region", sort=["line"]), ENTITY, _titled),
    Part("zones", "/zones", _by("region", sort=["line"]), ENTITY, _titled),
    Part("programmes", "/programmes", _by("region", sort=["line"]), ENTITY, _titled),
    Part("projects", "/projects", _by("region", sort=["line"]), (*ENTITY, "status"), _titled),
    Part("figures", "/observations", _by("region", subject_kind=BELONGING)),
    Part("organisations", "/relations", _by("object"), RELATION, _cited),
    Part("relations", "/relations", _by("object_region"), RELATION, _cited),
    Part("not_stated", "/sources", _sources, SOURCE, _unchanged),
)
"""What is known about a region, in the order in which it is answered."""
