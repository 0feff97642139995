"""Step 1 of publishing: read a document part by part and check each part, or report the first faults.

Memory does not grow with the document. Each part is validated with its model, then checked by the rules of its section
(step 2, ``rules.py``); after the last part, the rules of the whole document follow (``references.py``). ``revisions.py`` reads
the parts of a checked document again with ``items`` and makes rows of them (``rows.py``).
"""

from collections.abc import Container, Iterator
from contextlib import suppress
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.errors import MOST_FAULTS, DocumentFaulty, DocumentMalformed, Fault
from app.publishing.document import ENTITY_SECTIONS, SECTIONS, Document, SourcePart
from app.publishing.document_reader import reader
from app.publishing.findings import finding_of
from app.publishing.parts import DocumentPart, Reader
from app.publishing.references import DOCUMENT_RULES, wholes_contain_no_circles
from app.publishing.rules import NAME_RULES, PART_RULES, Draft, Finding, sources_are_identified
from app.publishing.vocabulary import Declarations, KnownEntity, KnownIndicator, Vocabulary
from app.publishing.yaml import FaultLimitError, Misread, Position, Tree, UnreadableError

MODELS: dict[str, type[BaseModel]] = {name: get_args(Document.model_fields[name].annotation)[0] for name in sorted(SECTIONS)}
"""The model of the items of each section."""
MEMBERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter[Any](info.annotation, config=None if name == "source" else {"strict": True})  # type: ignore[arg-type]
    for name, info in Document.model_fields.items()
}
"""Validators of the top-level members of a document."""


def check(content: bytes, vocabulary: Vocabulary | None, *, only_json: bool = False) -> "Examination":
    """Check a document (YAML or JSON, UTF-8) and return its examination.

    ``vocabulary`` has the names declared by others; with None only the models are checked, not the rules.

    Raises:
        DocumentMalformed: when it is not strict YAML or JSON.
        DocumentFaulty: with the first faults, in the order of lines.
    """
    examination = Examination(content, only_json=only_json)
    examination.run(vocabulary)
    if examination.source_is_late:  # the parts before it were checked without it
        examination = Examination(content, only_json=only_json, source=examination.draft.source)
        examination.run(vocabulary)
    return examination


def parse(content: bytes, vocabulary: Vocabulary | None) -> Document:
    """Return the whole document as one model. Raises as ``check`` does."""
    check(content, vocabulary)
    members: dict[str, Any] = {}
    for part in reader(content, SECTIONS).parts():
        if len(part.path) == 1:
            members[str(part.path[0])] = part.value
        else:
            members[str(part.path[0])].append(part.value)
    return Document.model_validate(members)


def items(content: bytes, sections: Container[str]) -> Iterator[tuple[str, Any]]:
    """Yield section and model of each part in these sections of a checked document."""
    for part in reader(content, SECTIONS).parts():
        section = str(part.path[0])
        if len(part.path) > 1 and section in sections:
            yield section, MODELS[section].model_validate(part.value)


def declared_by(document: Document) -> Declarations:
    """Return the names that others may refer to once this document is published."""
    source = document.source.id
    return Declarations(
        {part.id: KnownEntity(kind, source) for kind, part in document.entities},
        {part.id: KnownIndicator(part.unit, source) for part in document.indicators},
    )


