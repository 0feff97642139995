"""From the bytes of a document to a checked one, or to its first faults: part by part, so that no memory grows with it."""

from collections.abc import Container, Iterator
from contextlib import suppress
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.errors import MOST_FAULTS, DocumentFaulty, DocumentMalformed, Fault
from app.publishing.document import ENTITY_SECTIONS, SECTIONS, Document, SourcePart
from app.publishing.document_reader import reader
from app.publishing.findings import finding_of
from app.publishing.parts import Part, Reader
from app.publishing.references import DOCUMENT, wholes_contain_no_circles
from app.publishing.rules import NAMES, PARTS, Draft, Finding, sources_are_identified
from app.publishing.vocabulary import Known, KnownEntity, KnownIndicator, Vocabulary
from app.publishing.yaml import Misread, Position, Tree, UnreadableError

MODELS: dict[str, type[BaseModel]] = {name: get_args(Document.model_fields[name].annotation)[0] for name in sorted(SECTIONS)}
"""The models of the items of each section."""
MEMBERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter[Any](info.annotation, config=None if name == "source" else {"strict": True})  # type: ignore[arg-type]
    for name, info in Document.model_fields.items()
}
"""What stands at the top of a document."""


def check(content: bytes, vocabulary: Vocabulary | None, *, only_json: bool = False) -> "Examination":
    """Check the document that ``content`` (YAML or JSON, UTF-8) is, and return what was found.

    ``vocabulary`` is what it may refer to beyond itself; with None only its shape is checked.

    Raises:
        DocumentMalformed: where it is not strict YAML or JSON.
        DocumentFaulty: with its first faults, in the order of lines.
    """
    found = Examination(content, only_json=only_json)
    found.run(vocabulary)
    if found.came_late:  # its rules could not be applied to what stands before it
        found = Examination(content, only_json=only_json, source=found.draft.source)
        found.run(vocabulary)
    return found


def parse(content: bytes, vocabulary: Vocabulary | None) -> Document:
    """Return the document that ``content`` is, whole. Raises as ``check`` does."""
    check(content, vocabulary)
    members: dict[str, Any] = {}
    for part in reader(content, SECTIONS).parts():
        if len(part.path) == 1:
            members[str(part.path[0])] = part.value
        else:
            members[str(part.path[0])].append(part.value)
    return Document.model_validate(members)


def items(content: bytes, sections: Container[str]) -> Iterator[tuple[str, Any]]:
    """Yield the parts of these sections of a checked document, each with its section, one after the other."""
    for part in reader(content, SECTIONS).parts():
        section = str(part.path[0])
        if len(part.path) > 1 and section in sections:
            yield section, MODELS[section].model_validate(part.value)


def declared_by(document: Document) -> Known:
    """What other documents may refer to once this one is published."""
    source = document.source.id
    return Known(
        {part.id: KnownEntity(kind, source) for kind, part in document.entities},
        {part.id: KnownIndicator(part.unit, source) for part in document.indicators},
    )


class _EnoughError(Exception):
    """Enough is known to be wrong."""


