"""SDMX-ML: data messages 2.1 (generic and structure-specific) and 3.0 (structure-specific), and error messages."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sdmx.cells import Cells
from app.sdmx.cube import Cube, Series
from app.sdmx.dsd import AGENCY, FLOW, PLACES, VALUE, VERSION, Component

BATCH = 250
"""Series that are written at a time."""
SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/"
STRUCTURE = f"{AGENCY}:{FLOW}({VERSION})"
STRUCTURE_URN = f"urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure={STRUCTURE}"

_SPECIAL = re.compile('[&<>"\r\n\t\ufffe\uffff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\ufffe": "\ufffd", "\uffff": "\ufffd"}


def escaped(value: Any) -> str:
    """Return the value escaped for an attribute or an element.

    The two characters that XML does not allow (U+FFFE, U+FFFF) become U+FFFD.
    """
    text = str(value)
    if not _SPECIAL.search(text):
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], f"&#{ord(match[0])};"), text)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of data message.

    Attributes:
        root: The root element.
        schemas: The version in the namespaces.
        data: The namespace of the data, after the version, and its prefix here.
        reference: The reference to the data structure in the header.
        dataset: The attributes of data sets besides the action.
        series: The writer of a series.
    """

    root: str
    schemas: str
    data: tuple[str, str]
    reference: str
    dataset: str
    series: Callable[[Cube, Series], str]


def _generic(cube: Cube, series: Series) -> str:
    key, observations = series
    lines = [_generic_observation(cube, cells) for cells in observations]
    if not cube.key:
        return "".join(lines)
    values = _values(dict(zip((part.id for part in cube.key), key, strict=True)))
    return f"<g:Series><g:SeriesKey>{values}</g:SeriesKey>{''.join(lines)}</g:Series>\n"


def _generic_observation(cube: Cube, cells: Cells) -> str:
    if cube.key:
        key = f'<g:ObsDimension value="{escaped(cells[PLACES[cube.at]])}"/>'
    else:
        key = f"<g:ObsKey>{_values({part.id: cells[PLACES[part.id]] for part in cube.dimensions})}</g:ObsKey>"
    values = {component.id: cells[PLACES[component.id]] for component in cube.shown}
    values = {name: cell for name, cell in values.items() if cell is not None}
    value = f'<g:ObsValue value="{values.pop(VALUE)}"/>' if VALUE in values else ""
    attributes = f"<g:Attributes>{_values(values)}</g:Attributes>" if values else ""
    return f"<g:Obs>{key}{value}{attributes}</g:Obs>"


def _values(cells: Mapping[str, Any]) -> str:
    return "".join(f'<g:Value id="{name}" value="{escaped(cell)}"/>' for name, cell in cells.items())


def _specific(cube: Cube, series: Series) -> str:
    key, observations = series
    columns = (*(dimension for dimension in cube.dimensions if dimension not in cube.key), *cube.shown)
    lines = [f"<Obs{_attributes(columns, cells)}/>" for cells in observations]
    if not cube.key:
        return "".join(lines)
    key_attributes = "".join(f' {part.id}="{escaped(cell)}"' for part, cell in zip(cube.key, key, strict=True))
    return f"<Series{key_attributes}>{''.join(lines)}</Series>\n"


def _attributes(columns: Sequence[Component], cells: Cells) -> str:
    pairs = ((column.id, cells[PLACES[column.id]]) for column in columns)
    return "".join(f' {name}="{escaped(cell)}"' for name, cell in pairs if cell is not None)


_REF = f'<c:Structure><Ref agencyID="{AGENCY}" id="{FLOW}" version="{VERSION}"/></c:Structure>'
_URN = f"<c:Structure>{STRUCTURE_URN}</c:Structure>"
GENERIC = Dialect("GenericData", "v2_1", ("data/generic", "g"), _REF, f'structureRef="{FLOW}"', _generic)
SPECIFIC = Dialect(
    "StructureSpecificData",
    "v2_1",
    ("data/structurespecific", "ss"),
    _REF,
    f'ss:structureRef="{FLOW}" xsi:type="ns:DataSetType" ss:dataScope="DataStructure"',
    _specific,
)
SPECIFIC_3 = Dialect(
    "StructureSpecificData",
    "v3_0",
    ("data/structurespecific", "ss"),
    _URN,
    f'ss:structureRef="{FLOW}" xsi:type="ns:DataSetType"',
    _specific,
)


def _message(dialect: Dialect, cube: Cube) -> Iterator[bytes]:
    """Yield the message in chunks."""
    namespace = f"{STRUCTURE_URN}:ObsLevelDim:{cube.at}" if dialect.data[1] == "ss" else ""
    name, prefix = dialect.data
    specific = f' xmlns:ns="{namespace}"' if namespace else ""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<m:{dialect.root} xmlns:m="{SCHEMAS}{dialect.schemas}/message" xmlns:c="{SCHEMAS}{dialect.schemas}/common" '
        f'xmlns:{prefix}="{SCHEMAS}{dialect.schemas}/{name}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{specific}>\n'
        f"<m:Header><m:ID>{cube.id}</m:ID><m:Test>false</m:Test><m:Prepared>{cube.prepared}</m:Prepared>"
        f'<m:Sender id="{AGENCY}"/><m:Structure structureID="{FLOW}" '
        f'{f"namespace={chr(34)}{namespace}{chr(34)} " if namespace else ""}dimensionAtObservation="{cube.at}">'
        f"{dialect.reference}</m:Structure></m:Header>\n"
    ).encode()
    action = "ss:action" if prefix == "ss" else "action"
    for part in cube.parts:
        yield f'<m:DataSet {dialect.dataset} {action}="{part.action}">\n'.encode()
        batch: list[str] = []
        for series in cube.series(part):
            batch.append(dialect.series(cube, series))
            if len(batch) == BATCH:
                yield "".join(batch).encode()
                batch = []
        yield "".join([*batch, "</m:DataSet>\n"]).encode()
    yield f"</m:{dialect.root}>\n".encode()


def generic(cube: Cube) -> Iterator[bytes]:
    """Return a generic message of SDMX-ML 2.1 in chunks."""
    return _message(GENERIC, cube)


def specific(cube: Cube) -> Iterator[bytes]:
    """Return a structure-specific message of SDMX-ML 2.1 in chunks."""
    return _message(SPECIFIC, cube)


def specific_3(cube: Cube) -> Iterator[bytes]:
    """Return a structure-specific message of SDMX-ML 3.0 in chunks."""
    return _message(SPECIFIC_3, cube)


def error(version: str, messages: Sequence[tuple[int, str]]) -> bytes:
    """Return an error message: SDMX codes (2.1, section 7, part 5.8) and texts."""
    texts = [(code, f'<c:Text xml:lang="en">{escaped(text)}</c:Text>') for code, text in messages]
    faults = "".join(f'<m:ErrorMessage code="{code}">{text}</m:ErrorMessage>' for code, text in texts)
    namespaces = f'xmlns:m="{SCHEMAS}{version}/message" xmlns:c="{SCHEMAS}{version}/common"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<m:Error {namespaces}>{faults}</m:Error>\n'.encode()
