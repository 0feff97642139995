"""From the bytes of a document to a validated one, or to every fault in it at once."""

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.errors import DocumentFaulty, Fault, nearest
from app.hedges import HEDGES
from app.publishing import yaml
from app.publishing.document import ENTITY_SECTIONS, Document, SourcePart
from app.publishing.known import Known, KnownEntity, KnownIndicator
from app.publishing.rules import RULES, RULES_OF_NAMES, Draft, Finding
from app.publishing.yaml import Path, Tree

Declared = TypeVar("Declared", KnownEntity, KnownIndicator)

MOST_FAULTS = 1000
"""That one answer lists."""
SECTIONS = (*ENTITY_SECTIONS, "indicators", "observations", "relations", "designations")
Placed = tuple[Path, Any, bool]
"""Where a part stands, the part, and whether it is well-formed."""


def parse(content: bytes, known: Known | None) -> Document:
    """The document that ``content`` (YAML or JSON, UTF-8) is.

    ``known`` is what it may refer to beyond itself; with None only its shape is checked.

    Raises:
        DocumentFaulty: with every fault of the document, in the order of lines.
    """
    tree = yaml.load(content)
    faults = [_fault(tree, Finding(item.path, "syntax", item.message), item.position) for item in tree.misread]
    document: Document | None = None
    if tree.data is not None or not faults:
        try:
            document = Document.model_validate(tree.data)
        except ValidationError as error:
            findings = [_finding(details, tree) for details in error.errors(include_url=False)]
            faults.extend(_fault(tree, finding) for finding in findings)
        if known is not None:
            faults.extend(_fault(tree, finding) for finding in _broken_rules(tree.data, known))
    if document is None or faults:
        count = len(faults)
        detail = f"The document has {count} fault{'s' if count != 1 else ''}."
        if count > MOST_FAULTS:
            detail = f"The document has {count} faults; these are the first {MOST_FAULTS}."
        raise DocumentFaulty(detail, sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))[:MOST_FAULTS])
    return document


def declared_by(document: Document) -> Known:
    """What other documents may refer to once this one is published."""
    source = document.source.id
    return Known(
        {part.id: KnownEntity(kind, source) for kind, part in document.entities},
        {part.id: KnownIndicator(part.unit, source) for part in document.indicators},
    )


def _broken_rules(data: Any, known: Known) -> Iterator[Finding]:
    """What breaks the rules: names even in malformed parts, all else in well-formed ones."""
    data = data if isinstance(data, dict) else {}
    parts = {section: list(_parts(data, section)) for section in SECTIONS}
    whole = {section: [placed for placed in found if placed[2]] for section, found in parts.items()}
    for rules, draft in ((RULES_OF_NAMES, _draft(data, parts, known)), (RULES, _draft(data, whole, known))):
        for rule in rules:
            yield from rule(draft)


def _draft(data: dict[str, Any], parts: Mapping[str, list[Placed]], known: Known) -> Draft:
    try:
        source = SourcePart.model_validate(data.get("source"))
    except ValidationError:
        source = None
    owner = source.id if source is not None else ""
    entities = {
        item["id"]: KnownEntity(kind, owner) for section, kind in ENTITY_SECTIONS.items() for item in _items(data, section)
    }
    indicators = {item["id"]: KnownIndicator(str(item.get("unit", "")), owner) for item in _items(data, "indicators")}
    placed = {section: [(path, part) for path, part, _ in found] for section, found in parts.items()}
    return Draft(
        source,
        [(path, kind, part) for section, kind in ENTITY_SECTIONS.items() for path, part in placed[section]],
        placed["indicators"],
        placed["observations"],
        placed["relations"],
        placed["designations"],
        known,
        Known(_of_others(known.entities, owner) | entities, _of_others(known.indicators, owner) | indicators),
    )


def _of_others(known: Mapping[str, Declared], owner: str) -> dict[str, Declared]:
    return {name: declared for name, declared in known.items() if declared.source != owner}


def _items(data: dict[str, Any], section: str) -> Iterator[dict[str, Any]]:
    """The items of a section that have an id, whatever else is wrong with them."""
    items = data.get(section)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item


def _parts(data: dict[str, Any], section: str) -> Iterator[Placed]:
    (model,) = get_args(Document.model_fields[section].annotation)
    items = data.get(section)
    for number, item in enumerate(items if isinstance(items, list) else ()):
        try:
            yield (section, number), model.model_validate(item), True
        except ValidationError as error:
            if isinstance(item, dict):
                yield (section, number), _partial(model, item, {details["loc"][0] for details in error.errors()}), False


def _partial(model: type[BaseModel], item: dict[str, Any], bad: set[str | int]) -> BaseModel:
    """The part with its well-formed scalars alone, so that names in it can still be checked."""
    good = {key: value for key, value in item.items() if key not in bad and not isinstance(value, dict | list)}
    return model.model_construct(**{name: good.get(name) for name in model.model_fields})


def _fault(tree: Tree, finding: Finding, position: yaml.Position | None = None) -> Fault:
    place = position or tree.position(finding.path, of_key=finding.code in ("unknown_key", "missing"))
    return Fault(
        finding.message,
        finding.code,
        pointer="".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in finding.path),
        allowed=finding.allowed,
        suggestion=finding.suggestion,
        line=place.line,
        column=place.column,
    )


def _finding(details: ErrorDetails, tree: Tree) -> Finding:
    """What pydantic found, in the words of this project."""
    path = tuple(details["loc"])
    if details["type"] == "missing":
        return Finding(path[:-1], "missing", f"{path[-1]} is missing")
    if details["type"] == "extra_forbidden":
        options = _keys_at(path[:-1])
        name = str(path[-1])
        return Finding(path, "unknown_key", f"unknown key {name}", suggestion=nearest(name, options), allowed=options)
    given = _value_at(tree.data, path)
    allowed = _choices_at(path)
    message = details["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "expected").replace("Input should", "expected to")
    if details["type"] == "string_type" and isinstance(given, int):
        return Finding(path, "string_type", "a number; expected text, so put it in quotes", suggestion=f"'{given}'")
    if allowed is not None:
        message = f"{given} is none of the allowed values"
    suggestion = nearest(given, allowed) if isinstance(given, str) and allowed else None
    return Finding(path, details["type"], message, suggestion=suggestion, allowed=allowed)


def _value_at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return None
    return data


def _keys_at(path: Path) -> tuple[str, ...]:
    model = _type_at(path)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _choices_at(path: Path) -> tuple[str, ...] | None:
    if path[-1:] == ("hedge",):
        return tuple(HEDGES)
    kind = _type_at(path)
    return get_args(kind) if get_origin(kind) is Literal else None


def _type_at(path: Iterable[str | int]) -> Any:
    """The type that the format has at ``path``, without None and lists around it; None where it has nothing there."""
    kind: Any = Document
    for step in path:
        if isinstance(step, int):
            continue
        info = kind.model_fields.get(step) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if info is None:
            return None
        kind = _bare(info.annotation)
    return kind


def _bare(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return _bare(get_args(kind)[0]) if get_origin(kind) is list else kind
