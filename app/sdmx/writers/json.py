"""SDMX-JSON 2.0: data messages and error messages.

Observations refer to codes by index. The structure follows them, when it is known which codes occur.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from app.sdmx.cells import Cells
from app.sdmx.cube import Cube
from app.sdmx.dsd import AGENCY, PLACES, TIME, Component, InternationalString
from app.sdmx.time_period import span
from app.sdmx.writers.xml import STRUCTURE_URN

BATCH = 250
"""Series that are written at a time."""
SCHEMA = "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/sdmx-json-data-schema.json"
_encode = msgspec.json.encode
_LINKS = [{"rel": "structure", "urn": STRUCTURE_URN}]

Index = dict[Any, int]
"""The values of a component that have occurred so far, with their indexes."""


def write(cube: Cube) -> Iterator[bytes]:
    """Yield the message in chunks."""
    coded = (component for component in cube.shown if component.codes)
    indexes: dict[str, Index] = {component.id: {} for component in (*cube.dimensions, *coded)}
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
            batch.append(_series(cube, key, observations, indexes))
            if len(batch) == BATCH:
                yield comma + b",".join(batch)
                comma, batch = b",", []
        yield comma + b",".join(batch) + b"}}" if batch else b"}}"
    yield b'],"structures":[' + _encode(_structure(cube, indexes, count)) + b"]}}"


def _series(cube: Cube, key: Cells, observations: Sequence[Cells], indexes: Mapping[str, Index]) -> bytes:
    """Return a member of ``series``, or in a flat list one of ``observations``."""
    series_key = ":".join(str(_index(indexes[part.id], cell)) for part, cell in zip(cube.key, key, strict=True))
    dimensions = [dimension for dimension in cube.dimensions if dimension not in cube.key]
    members = {
        ":".join(str(_index(indexes[dimension.id], cells[PLACES[dimension.id]])) for dimension in dimensions): [
            _cell(component, cells[PLACES[component.id]], indexes) for component in cube.shown
        ]
        for cells in observations
    }
    content = {series_key: {"observations": members} if members else {}} if cube.key else members
    return _encode(content)[1:-1]


def _cell(component: Component, cell: Any, indexes: Mapping[str, Index]) -> Any:
    """Return the cell, or the index of its code."""
    return cell if cell is None or component.codes is None else _index(indexes[component.id], cell)


def _index(index: Index, value: Any) -> int:
    return index.setdefault(value, len(index))


def _structure(cube: Cube, indexes: Mapping[str, Index], parts: int) -> dict[str, Any]:
    """Return the structure, which resolves the indexes in the data sets."""
    places = {dimension.id: place for place, dimension in enumerate(cube.dimensions)}
    at_series = [_dimension(cube, part, places, indexes) for part in cube.key]
    inner = [dimension for dimension in cube.dimensions if cube.observed and dimension not in cube.key]
    at_observation = [_dimension(cube, dimension, places, indexes) for dimension in inner]
    attributes = [
        {"relationship": {"observation": {}}, **_described(cube, component, indexes)}
        for component in cube.shown
        if component.role == "attribute"
    ]
    measures = [_described(cube, component, indexes) for component in cube.shown if component.role == "measure"]
    return {
        "links": _LINKS,
        "dimensions": {"dataSet": [], "series": at_series, "observation": at_observation},
        "measures": {"observation": measures},
        "attributes": {"dataSet": [], "dimensionGroup": [], "series": [], "observation": attributes},
        "dataSets": list(range(parts)),
    }


def _dimension(cube: Cube, component: Component, places: Mapping[str, int], indexes: Mapping[str, Index]) -> dict[str, Any]:
    dimension = _described(cube, component, indexes) | {"keyPosition": places[component.id]}
    if component.id == TIME:
        dimension["roles"] = [TIME]
        dimension["values"] = [_time(value) for value in indexes[TIME]]
    return dimension


def _time(value: str) -> dict[str, str]:
    first, last = span(value)
    return {"value": value, "start": f"{first}T00:00:00Z", "end": f"{last}T23:59:59Z"}


def _described(cube: Cube, component: Component, indexes: Mapping[str, Index]) -> dict[str, Any]:
    """Return the component, with its values by index if it has indexes."""
    description = {"id": component.id, **_names(component.names, cube.lang)}
    if component.codes is not None:
        names = cube.names[component.codes]
        values = [{"id": code, **_names(names.get(code, (code, code)), cube.lang)} for code in indexes[component.id]]
    else:
        values = [{"id": str(value), "name": str(value)} for value in indexes.get(component.id, ())]
    return description | ({"values": values} if values else {})


def _names(names: InternationalString, lang: str) -> dict[str, Any]:
    texts = dict(zip(("en", "zh"), names, strict=True))
    return {"name": texts[lang], "names": texts}


def error(title: str, messages: Sequence[tuple[int, str]]) -> bytes:
    """Return an error message: SDMX codes and texts, under a title."""
    return _encode({"errors": [{"code": code, "title": title, "detail": text} for code, text in messages]})
