"""Structural metadata: the artefacts by pysdmx, which of them a query asks for, and the messages that carry them.

pysdmx knows one language and writes it as English: both names go through it as one, and are parted in what it has written.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from pysdmx.io.json.sdmxjson2.writer.v2_0.structure import write as write_json
from pysdmx.io.xml.sdmx21.writer.structure import write as write_21
from pysdmx.io.xml.sdmx30.writer.structure import write as write_30
from pysdmx.model import (
    Agency,
    AvailabilityConstraint,
    Code,
    Codelist,
    Component,
    Components,
    Concept,
    ConceptScheme,
    ConstraintAttachment,
    CubeKeyValue,
    CubeRegion,
    CubeTimeRange,
    CubeValue,
    Dataflow,
    DataStructureDefinition,
    DataType,
    ItemReference,
    Organisation,
    Role,
)
from pysdmx.model.constraint import TimePeriodBoundary
from pysdmx.model.message import Header
from pysdmx.model.organisation import AgencyScheme

from app.sdmx import dsd as ours
from app.sdmx.dsd import AGENCY, COMPONENTS, CONCEPTS, FLOW, TIME, VERSION, Names, Vocabulary
from app.sdmx.media_types import SDMX, Message

Artefact = Any
"""A maintainable artefact of pysdmx."""
SEPARATOR = "\uffff"
"""Between the two languages of a name: a character that no XML document has."""
SDMX_AGENCY = "SDMX"
ROLES = {"dimension": Role.DIMENSION, "time": Role.DIMENSION, "measure": Role.MEASURE, "attribute": Role.ATTRIBUTE}
TITLES: Mapping[str, Names] = {
    "FLOW": ("Regional indicators as sources state them", "来源所述的区域指标"),
    "CONCEPTS": ("Concepts", "概念"),
    "AGENCY": ("Regional Indicators", "区域指标"),
}
DESCRIPTION: Names = (
    "Hedged figures, cited. What has no period with dates stands at the day of reporting, with FREQ _U.",
    "带修饰语与出处的数字。没有具体时期的观测以报道日期为时期，FREQ为_U。",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a structure message says.

    Attributes:
        artefacts: The artefacts.
        id: Of the message.
        prepared: When what it says was published.
        lang: The language of names, where there is room for one.
    """

    artefacts: Sequence[Artefact]
    id: str
    prepared: str
    lang: Literal["en", "zh"]


def _both(names: Names) -> str:
    return SEPARATOR.join(name.replace(SEPARATOR, "�") for name in names)


def artefacts(vocabulary: Vocabulary, *, partial: bool = False) -> dict[str, list[Artefact]]:
    """All artefacts by type, with the codes of the vocabulary; ``partial`` where it has only some of them."""
    common: dict[str, Any] = {"agency": AGENCY, "version": VERSION, "is_final": True}
    titles = {each.codes: each.names for each in COMPONENTS if each.codes} | dict(ours.OPEN)
    lists = [
        Codelist(
            id=name,
            name=_both(titles[name]),
            items=[Code(id=code, name=_both(names)) for code, names in codes.items()],
            is_partial=partial,
            **common,
        )
        for name, codes in vocabulary.items()
    ]
    concepts = [Concept(id=each.id, name=_both(each.names)) for each in COMPONENTS]
    structure = DataStructureDefinition(
        id=FLOW, name=_both(TITLES["FLOW"]), components=Components([_component(each) for each in COMPONENTS]), **common
    )
    flow = Dataflow(id=FLOW, name=_both(TITLES["FLOW"]), description=_both(DESCRIPTION), structure=structure, **common)
    agencies = AgencyScheme(agency=SDMX_AGENCY, items=[Agency(id=AGENCY, name=_both(TITLES["AGENCY"]))])
    return {
        "agencyscheme": [agencies],
        "codelist": lists,
        "conceptscheme": [ConceptScheme(id=CONCEPTS, name=_both(TITLES["CONCEPTS"]), items=concepts, **common)],
        "datastructure": [structure],
        "dataflow": [flow],
    }


def _component(component: ours.Component) -> Component:
    urn = f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist={AGENCY}:{component.codes}({VERSION})"
    return Component(
        id=component.id,
        required=component.role in ("dimension", "time"),
        role=ROLES[component.role],
        concept=ItemReference("Concept", AGENCY, CONCEPTS, VERSION, component.id),
        local_dtype=None if component.codes else DataType(component.type),
        local_enum_ref=urn if component.codes else None,
        attachment_level="O" if component.role == "attribute" else None,
    )


AVAILABILITY = "availability"
CHILDREN: Mapping[str, tuple[str, ...]] = {
    "dataflow": ("datastructure",),
    "datastructure": ("conceptscheme", "codelist"),
    "conceptscheme": (),
    "codelist": (),
    "agencyscheme": (),
    AVAILABILITY: ("dataflow",),
}
"""What the artefacts of each type refer to."""
TYPES = tuple(CHILDREN)[:-1]


def _parents(kind: str) -> tuple[str, ...]:
    return tuple(parent for parent in TYPES if kind in CHILDREN[parent])


