"""Strict YAML and JSON: plain data, and the line and column of every node.

Scalars are those of YAML's JSON schema (``no`` and ``2024-03-29`` are text). Anchors, aliases, tags, repeated keys and
keys that are not text are faults: they would make a document mean something else than it seems to.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import rfc8785
import yaml

Path = tuple[str | int, ...]

MAX_DEPTH = 20
MAX_DIGITS = 40
LARGEST_INTEGER = 2**53 - 1

_WORDS = {"": None, "null": None, "~": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file, line and column counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Misread:
    """Something that strict YAML does not allow, and where."""

    path: Path
    position: Position
    message: str


@dataclass(slots=True)
class Tree:
    """Plain data, the positions of values and of keys by path, and what is not strict YAML."""

    data: Any = None
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)

    def position(self, path: Path, *, of_key: bool = False) -> Position:
        """Where ``path`` stands, or the nearest that contains it."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(1, 1))


class _UnreadableError(Exception):
    """Reading cannot go on."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.position = position


def load(content: bytes) -> Tree:
    """Read YAML or JSON in UTF-8. Never raises: what is wrong is in ``misread``."""
    tree = Tree()
    try:
        _Builder(tree, _decoded(content)).build()
    except _UnreadableError as stop:
        tree.misread.append(Misread((), stop.position, str(stop)))
    return tree


def canonical(content: bytes) -> bytes:
    """What a strict document says, as canonical JSON (RFC 8785): the same bytes however it was written."""
    return rfc8785.dumps(_doubles(load(content).data))


def _doubles(data: Any) -> Any:
    """The data with numbers that canonical JSON has no whole numbers for as floating point."""
    if isinstance(data, dict):
        return {key: _doubles(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_doubles(value) for value in data]
    return float(data) if isinstance(data, int) and abs(data) > LARGEST_INTEGER else data


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError(_end_of(content[: error.start].decode(errors="replace")), "expected UTF-8") from None
    # YAML writes what JSON escapes as a surrogate pair in one escape
    return _PAIR.sub(_joined, text) if text.lstrip().startswith("{") else text


def _joined(match: re.Match[str]) -> str:
    backslashes, high, low = match.groups()
    code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return f"{backslashes}\\U{code:08x}"


def _end_of(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


class _Builder:
    """Builds plain data from the parser's events, without recursion deeper than MAX_DEPTH."""

    def __init__(self, tree: Tree, text: str) -> None:
        self.tree = tree
        self.events = _events(text)

    def build(self) -> None:
        """Read the one document of the text into the tree."""
        event = self._next_content()
        if event is None:
            raise _UnreadableError(Position(1, 1), "empty; expected a document")
        self.tree.data = self._node(event, ())
        extra = self._next_content()
        if extra is not None:
            raise _UnreadableError(_place(extra), "expected one document, found another one after it")

    def _next_content(self) -> yaml.Event | None:
        around = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
        return next((event for event in self.events if not isinstance(event, around)), None)

    def _node(self, event: yaml.Event, path: Path) -> Any:
        place = _place(event)
        self.tree.values[path] = place
        if len(path) > MAX_DEPTH:
            raise _UnreadableError(place, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._fault(path, place, "an alias; expected the value itself")
        if not isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent):
            raise _UnreadableError(place, "not YAML or JSON: expected a value")
        if event.anchor is not None:
            self._fault(path, place, "an anchor; expected a plain value")
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            self._fault(path, place, f"the tag {event.tag}; expected a plain value")
        if isinstance(event, yaml.SequenceStartEvent):
            items = self._until(yaml.SequenceEndEvent)
            return [self._node(item, (*path, number)) for number, item in enumerate(items)]
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        return self._scalar(event, path, place)

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            place = _place(event)
            key = self._node(event, (*path, "?"))
            if not isinstance(key, str):
                self._fault(path, place, "a key that is not text; put it in quotes")
                key = str(key)
            if key in found:
                self._fault((*path, key), place, f"the key {key} stands here a second time")
            self.tree.keys[(*path, key)] = place
            found[key] = self._node(next(self.events), (*path, key))
        return found

    def _scalar(self, event: yaml.ScalarEvent, path: Path, place: Position) -> Any:
        text: str = event.value
        if event.style in ("'", '"', "|", ">"):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if not _NUMBER.fullmatch(text):
            return text
        if len(text) > MAX_DIGITS:
            return self._fault(path, place, f"a number of more than {MAX_DIGITS} characters")
        return int(text) if _INTEGER.fullmatch(text) else float(text)

    def _fault(self, path: Path, place: Position, message: str) -> None:
        self.tree.misread.append(Misread(path, place, message))


def _place(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark is not None else Position(1, 1)


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        raise _UnreadableError(place, f"not YAML or JSON: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise _UnreadableError(_end_of(text[: error.position]), f"not YAML or JSON: {error.reason}") from None
