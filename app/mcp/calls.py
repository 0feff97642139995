"""Implementation of the tools: requests to the REST API, whose answers are shortened.

Rows that do not fit into one result are available by ``cursor``.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from app.errors import Fault, InvalidParameters
from app.mcp.results import FIGURE, FOR_FIGURE, ROOM, Row, citation, compact_json, figure, fitting, shortened, size

LEAST = 1_500
"""Characters of room below which no further part of a profile is begun."""
BEST = "100"
"""Most rows that a search returns."""
DEFAULTS = {"limit": ["25"]}

Texts = dict[str, list[str]]
"""Query parameters, as texts."""
Ask = Callable[..., Awaitable[Any]]
"""Sends a request to the REST API and returns the body of its response."""


@dataclass(frozen=True, slots=True)
class FittingPage:
    """Rows that fit into a result, and the cursor of the rows after them."""

    rows: list[Row]
    next: str | None
    meta: Row


Shape = Callable[[Ask, list[Row]], Awaitable[list[Row]]]
"""Turns rows of the REST API into compact rows."""


async def fetch_page(  # noqa: PLR0913  the request, and the room for its rows
    ask: Ask, path: str, texts: Texts, shape: Shape, room: int = ROOM, least: int = 1
) -> FittingPage:
    """Return a page of a list.

    If its rows do not fit, a shorter page is requested, because the cursor of a page belongs to its last row.
    """
    while True:
        answer = await ask(path, texts)
        rows = await shape(ask, answer["data"])
        fitting_rows = fitting(rows, room, least)
        if len(fitting_rows) == len(rows):
            return FittingPage(fitting_rows, cursor_of(answer), answer["meta"])
        if not fitting_rows:
            return FittingPage([], texts.get("cursor", [""])[0], answer["meta"])
        texts = texts | {"limit": [str(len(fitting_rows))]}


def cursor_of(answer: Row) -> str | None:
    """Return the cursor of the next page, or None."""
    return parse_qs(urlsplit(answer["links"]["next"] or "").query).get("cursor", [None])[0]


async def _list(ask: Ask, path: str, texts: Texts, shape: Shape) -> Row:
    """Return a page of a list that REST pages too."""
    page = await fetch_page(ask, path, texts, shape)
    return {"data": page.rows, **_envelope(page.meta | {"count": len(page.rows)}, page.next)}


async def _slice(ask: Ask, path: str, texts: Texts, shape: Shape) -> Row:
    """Return a slice of an answer that REST returns whole; the cursor is an offset."""
    query = {name: values for name, values in texts.items() if name not in ("cursor", "limit", "fields")}
    start = _offset(texts, query)
    limit = int(texts.get("limit", [BEST])[0])
    answer = await ask(path, query | ({"limit": [BEST]} if "limit" in texts else {}))
    rows = answer["data"]
    fitting_rows = fitting(await shape(ask, rows[start : start + limit]), ROOM)
    end = start + len(fitting_rows)
    next_cursor = f"{end}.{_fingerprint(query)}" if end < len(rows) else None
    return {"data": fitting_rows, **_envelope(answer["meta"] | {"count": len(fitting_rows)}, next_cursor)}


def _offset(texts: Texts, query: Texts) -> int:
    """Return the offset in a cursor.

    Raises:
        InvalidParameters: for a cursor of another query.
    """
    offset, _, fingerprint = texts.get("cursor", [f"0.{_fingerprint(query)}"])[0].partition(".")
    if fingerprint != _fingerprint(query) or not (offset.isascii() and offset.isdigit()):
        raise _invalid_cursor("This cursor belongs to another query, or is none; use `next_cursor` of the call before.")
    return int(offset[:9])


def _invalid_cursor(message: str) -> InvalidParameters:
    return InvalidParameters("The cursor cannot be used.", [Fault(message, "invalid_cursor", parameter="cursor")])


def _fingerprint(query: Texts) -> str:
    return hashlib.blake2b(compact_json(sorted(query.items())).encode(), digest_size=6).hexdigest()


def _envelope(meta: Row, next_cursor: str | None) -> Row:
    note = None if next_cursor is None else "There is more: call again with next_cursor as cursor, and the same other arguments."
    return {"meta": meta, "next_cursor": next_cursor, "note": note}


def _figures(fields: Sequence[str] = FIGURE, extra: Sequence[str] = ()) -> Shape:
    async def shape(_ask: Ask, rows: list[Row]) -> list[Row]:
        return [figure(row, fields, extra) for row in rows]

    return shape


async def _unchanged(_ask: Ask, rows: list[Row]) -> list[Row]:
    return rows


async def _cited(_ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the facts, with their citations as one text."""
    parts = ("source", "line", "as_written")
    return [{name: row[name] for name in row if name not in parts} | {"citation": citation(row)} for row in rows]


