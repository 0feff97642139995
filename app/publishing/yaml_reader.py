"""The YAML reader: parts of a document from the parser's events."""

import re
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import yaml as pyyaml

from app.publishing.parts import MAX_ITEMS, MAX_PART, DocumentPart, OddError, too_many
from app.publishing.yaml import (
    MAX_DEPTH,
    QUOTED,
    TOO_LONG,
    Path,
    Position,
    Tree,
    UnreadableError,
    events_of,
    place_of,
    read,
    readable,
    scalar,
)

MAX_NODES = 300_000
"""Values, keys, lists and mappings of a document. Each takes 4 µs; a larger one can be sent as JSON, in a tenth of the time."""
_OPENING = (pyyaml.SequenceStartEvent, pyyaml.MappingStartEvent)
_CLOSING = (pyyaml.SequenceEndEvent, pyyaml.MappingEndEvent)


class _BoundedStream:
    """A stream of the content for the parser; raises OddError when one part needs more than MAX_PART bytes."""

    def __init__(self, content: bytes) -> None:
        self._content, self._offset = content, 0
        self.left = MAX_PART

    def read(self, size: int) -> bytes:
        if self.left < 0:
            raise OddError
        piece = self._content[self._offset : self._offset + size]
        self._offset += size
        self.left -= size
        return piece


COLUMN_BITS = 24
"""Bits of the column in a place: line and column are packed into one integer to save memory."""
_BREAK = re.compile(rb"\r\n|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]")
"""The line breaks of YAML 1.1."""


def _packed(event: pyyaml.Event) -> int:
    place = place_of(event)
    return place.line << COLUMN_BITS | place.column


class YamlReader:
    """A reader of YAML through the parser's events. A place is a line and a column, packed."""

    def __init__(self, content: bytes, sections: frozenset[str]) -> None:
        """Prepare reading; nothing is read yet."""
        self._content, self._sections, self._stream = content, sections, _BoundedStream(content)
        self._lines = array("Q")
        stream: Any = self._stream
        self._event: Callable[[], Any] = pyyaml.CSafeLoader(stream).get_event
        self._left = MAX_NODES
        self._last = Position(1, 1)

    def parts(self) -> Iterator[DocumentPart]:
        """Yield the parts of the document."""
        with readable():
            try:
                yield from self._parts()
            except OddError:
                message = f"a part of more than {MAX_PART} bytes begins here or after it; expected smaller ones"
                raise UnreadableError((), self._last, message) from None

    def _parts(self) -> Iterator[DocumentPart]:
        event = self._outside()
        if event is None:
            raise UnreadableError((), Position(1, 1), "empty; expected a document")
        if type(event) is not pyyaml.MappingStartEvent or event.anchor or event.tag:
            yield self._part((), [event] if type(event) is pyyaml.SequenceStartEvent else self._whole(event))
            return
        seen: set[str] = set()
        while type(event := self._next()) is not pyyaml.MappingEndEvent:
            yield from self._member(event, seen)
        extra = self._outside()
        if extra is not None:
            raise UnreadableError((), place_of(extra), "expected one document, found another one after it")

    def _member(self, event: pyyaml.Event, seen: set[str]) -> Iterator[DocumentPart]:
        """Yield the parts of one member of the document."""
        key = self._part((), self._whole(event)).value
        if not isinstance(key, str):
            raise UnreadableError((), place_of(event), "a key that is not text; put it in quotes")
        if key in seen:
            raise UnreadableError((key,), place_of(event), f"the key {key[:100]} stands here a second time")
        seen.add(key)
        value = self._next()
        if key not in self._sections or type(value) is not pyyaml.SequenceStartEvent or value.anchor or value.tag:
            yield self._part((key,), self._whole(value), event)
            return
        yield DocumentPart((key,), [], strict=True, place=_packed(value), key=_packed(event))
        number = 0
        while type(item := self._next()) is not pyyaml.SequenceEndEvent:
            if number == MAX_ITEMS:
                raise UnreadableError((key,), place_of(item), too_many(key))
            yield self._part((key, number), self._whole(item))
            number += 1

    def _next(self) -> Any:
        """Return the next event, the first one of a part."""
        self._stream.left = MAX_PART
        return self._event()

    def _whole(self, event: pyyaml.Event) -> list[pyyaml.Event]:
        """Return all events of the value that begins with ``event``."""
        self._last = place_of(event)
        events, depth, get = [event], int(isinstance(event, _OPENING)), self._event
        while depth:
            event = get()
            events.append(event)
            kind = type(event)
            if kind in _OPENING:
                depth += 1
                if depth > MAX_DEPTH:
                    raise UnreadableError((), place_of(event), f"nested deeper than {MAX_DEPTH} levels")
            elif kind in _CLOSING:
                depth -= 1
        self._left -= len(events)
        if self._left < 0:
            message = f"more than {MAX_NODES} values and keys; send it as JSON, or as several documents"
            raise UnreadableError((), self._last, message)
        return events

    def _outside(self) -> pyyaml.Event | None:
        """Return the next event outside of a document's content, or None at the end."""
        markers = (pyyaml.StreamStartEvent, pyyaml.StreamEndEvent, pyyaml.DocumentStartEvent, pyyaml.DocumentEndEvent)
        return next((event for event in iter(self._event, None) if not isinstance(event, markers)), None)

    def _part(self, path: Path, events: list[pyyaml.Event], key: pyyaml.Event | None = None) -> DocumentPart:
        try:
            value, strict = _build(iter(events)), True
        except (OddError, StopIteration):
            value, strict = None, False
        return DocumentPart(path, value, strict, _packed(events[0]), None if key is None else _packed(key))

    def position(self, place: int) -> Position:
        """Return the line and column of a place."""
        return Position(place >> COLUMN_BITS, place & (1 << COLUMN_BITS) - 1)

    def tree(self, path: Path, place: int) -> Tree:
        """Read a part again, with positions."""
        position = self.position(place)
        if not self._lines:
            self._lines.append(0)
            self._lines.extend(match.end() for match in _BREAK.finditer(self._content))
        start = self._lines[position.line - 1]
        text = self._content[start : start + 2 * MAX_PART].decode(errors="ignore")
        # spaces instead of what precedes the part in its line, so that indentation and columns stay right
        indented = " " * (position.column - 1) + text[position.column - 1 :]
        return read(events_of(indented), path, Position(position.line, 1))


def _build(events: Iterator[pyyaml.Event]) -> Any:
    """Return the value of the events. Raises OddError if it is not strict YAML."""
    return _node(next(events), events)


def _node(event: Any, events: Iterator[pyyaml.Event]) -> Any:
    kind = type(event)
    if kind is pyyaml.AliasEvent or event.anchor is not None:
        raise OddError
    if kind is pyyaml.ScalarEvent:
        if event.tag is not None and event.tag != "!":
            raise OddError
        value = event.value if event.style in QUOTED else scalar(event.value)
        if value is TOO_LONG:
            raise OddError
        return value
    if event.tag is not None:
        raise OddError
    if kind is pyyaml.SequenceStartEvent:
        items = []
        while type(item := next(events)) is not pyyaml.SequenceEndEvent:
            items.append(_node(item, events))
        return items
    mapping: dict[str, Any] = {}
    while type(key := next(events)) is not pyyaml.MappingEndEvent:
        name = _node(key, events)
        if not isinstance(name, str) or name in mapping:
            raise OddError
        mapping[name] = _node(next(events), events)
    return mapping