class Examination:
    """The check of one document."""

    def __init__(self, content: bytes, *, only_json: bool, source: SourcePart | None = None) -> None:
        """``source`` is given where it stands behind parts that it has to do with."""
        self.draft = Draft(source)
        self.came_late = False
        self._content, self._only_json = content, only_json
        self._faults: list[Fault] = []
        self._malformed = False
        self._members: set[str] = set()
        self._is_object = True
        self._places: dict[str, list[int]] = {}
        self._reader: Reader | None = None
        self._has_items = False

    @property
    def source(self) -> SourcePart:
        """The source of a document without faults."""
        if self.draft.source is None:
            raise AssertionError("a document without faults has a source")
        return self.draft.source

    def run(self, vocabulary: Vocabulary | None) -> None:
        """Read and check everything. Raises DocumentMalformed and DocumentFaulty."""
        try:
            self._reader = reader(self._content, SECTIONS, only_json=self._only_json)
            for part in self._reader.parts():
                self._take(part, vocabulary is not None)
            for name, info in Document.model_fields.items():
                if info.is_required() and name not in self._members and self._is_object:
                    self._add(Finding((), "missing", f"{name} is missing"), Position(1, 1))
            if vocabulary is not None and not self.came_late:
                self._whole(vocabulary)
        except UnreadableError as stop:
            self._misread(stop.misread)
        except _EnoughError:
            pass
        self._end()

    def again(self, vocabulary: Vocabulary) -> None:
        """Check what depends on other sources once more: they may have published meanwhile. Raises DocumentFaulty."""
        with suppress(_EnoughError):
            self._whole(vocabulary)
        self._end()

    def _end(self) -> None:
        if self._faults:
            self._faults.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
            count = len(self._faults)
            detail = f"The document has {count} fault{'s' if count != 1 else ''}."
            if count == MOST_FAULTS:
                detail = f"The document has many faults; these are the first {count}."
            raise (DocumentMalformed if self._malformed else DocumentFaulty)(detail, self._faults)

    def _whole(self, vocabulary: Vocabulary) -> None:
        for finding in wholes_contain_no_circles(self.draft):
            self._add_later(finding)
        for rule in DOCUMENT:
            for finding in rule(self.draft, vocabulary):
                self._add_later(finding)

    def _take(self, part: Part, rules: bool) -> None:  # noqa: FBT001  one of two places
        tree = None
        if not part.strict:
            tree = self._tree(part)
            part.value = tree.data
        if not part.path:
            self._is_object = False
            finding = Finding((), "model_type", "expected the members of a document, of which `format` and `source` are needed")
            self._add(finding, self._position(part.place))
        elif len(part.path) == 1:
            self._member(part, tree, rules=rules)
        else:
            self._item(part, tree, rules=rules)

    def _member(self, part: Part, tree: Tree | None, *, rules: bool) -> None:
        name = str(part.path[0])
        self._members.add(name)
        if name not in MEMBERS:
            self._add(finding_of({"type": "extra_forbidden", "loc": (), "msg": ""}, part), self._position(part.key or part.place))
            return
        try:
            value = MEMBERS[name].validate_python(part.value)
        except ValidationError as error:
            self._invalid(part, error, tree)
            return
        if name == "source":
            self.draft.source, self.came_late = value, self._has_items and self.draft.source is None
            for finding in sources_are_identified(value) if rules else ():
                tree = tree or self._tree(part)
                self._add(finding, tree.position(finding.path, of_key=finding.code == "missing"))

    def _item(self, part: Part, tree: Tree | None, *, rules: bool) -> None:
        self._has_items = True
        section = str(part.path[0])
        self._places.setdefault(section, []).append(part.place)
        names = whole = None
        try:
            names = whole = MODELS[section].model_validate(part.value)
        except ValidationError as error:
            tree = tree or self._tree(part)
            self._invalid(part, error, tree)
            if isinstance(part.value, dict):
                names = _partial(MODELS[section], part.value, {details["loc"][0] for details in error.errors() if details["loc"]})
        if names is None or not rules:
            return
        self._declare(section, part.value)
        for rule in (NAMES[section], *(PARTS[section] if whole is not None else ())):
            for finding in rule(self.draft, part.path, names):
                tree = tree or self._tree(part)
                self._add(finding, tree.position(finding.path, of_key=finding.code == "missing"))

    def _declare(self, section: str, item: dict[str, Any]) -> None:
        """Let others refer to an item that has an id, whatever else is wrong with it."""
        name = item.get("id")
        if isinstance(name, str):
            if section in ENTITY_SECTIONS:
                self.draft.entities[name] = KnownEntity(ENTITY_SECTIONS[section], self.draft.owner)
            elif section == "indicators":
                self.draft.indicators[name] = KnownIndicator(str(item.get("unit", "")), self.draft.owner)

    def _invalid(self, part: Part, error: ValidationError, tree: Tree | None) -> None:
        tree = tree or self._tree(part)
        for details in error.errors(include_url=False):
            finding = finding_of(details, part)
            self._add(finding, tree.position(finding.path, of_key=finding.code in ("unknown_key", "missing")))

    def _tree(self, part: Part) -> Tree:
        """The part with positions; what is not strict in it is added to the faults."""
        if self._reader is None:
            raise AssertionError("a part comes from a reader")
        tree = self._reader.tree(part.path, part.place)
        for misread in tree.misread:
            self._misread(misread)
        if part.key is not None:
            tree.keys[part.path] = self._position(part.key)
        return tree

    def _position(self, place: int) -> Position:
        if self._reader is None:
            raise AssertionError("a place comes from a reader")
        return self._reader.position(place)

    def _misread(self, misread: Misread) -> None:
        self._malformed = True
        self._faults.append(_fault(Finding(misread.path, "syntax", misread.message), misread.position))
        if len(self._faults) >= MOST_FAULTS:
            raise _EnoughError

    def _add(self, finding: Finding, position: Position) -> None:
        self._faults.append(_fault(finding, position))
        if len(self._faults) >= MOST_FAULTS:
            raise _EnoughError

    def _add_later(self, finding: Finding) -> None:
        """Add a finding on a part that was read before."""
        section, number = str(finding.path[0]), int(finding.path[1])
        part = Part((section, number), None, strict=True, place=self._places[section][number])
        tree = self._tree(part)
        self._add(finding, tree.position(finding.path))


def _partial(model: type[BaseModel], item: dict[str, Any], bad: set[str | int]) -> BaseModel:
    """The part with its well-formed scalars alone, so that names in it can still be checked."""
    good = {key: value for key, value in item.items() if key not in bad and not isinstance(value, dict | list)}
    return model.model_construct(**{name: good.get(name) for name in model.model_fields})


def _fault(finding: Finding, place: Position) -> Fault:
    return Fault(
        finding.message,
        finding.code,
        pointer="".join("/" + str(step)[:100].replace("~", "~0").replace("/", "~1") for step in finding.path),
        allowed=finding.allowed,
        suggestion=finding.suggestion,
        line=place.line,
        column=place.column,
    )
