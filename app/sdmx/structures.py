"""Structural metadata: the artefacts as pysdmx models, their references and details, and structure messages.

pysdmx supports one language and writes it as English: both names pass through it as one text, split again in its output.
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
from app.sdmx.dsd import AGENCY, COMPONENTS, CONCEPTS, FLOW, TIME, VERSION, CodeNames, InternationalString
from app.sdmx.media_types import SDMX, Message

Artefact = Any
"""A maintainable artefact of pysdmx."""
SEPARATOR = "\uffff"
"""Separator of the two languages of a name: a character that XML documents cannot contain."""
SDMX_AGENCY = "SDMX"
ROLES = {"dimension": Role.DIMENSION, "time": Role.DIMENSION, "measure": Role.MEASURE, "attribute": Role.ATTRIBUTE}
TITLES: Mapping[str, InternationalString] = {
    "FLOW": ("Regional indicators as sources state them", "来源所述的区域指标"),
    "CONCEPTS": ("Concepts", "概念"),
    "AGENCY": ("Regional Indicators", "区域指标"),
}
DESCRIPTION: InternationalString = (
    "Hedged figures, cited. What has no period with dates stands at the day of reporting, with FREQ _U.",
    "带修饰语与出处的数字。没有具体时期的观测以报道日期为时期，FREQ为_U。",
)


@dataclass(frozen=True, slots=True)
class StructureMessage:
    """The content of a structure message.

    Attributes:
        artefacts: The artefacts.
        id: The id of the message.
        prepared: The time of publication of its content.
        lang: The language of names in formats with one language.
    """

    artefacts: Sequence[Artefact]
    id: str
    prepared: str
    lang: Literal["en", "zh"]


def _joined(names: InternationalString) -> str:
    """Return both languages as one text."""
    return SEPARATOR.join(name.replace(SEPARATOR, "�") for name in names)


def artefacts(vocabulary: CodeNames, *, partial: bool = False) -> dict[str, list[Artefact]]:
    """Return all artefacts by type, with the codes of the vocabulary.

    ``partial`` marks the code lists as partial, for a vocabulary with only some of the codes.
    """
    common: dict[str, Any] = {"agency": AGENCY, "version": VERSION, "is_final": True}
    titles = {component.codes: component.names for component in COMPONENTS if component.codes} | dict(ours.OPEN)
    lists = [
        Codelist(
            id=name,
            name=_joined(titles[name]),
            items=[Code(id=code, name=_joined(names)) for code, names in codes.items()],
            is_partial=partial,
            **common,
        )
        for name, codes in vocabulary.items()
    ]
    concepts = [Concept(id=component.id, name=_joined(component.names)) for component in COMPONENTS]
    structure = DataStructureDefinition(
        id=FLOW, name=_joined(TITLES["FLOW"]), components=Components([_component(part) for part in COMPONENTS]), **common
    )
    flow = Dataflow(id=FLOW, name=_joined(TITLES["FLOW"]), description=_joined(DESCRIPTION), structure=structure, **common)
    agencies = AgencyScheme(agency=SDMX_AGENCY, items=[Agency(id=AGENCY, name=_joined(TITLES["AGENCY"]))])
    return {
        "agencyscheme": [agencies],
        "codelist": lists,
        "conceptscheme": [ConceptScheme(id=CONCEPTS, name=_joined(TITLES["CONCEPTS"]), items=concepts, **common)],
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
"""Types of artefact to which the artefacts of a type refer."""
TYPES = tuple(CHILDREN)[:-1]
"""Types of artefact that can be queried."""


def _parents(kind: str) -> tuple[str, ...]:
    return tuple(parent for parent in TYPES if kind in CHILDREN[parent])


def _closure(kind: str, step: Callable[[str], Iterable[str]]) -> set[str]:
    """Return the types that repeated steps from a type reach."""
    reached: set[str] = set()
    following = set(step(kind))
    while following - reached:
        reached |= following
        following = {target for origin in reached for target in step(origin)}
    return reached


def _parents_and_siblings(kind: str) -> set[str]:
    return {relative for parent in _parents(kind) for relative in (parent, *CHILDREN[parent])}


REFERENCES: Mapping[str, Callable[[str], set[str]]] = {
    "none": lambda _: set(),
    "children": lambda kind: set(CHILDREN[kind]),
    "descendants": lambda kind: _closure(kind, CHILDREN.__getitem__),
    "parents": lambda kind: set(_parents(kind)),
    "parentsandsiblings": _parents_and_siblings,
    "ancestors": lambda kind: _closure(kind, _parents),
    "all": lambda kind: {"agencyscheme"} | _parents_and_siblings(kind) | _closure(kind, CHILDREN.__getitem__),
    **{kind: lambda _, kind=kind: {kind} for kind in TYPES},  # type: ignore[misc]  # the default binds the loop variable
}
"""Types of artefact that a value of ``references`` adds to the artefacts of a type."""
DETAILS: Mapping[str, tuple[bool, bool, bool]] = {
    "full": (False, False, False),
    "allstubs": (True, True, False),
    "referencestubs": (False, True, False),
    "allcompletestubs": (True, True, True),
    "referencecompletestubs": (False, True, True),
    "referencepartial": (False, False, False),  # every code that is referred to is used
    "raw": (False, False, False),
}
"""Effect of a detail: are requested artefacts stubs, are referenced ones stubs, and do stubs keep descriptions?"""


def stub(artefact: Artefact, *, complete: bool) -> Artefact:
    """Return the artefact without its content; with its description if ``complete``."""
    changes: dict[str, Any] = {} if complete else {"description": None}
    if hasattr(artefact, "items") and not isinstance(artefact, AgencyScheme):  # no schema allows empty agency schemes
        changes["items"] = ()
    if isinstance(artefact, DataStructureDefinition):
        changes["components"] = Components([])
    return replace(artefact, **changes)


def with_items(schemes: Sequence[Artefact], items: Sequence[str]) -> list[Artefact]:
    """Return the item schemes reduced to these items, without empty schemes."""
    matches = [(scheme, [item for item in getattr(scheme, "items", ()) if item.id in items]) for scheme in schemes]
    return [replace(scheme, items=selected, is_partial=True) for scheme, selected in matches if selected]


def constraint(values: Mapping[str, Iterable[str]], period: tuple[str, str] | None, series: int, count: int) -> Artefact:
    """Return the availability constraint: values, period, and counts."""
    region = [CubeKeyValue(name, [CubeValue(code) for code in sorted(codes)]) for name, codes in values.items()]
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
"""Elements to remove: measure relationships, needless for one measure and unreadable for some clients; components of stubs."""


def _xml(write: Callable[..., Any]) -> Callable[[StructureMessage], bytes]:
    def write_message(message: StructureMessage) -> bytes:
        text = write(message.artefacts, header=_header(message), prettyprint=False)
        text = _UNWANTED.sub("", text)
        return _NAME.sub(r'<com:\1 xml:lang="en">\2</com:\1><com:\1 xml:lang="zh">\3</com:\1>', text).encode()

    return write_message


def _json(message: StructureMessage) -> bytes:
    document = msgspec.json.decode(write_json(message.artefacts, header=_header(message), prettyprint=False) or "")
    return msgspec.json.encode(_split_languages(document, message.lang))


def _split_languages(node: Any, lang: str) -> Any:
    """Return the node with bilingual names, without empty members the schema forbids."""
    if isinstance(node, list):
        return [_split_languages(item, lang) for item in node]
    if not isinstance(node, dict):
        return node
    members: dict[str, Any] = {}
    for name, value in node.items():
        if (name == "groups" and not value) or (name == "dataStructureComponents" and not value["dimensionList"]["dimensions"]):
            continue
        if name in ("name", "description") and isinstance(value, str) and SEPARATOR in value:
            texts = dict(zip(("en", "zh"), value.split(SEPARATOR), strict=True))
            members |= {name: texts[lang], f"{name}s": texts}
        else:
            members[name] = _split_languages(value, lang)
    return members


def _header(message: StructureMessage) -> Header:
    return Header(id=message.id, prepared=datetime.fromisoformat(message.prepared), sender=Organisation(id=AGENCY))


STRUCTURES: tuple[Message, ...] = (
    Message("structure-xml-3.0", f"{SDMX}structure+xml", "3.0.0", "xml", _xml(write_30)),
    Message("structure-json-2.0", f"{SDMX}structure+json", "2.0.0", "json", _json),
    Message("structure-xml-2.1", f"{SDMX}structure+xml", "2.1", "xml", _xml(write_21)),
)
"""Structure messages."""