def _closure(kind: str, step: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    following = set(step(kind))
    while following - found:
        found |= following
        following = {each for name in found for each in step(name)}
    return found


def _siblings(kind: str) -> set[str]:
    return {each for parent in _parents(kind) for each in (parent, *CHILDREN[parent])}


REFERENCES: Mapping[str, Callable[[str], set[str]]] = {
    "none": lambda _: set(),
    "children": lambda kind: set(CHILDREN[kind]),
    "descendants": lambda kind: _closure(kind, CHILDREN.__getitem__),
    "parents": lambda kind: set(_parents(kind)),
    "parentsandsiblings": _siblings,
    "ancestors": lambda kind: _closure(kind, _parents),
    "all": lambda kind: {"agencyscheme"} | _siblings(kind) | _closure(kind, CHILDREN.__getitem__),
    **{kind: lambda _, kind=kind: {kind} for kind in TYPES},  # type: ignore[misc]  # binds the name of this turn
}
"""What ``references`` adds to artefacts of a type: other types."""
DETAILS: Mapping[str, tuple[bool, bool, bool]] = {
    "full": (False, False, False),
    "allstubs": (True, True, False),
    "referencestubs": (False, True, False),
    "allcompletestubs": (True, True, True),
    "referencecompletestubs": (False, True, True),
    "referencepartial": (False, False, False),  # all that is referred to is used
    "raw": (False, False, False),
}
"""Of each detail whether what was asked for is stubs, whether what comes with it is, and whether these are described."""


def stub(artefact: Artefact, *, complete: bool) -> Artefact:
    """The artefact without what it is made of; with its description where ``complete``."""
    emptied: dict[str, Any] = {} if complete else {"description": None}
    if hasattr(artefact, "items") and not isinstance(artefact, AgencyScheme):  # of which no schema allows empty ones
        emptied["items"] = ()
    if isinstance(artefact, DataStructureDefinition):
        emptied["components"] = Components([])
    return replace(artefact, **emptied)


def with_items(found: Sequence[Artefact], items: Sequence[str]) -> list[Artefact]:
    """The item schemes with these items alone; those without any of them are left out."""
    kept = [(each, [item for item in getattr(each, "items", ()) if item.id in items]) for each in found]
    return [replace(each, items=some, is_partial=True) for each, some in kept if some]


def constraint(values: Mapping[str, Iterable[str]], period: tuple[str, str] | None, series: int, count: int) -> Artefact:
    """The constraint that says which values of each dimension there are, from when to when, and how many observations."""
    region = [CubeKeyValue(name, [CubeValue(value) for value in sorted(found)]) for name, found in values.items()]
    if period is not None:
        start, end = (TimePeriodBoundary(day) for day in period)
        region.append(CubeKeyValue(TIME, time_range=CubeTimeRange(start_period=start, end_period=end)))
    return AvailabilityConstraint(
        constraint_attachment=ConstraintAttachment(
            None, dataflows=[f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{FLOW}({VERSION})"]
        ),
        cube_region=CubeRegion(region),
        series_count=series,
        obs_count=count,
    )


_NAME = re.compile(rf'<com:(Name|Description) xml:lang="en">([^<{SEPARATOR}]*){SEPARATOR}([^<]*)</com:\1>')
_UNWANTED = re.compile(
    r"<str:MeasureRelationship>.*?</str:MeasureRelationship>|<str:DataStructureComponents>\s*</str:DataStructureComponents>",
    re.DOTALL,
)
"""Which measure an attribute is about: there is one, and some clients cannot read it; and the components of a stub."""


def _xml(write: Callable[..., Any]) -> Callable[[Found], bytes]:
    def written(found: Found) -> bytes:
        text = write(found.artefacts, header=_header(found), prettyprint=False)
        text = _UNWANTED.sub("", text)
        return _NAME.sub(r'<com:\1 xml:lang="en">\2</com:\1><com:\1 xml:lang="zh">\3</com:\1>', text).encode()

    return written


def _json(found: Found) -> bytes:
    message = msgspec.json.decode(write_json(found.artefacts, header=_header(found), prettyprint=False) or "")
    return msgspec.json.encode(_parted(message, found.lang))


def _parted(node: Any, lang: str) -> Any:
    """The node with the two languages of its names apart, and without what is empty where the schema forbids that."""
    if isinstance(node, list):
        return [_parted(each, lang) for each in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for name, value in node.items():
        if (name == "groups" and not value) or (name == "dataStructureComponents" and not value["dimensionList"]["dimensions"]):
            continue
        if name in ("name", "description") and isinstance(value, str) and SEPARATOR in value:
            both = dict(zip(("en", "zh"), value.split(SEPARATOR), strict=True))
            found |= {name: both[lang], f"{name}s": both}
        else:
            found[name] = _parted(value, lang)
    return found


def _header(found: Found) -> Header:
    return Header(id=found.id, prepared=datetime.fromisoformat(found.prepared), sender=Organisation(id=AGENCY))


STRUCTURES: tuple[Message, ...] = (
    Message("structure-xml-3.0", f"{SDMX}structure+xml", "3.0.0", "xml", _xml(write_30)),
    Message("structure-json-2.0", f"{SDMX}structure+json", "2.0.0", "json", _json),
    Message("structure-xml-2.1", f"{SDMX}structure+xml", "2.1", "xml", _xml(write_21)),
)
"""Messages of structural metadata."""
