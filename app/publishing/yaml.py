"""Strict YAML and JSON: plain data, with the line and column of every node.

Scalars are those of YAML's JSON schema (``no`` and ``2024-03-29`` are text). Anchors, aliases, tags, repeated keys and
keys that are not text are faults: with them a document would not mean what it seems to.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.errors import MOST_FAULTS

Path = tuple[str | int, ...]

MAX_DEPTH = 20
"""Levels of nesting."""
MAX_DIGITS = 40
"""Characters of a number."""

_WORDS = {"": None, "null": None, "~": None, "true": True, "false": False}
_FIRST = frozenset(["", *"~ntf-0123456789"])
"""First characters of plain scalars that may be something else than text."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
"""A surrogate pair as JSON escapes, which the YAML parser refuses."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file: line and column, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Misread:
    """A violation of strict YAML, with its path and position."""

    path: Path
    position: Position
    message: str


@dataclass(slots=True)
class Tree:
    """Plain data, the positions of values and keys by path, and the violations of strict YAML."""

    data: Any = None
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)
    start: Position = field(default_factory=lambda: Position(1, 1))

    def position(self, path: Path, *, of_key: bool = False) -> Position:
        """Return the position of ``path``, or of its nearest ancestor that has one."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, self.start)


class UnreadableError(Exception):
    """A violation after which reading cannot go on."""

    def __init__(self, path: Path, position: Position, message: str) -> None:
        """Keep path, position and message as a ``Misread``."""
        super().__init__(message)
        self.misread = Misread(path, position, message)


class FaultLimitError(Exception):
    """The limit of reported faults is reached."""


def read(events: Iterator[yaml.Event], path: Path, start: Position) -> Tree:
    """Return the tree of the value at ``path``; never raises (see ``misread``).

    ``start`` is the position of the events' text in the document.
    """
    tree = Tree(start=start)
    try:
        _Builder(tree, events).build(path)
    except UnreadableError as error:
        tree.misread.append(error.misread)
    except FaultLimitError:
        pass
    return tree


def _joined(match: re.Match[str]) -> str:
    """Return the surrogate pair of a match as one YAML escape."""
    backslashes, high, low = match.groups()
    code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return f"{backslashes}\\U{code:08x}"


class _Builder:
    """A builder of plain data from the parser's events; recursion ends at MAX_DEPTH."""

    def __init__(self, tree: Tree, events: Iterator[yaml.Event]) -> None:
        self.tree = tree
        self.events = events

    def build(self, path: Path) -> None:
        """Read one value into the tree."""
        headers = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
        event = next(event for event in self.events if not isinstance(event, headers))
        self.tree.data = self._node(event, path)

    def _place(self, event: yaml.Event) -> Position:
        place, start = place_of(event), self.tree.start
        return Position(place.line + start.line - 1, place.column + (start.column - 1 if place.line == 1 else 0))

    def _node(self, event: yaml.Event, path: Path) -> Any:
        place = self._place(event)
        self.tree.values[path] = place
        if len(path) > MAX_DEPTH:
            raise UnreadableError(path, place, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._fault(path, place, "an alias; expected the value itself")
        if not isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent):
            raise UnreadableError(path, place, "not YAML or JSON: expected a value")
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
        mapping: dict[str, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            place = self._place(event)
            key = self._node(event, (*path, "?"))
            if not isinstance(key, str):
                self._fault(path, place, "a key that is not text; put it in quotes")
                key = str(key)
            if key in mapping:
                self._fault((*path, key), place, f"the key {key} stands here a second time")
            self.tree.keys[(*path, key)] = place
            mapping[key] = self._node(next(self.events), (*path, key))
        return mapping

    def _scalar(self, event: yaml.ScalarEvent, path: Path, place: Position) -> Any:
        value = event.value if event.style in QUOTED else scalar(event.value)
        return self._fault(path, place, f"a number of more than {MAX_DIGITS} characters") if value is TOO_LONG else value

    def _fault(self, path: Path, place: Position, message: str) -> None:
        self.tree.misread.append(Misread(path, place, message))
        if len(self.tree.misread) == MOST_FAULTS:
            raise FaultLimitError


QUOTED = frozenset({"'", '"', "|", ">"})
"""Styles of scalars that are always text."""
TOO_LONG: Any = object()
"""The value of a number of more than MAX_DIGITS characters."""


def scalar(text: str) -> Any:
    """Return the value of a plain scalar in YAML's JSON schema."""
    if text[:1] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS:
        return TOO_LONG
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def place_of(event: yaml.Event) -> Position:
    """Return the position at which an event begins."""
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark is not None else Position(1, 1)


def events_of(text: str) -> Iterator[yaml.Event]:
    """Yield the parser's events of a text. Raises UnreadableError if it is not YAML."""
    with readable():
        yield from iter(yaml.CSafeLoader(_PAIR.sub(_joined, text)).get_event, None)


@contextmanager
def readable() -> Iterator[None]:
    """Turn errors of the YAML parser into UnreadableError."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        raise UnreadableError((), place, f"not YAML or JSON: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise UnreadableError((), Position(1, 1), f"not YAML or JSON: {error.reason}") from None


def position_in(content: bytes, offset: int) -> Position:
    """Return the position of the byte at an offset of the content."""
    line_start = content.rfind(b"\n", 0, offset) + 1
    return Position(content.count(b"\n", 0, offset) + 1, len(content[line_start:offset].decode(errors="replace")) + 1)


OTHER_ENCODINGS = {"utf-16": "UTF-16", "gb18030": "GBK or GB 18030", "big5": "Big5"}
"""Python's name and the usual name of each encoding that is guessed, in order."""


def encoding_of(content: bytes) -> str | None:
    """Return the likely encoding of text that is not UTF-8, or None."""
    for name, label in OTHER_ENCODINGS.items():
        if name == "utf-16" and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        return label
    return None