class Examination:
    """The check of one document: the draft that its rules share, and its faults."""

    def __init__(self, content: bytes, *, only_json: bool, source: SourcePart | None = None) -> None:
        """Prepare the check; ``source`` is passed on a second run, if it came late."""
        self.draft = Draft(source)
        self.source_is_late = False
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
        """The source; a document without faults has one."""
        if self.draft.source is None:
            raise AssertionError("a document without faults has a source")
        return self.draft.source

    def run(self, vocabulary: Vocabulary | None) -> None:
        """Read and check the whole document. Raises DocumentMalformed or DocumentFaulty."""
        try:
            self._reader = reader(self._content, SECTIONS, only_json=self._only_json)
            for part in self._reader.parts():
                self._check_part(part, apply_rules=vocabulary is not None)
            for name, info in Document.model_fields.items():
                if info.is_required() and name not in self._members and self._is_object:
                    self._add(Finding((), "missing", f"{name} is missing"), Position(1, 1))
            if vocabulary is not None and not self.source_is_late:
                self._check_document(vocabulary)
        except UnreadableError as stop:
            self._add_misread(stop.misread)
        except FaultLimitError:
            pass
        self._raise_faults()

    def recheck(self, vocabulary: Vocabulary) -> None:
        """Repeat the rules that depend on others' publications. Raises DocumentFaulty."""
        with suppress(FaultLimitError):
            self._check_document(vocabulary)
        self._raise_faults()

    def _raise_faults(self) -> None:
        if self._faults:
            self._faults.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
            count = len(self._faults)
            detail = f"The document has {count} fault{'s' if count != 1 else ''}."
            if count == MOST_FAULTS:
                detail = f"The document has many faults; these are the first {count}."
            raise (DocumentMalformed if self._malformed else DocumentFaulty)(detail, self._faults)

    def _check_document(self, vocabulary: Vocabulary) -> None:
        for finding in wholes_contain_no_circles(self.draft):
            self._add_late(finding)
        for rule in DOCUMENT_RULES:
            for finding in rule(self.draft, vocabulary):
                self._add_late(finding)

    def _check_part(self, part: DocumentPart, *, apply_rules: bool) -> None:
        tree = None
        if not part.strict:
            tree = self._tree(part)
            part.value = tree.data
        if not part.path:
            self._is_object = False
            finding = Finding((), "model_type", "expected the members of a document, of which `format` and `source` are needed")
            self._add(finding, self._position(part.place))
        elif len(part.path) == 1:
            self._check_member(part, tree, apply_rules=apply_rules)
        else:
            self._check_item(part, tree, apply_rules=apply_rules)

    def _check_member(self, part: DocumentPart, tree: Tree | None, *, apply_rules: bool) -> None:
        name = str(part.path[0])
        self._members.add(name)
        if name not in MEMBERS:
            self._add(finding_of({"type": "extra_forbidden", "loc": (), "msg": ""}, part), self._position(part.key or part.place))
            return
        try:
            value = MEMBERS[name].validate_python(part.value)
        except ValidationError as error:
            self._add_invalid(part, error, tree)
            return
        if name == "source":
            self.draft.source, self.source_is_late = value, self._has_items and self.draft.source is None
            for finding in sources_are_identified(value) if apply_rules else ():
                tree = tree or self._tree(part)
                self._add(finding, tree.position(finding.path, of_key=finding.code == "missing"))

    def _check_item(self, part: DocumentPart, tree: Tree | None, *, apply_rules: bool) -> None:
        self._has_items = True
        section = str(part.path[0])
        self._places.setdefault(section, []).append(part.place)
        model, rules = None, (NAME_RULES[section], *PART_RULES[section])
        try:
            model = MODELS[section].model_validate(part.value)
        except ValidationError as error:
            tree = tree or self._tree(part)
            self._add_invalid(part, error, tree)
            if isinstance(part.value, dict):
                wrong = {details["loc"][0] for details in error.errors() if details["loc"]}
                model, rules = _partial(MODELS[section], part.value, wrong), (NAME_RULES[section],)
        if model is None or not apply_rules:
            return
        self._declare(section, part.value)
        for rule in rules:
            for finding in rule(self.draft, part.path, model):
                tree = tree or self._tree(part)
                self._add(finding, tree.position(finding.path, of_key=finding.code == "missing"))

    def _declare(self, section: str, item: dict[str, Any]) -> None:
        """Let other parts refer to an item by its id, even if the item has faults."""
        name = item.get("id")
        if isinstance(name, str):
            if section in ENTITY_SECTIONS:
                self.draft.entities[name] = KnownEntity(ENTITY_SECTIONS[section], self.draft.owner)
            elif section == "indicators":
                self.draft.indicators[name] = KnownIndicator(str(item.get("unit", "")), self.draft.owner)

    def _add_invalid(self, part: DocumentPart, error: ValidationError, tree: Tree | None) -> None:
        tree = tree or self._tree(part)
        for details in error.errors(include_url=False):
            finding = finding_of(details, part)
            self._add(finding, tree.position(finding.path, of_key=finding.code in ("unknown_key", "missing")))

    def _tree(self, part: DocumentPart) -> Tree:
        """Read the part again with positions; add what strict YAML forbids to the faults."""
        if self._reader is None:
            raise AssertionError("a part comes from a reader")
        tree = self._reader.tree(part.path, part.place)
        for misread in tree.misread:
            self._add_misread(misread)
        if part.key is not None:
            tree.keys[part.path] = self._position(part.key)
        return tree

    def _position(self, place: int) -> Position:
        if self._reader is None:
            raise AssertionError("a place comes from a reader")
        return self._reader.position(place)

    def _add_misread(self, misread: Misread) -> None:
        self._malformed = True
        self._faults.append(_fault(Finding(misread.path, "syntax", misread.message), misread.position))
        if len(self._faults) >= MOST_FAULTS:
            raise FaultLimitError

    def _add(self, finding: Finding, position: Position) -> None:
        self._faults.append(_fault(finding, position))
        if len(self._faults) >= MOST_FAULTS:
            raise FaultLimitError

    def _add_late(self, finding: Finding) -> None:
        """Add a finding about a part read earlier: read it again for its position."""
        section, number = str(finding.path[0]), int(finding.path[1])
        part = DocumentPart((section, number), None, strict=True, place=self._places[section][number])
        tree = self._tree(part)
        self._add(finding, tree.position(finding.path))


def _partial(model: type[BaseModel], item: dict[str, Any], wrong: set[str | int]) -> BaseModel:
    """Return a malformed part with only its valid scalars, to check its names."""
    scalars = {key: value for key, value in item.items() if key not in wrong and not isinstance(value, dict | list)}
    return model.model_construct(**{name: scalars.get(name) for name in model.model_fields})


def _fault(finding: Finding, position: Position) -> Fault:
    return Fault(
        finding.message,
        finding.code,
        pointer="".join("/" + str(step)[:100].replace("~", "~0").replace("/", "~1") for step in finding.path),
        allowed=finding.allowed,
        suggestion=finding.suggestion,
        line=position.line,
        column=position.column,
    )