async def _hits(ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the hits; observations with their statements and citations."""
    ids = [row["id"] for row in rows if row["resource"] == "observations"]
    query = {"id": ids, "fields": list(FOR_FIGURE), "limit": [BEST]}
    observations = (await ask("/observations", query))["data"] if ids else []
    figures = {row["id"]: figure(row, ()) for row in observations}
    return [row | figures.get(row["id"], {}) if row["resource"] == "observations" else row for row in rows]


async def _with_titles(ask: Ask, rows: list[Row]) -> list[Row]:
    """Return the entities with the titles conferred on them."""
    query = {"subject": [row["id"] for row in rows], "fields": ["subject", "title", "level"], "limit": ["1000"]}
    titles = (await ask("/designations", query))["data"] if rows else []
    return [
        row | {"designations": [f"{title['title']} ({title['level']})" for title in titles if title["subject"] == row["id"]]}
        for row in rows
    ]


async def search(ask: Ask, texts: Texts) -> Row:
    """Find entities, indicators, observations and sources by words."""
    return await _slice(ask, "/search", {"limit": ["20"]} | texts, _hits)


async def describe_indicators(ask: Ask, texts: Texts) -> Row:
    """List what can be measured: ids, definitions, units, topics."""
    fields = ["id", *texts.get("fields", ("name", "definition", "topic", "unit"))]
    return await _list(ask, "/indicators", DEFAULTS | texts | {"fields": fields}, _unchanged)


async def get_observations(ask: Ask, texts: Texts) -> Row:
    """Get figures: values, comparators, bounds, printable statements and citations."""
    fields, columns = _columns(texts)
    return await _list(ask, "/observations", DEFAULTS | texts | {"fields": columns}, _figures(fields))


async def region_profile(ask: Ask, texts: Texts) -> Row:
    """Get everything about a region, part by part, and what the sources do not say."""
    (identifier,), lang = texts["id"], {name: texts[name] for name in ("lang",) if name in texts}
    fields, columns = _columns(texts)
    start, cursor = _part(texts)
    item = await ask(f"/regions/{quote(identifier, safe='')}", lang)
    profile: Row = {"region": shortened({name: item["data"][name] for name in REGION}, ROOM // 4)}
    room, next_cursor = ROOM - size(profile), None
    for number, part in enumerate(PARTS[start:], start):
        if room < LEAST:
            next_cursor = f"{number}."
            break
        filters = await part.filters(ask, identifier)
        if filters is None:
            continue
        query = {"fields": columns if part.shape is None else list(part.fields), "limit": ["50"], **lang, **filters}
        shape = part.shape or _figures(fields)
        least = int(len(profile) == 1)
        page = await fetch_page(ask, part.path, query | ({"cursor": [cursor]} if cursor else {}), shape, room, least)
        room -= sum(map(size, page.rows)) + 2 * len(page.rows)
        if page.rows:
            profile[part.name] = page.rows
        if page.next is not None:
            next_cursor = f"{number}.{page.next}"
            break
        cursor = ""
    return {"data": profile, **_envelope(item["meta"], next_cursor)}


async def compare(ask: Ask, texts: Texts) -> Row:
    """Compare regions by an indicator, on bounds; the first region is the base.

    Refused if their periods do not agree.
    """
    fields, _ = _columns(texts)
    return await _slice(ask, "/compare", texts, _figures(fields, ("subject", "difference", "ratio")))


async def cite(ask: Ask, texts: Texts) -> Row:
    """Get the citation of a figure."""
    (identifier,) = texts["id"]
    query = {name: values for name, values in texts.items() if name != "id"}
    answer = await ask(f"/observations/{quote(identifier, safe='')}/citation", {"format": ["text"]} | query)
    content = shortened({"text": answer} if isinstance(answer, str) else {"items": answer})
    return {**content, **_envelope({}, None)}


def _columns(texts: Texts) -> tuple[Sequence[str], list[str]]:
    """Return the fields of a figure in the result, and the columns to request."""
    names = [name.strip() for text in texts.get("fields", []) for name in text.split(",")]
    fields = [name for name in dict.fromkeys(names) if name not in ("id", "statement")]
    return fields or FIGURE, list(dict.fromkeys([*FOR_FIGURE, *fields]))


def _part(texts: Texts) -> tuple[int, str]:
    """Return the number of a part of a profile and the cursor in it, from a cursor.

    Raises:
        InvalidParameters: if it is no cursor of a profile.
    """
    number, _, cursor = texts.get("cursor", ["0."])[0].partition(".")
    if number not in map(str, range(len(PARTS))):
        raise _invalid_cursor("This is not a cursor; use `next_cursor` of the call before, as it is.")
    return int(number), cursor


Filters = Callable[[Ask, str], Awaitable[Texts | None]]
"""Returns the filters of a part for the id of a region; None if the part is empty."""


def _by(parameter: str, **others: list[str]) -> Filters:
    async def filters(_ask: Ask, region: str) -> Texts:
        return {parameter: [region], **others}

    return filters


async def _sources(ask: Ask, region: str) -> Texts | None:
    """Return the filter for the sources of the region's figures; None without sources."""
    answer = await ask("/observations", {"region": [region], "facets": ["source"], "fields": ["id"], "limit": ["1"]})
    ids = [source["value"] for source in answer["facets"]["source"]]
    return {"id": ids[:200]} if ids else None


@dataclass(frozen=True, slots=True)
class ProfilePart:
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
    ProfilePart("metrics", "/observations", _by("subject")),
    ProfilePart("designations", "/designations", _by("subject", sort=["line"]), TITLE, _cited),
    ProfilePart("clusters", "/clusters", _by("region", sort=["line"]), ENTITY, _with_titles),
    ProfilePart("zones", "/zones", _by("region", sort=["line"]), ENTITY, _with_titles),
    ProfilePart("programmes", "/programmes", _by("region", sort=["line"]), ENTITY, _with_titles),
    ProfilePart("projects", "/projects", _by("region", sort=["line"]), (*ENTITY, "status"), _with_titles),
    ProfilePart("figures", "/observations", _by("region", subject_kind=BELONGING)),
    ProfilePart("organisations", "/relations", _by("object"), RELATION, _cited),
    ProfilePart("relations", "/relations", _by("object_region"), RELATION, _cited),
    ProfilePart("not_stated", "/sources", _sources, SOURCE, _unchanged),
)
"""Parts of a region's profile, in the order in which they are returned."""
