"""SDMX-JSON 2.0: data messages, and error messages.

What the numbers in the observations mean comes after these, when it is known which codes occur.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from app.sdmx.cells import Cells
from app.sdmx.cube import Cube
from app.sdmx.dsd import AGENCY, PLACES, TIME, Component
from app.sdmx.time_period import span
from app.sdmx.writers.xml import STRUCTURE_URN

BATCH = 250
SCHEMA = "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/sdmx-json-data-schema.json"
_encode = msgspec.json.encode
_LINKS = [{"rel": "structure", "urn": STRUCTURE_URN}]

Seen = dict[Any, int]
"""The values of a component that have occurred, with their numbers."""


def write(cube: Cube) -> Iterator[bytes]:
    """The message in pieces."""
    seen: dict[str, Seen] = {each.id: {} for each in (*cube.dimensions, *(each for each in cube.shown if each.codes))}
    meta = {
        "schema": SCHEMA,
        "id": cube.id,
        "prepared": cube.prepared,
        "test": False,
        "contentLanguages": [cube.lang],
        "sender": {"id": AGENCY},
    }
    yield b'{"meta":' + _encode(meta) + b',"data":{"dataSets":['
    count = 0
    for part in cube.parts:
        head = _encode({"structure": 0, "action": part.action, "links": _LINKS})[:-1]
        yield (b"," if count else b"") + head + (b',"series":{' if cube.key else b',"observations":{')
        batch: list[bytes] = []
        count, comma = count + 1, b""
        for key, observations in cube.series(part):
            batch.append(_series(cube, key, observations, seen))
            if len(batch) == BATCH:
                yield comma + b",".join(batch)
                comma, batch = b",", []
        yield comma + b",".join(batch) + b"}}" if batch else b"}}"
    yield b'],"structures":[' + _encode(_structure(cube, seen, count)) + b"]}}"


def _series(cube: Cube, key: Cells, observations: Sequence[Cells], seen: Mapping[str, Seen]) -> bytes:
    """A series as a member of ``series``, or a single observation as one of ``observations``."""
    where = ":".join(str(_number(seen[each.id], cell)) for each, cell in zip(cube.key, key, strict=True))
    dimensions = [each for each in cube.dimensions if each not in cube.key]
    found = {
        ":".join(str(_number(seen[each.id], cells[PLACES[each.id]])) for each in dimensions): [
            _cell(each, cells[PLACES[each.id]], seen) for each in cube.shown
        ]
        for cells in observations
    }
    content = {where: {"observations": found} if found else {}} if cube.key else found
    return _encode(content)[1:-1]


def _cell(component: Component, cell: Any, seen: Mapping[str, Seen]) -> Any:
    """The cell, or the number of its code."""
    return cell if cell is None or component.codes is None else _number(seen[component.id], cell)


def _number(seen: Seen, value: Any) -> int:
    return seen.setdefault(value, len(seen))


def _structure(cube: Cube, seen: Mapping[str, Seen], parts: int) -> dict[str, Any]:
    """What the numbers in the data sets mean."""
    places = {each.id: place for place, each in enumerate(cube.dimensions)}
    key = [_dimension(cube, each, places, seen) for each in cube.key]
    rest = [_dimension(cube, each, places, seen) for each in cube.dimensions if cube.observed and each not in cube.key]
    attributes = [
        {"relationship": {"observation": {}}, **_described(cube, each, seen)} for each in cube.shown if each.role == "attribute"
    ]
    measures = [_described(cube, each, seen) for each in cube.shown if each.role == "measure"]
    return {
        "links": _LINKS,
        "dimensions": {"dataSet": [], "series": key, "observation": rest},
        "measures": {"observation": measures},
        "attributes": {"dataSet": [], "dimensionGroup": [], "series": [], "observation": attributes},
        "dataSets": list(range(parts)),
    }


def _dimension(cube: Cube, component: Component, places: Mapping[str, int], seen: Mapping[str, Seen]) -> dict[str, Any]:
    found = _described(cube, component, seen) | {"keyPosition": places[component.id]}
    if component.id == TIME:
        found["roles"] = [TIME]
        found["values"] = [_time(value) for value in seen[TIME]]
    return found


def _time(value: str) -> dict[str, str]:
    first, last = span(value)
    return {"value": value, "start": f"{first}T00:00:00Z", "end": f"{last}T23:59:59Z"}


def _described(cube: Cube, component: Component, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """The component, with the values that occur where these are numbered."""
    found = {"id": component.id, **_named(component.names, cube.lang)}
    if component.codes is not None:
        names = cube.names[component.codes]
        values = [{"id": code, **_named(names.get(code, (code, code)), cube.lang)} for code in seen[component.id]]
    else:
        values = [{"id": str(value), "name": str(value)} for value in seen.get(component.id, ())]
    return found | ({"values": values} if values else {})


def _named(names: Sequence[str], lang: str) -> dict[str, Any]:
    both = dict(zip(("en", "zh"), names, strict=True))
    return {"name": both[lang], "names": both}


def error(title: str, messages: Sequence[tuple[int, str]]) -> bytes:
    """An error message: codes of SDMX and texts, under a title."""
    return _encode({"errors": [{"code": code, "title": title, "detail": text} for code, text in messages]})
