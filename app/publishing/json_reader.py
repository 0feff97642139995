"""The JSON reader: parts of a document, decoded through a window of the maximum size of a part."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from app.publishing.parts import MAX_ITEMS, MAX_PART, DocumentPart, OddError, too_many
from app.publishing.yaml import MAX_DEPTH, MAX_DIGITS, Path, Position, Tree, UnreadableError, events_of, position_in, read

_SPACES = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]|[^][{}",:\s]+')


def not_json(content: bytes) -> tuple[Position, str] | None:
    """Return position and reason if ``content`` is not JSON, else None.

    One call of 12 ms for 8 MiB.
    """
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        offset = re.search(r" \(byte (\d+)\)$", str(error))
        reason = str(error).removeprefix("JSON is malformed: ").partition(" (byte")[0]
        return position_in(content, int(offset[1]) if offset else len(content)), reason
    except RecursionError:
        return Position(1, 1), f"nested deeper than {MAX_DEPTH} levels"
    return None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise OddError
    return members


def _number(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        if len(text) > MAX_DIGITS:
            raise OddError
        return kind(text)

    return number


_decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_number(int), parse_float=_number(float)).raw_decode


class JsonReader:
    """A reader of well-formed JSON through a window of MAX_PART bytes. A place is a byte offset in the content."""

    def __init__(self, content: bytes, sections: frozenset[str]) -> None:
        """Prepare reading; nothing is read yet."""
        self._content, self._sections = content, sections
        self._text, self._ascii = "", True  # the window, and whether its characters are bytes
        self._from = self._place = 0  # offsets in the content of the window and of the last place
        self._at = self._counted = 0  # offsets in the window of the next character and of the last place

    def position(self, place: int) -> Position:
        """Return the line and column of a place."""
        return position_in(self._content, place)

    def tree(self, path: Path, place: int) -> Tree:
        """Read a part again, with positions."""
        again = JsonReader(self._content, self._sections)
        again.look(place)
        text = again.text_of_value()
        return read(events_of(text.replace("\t", " ")), path, self.position(place))

    def parts(self) -> Iterator[DocumentPart]:
        """Yield the parts of the document."""
        self.look(0)
        if self._next() != "{":
            yield DocumentPart((), None, strict=True, place=self._here())
            return
        seen: set[str] = set()
        for _ in self._elements("}"):
            place = self._here()
            key, strict = self._value()
            if not strict or key in seen:
                raise UnreadableError((key,), self.position(place), f"the key {str(key)[:100]} stands here a second time")
            seen.add(key)
            self._next()
            self._take()
            if key not in self._sections or self._next() != "[":
                yield self._part((key,), place)
                continue
            yield DocumentPart((key,), [], strict=True, place=self._here(), key=place)
            for number, _ in enumerate(self._elements("]")):
                if number == MAX_ITEMS:
                    raise UnreadableError((key,), self.position(self._here()), too_many(key))
                yield self._part((key, number), None)

    def _elements(self, closing: str) -> Iterator[None]:
        """Yield before each element of a list or object; stop after its closing bracket."""
        self._take()
        if self._next() == closing:
            self._take()
            return
        while True:
            self._next()
            yield
            self._next()
            if self._take() == closing:
                return

    def _part(self, path: Path, key: int | None) -> DocumentPart:
        self._next()
        place = self._here()
        value, strict = self._value()
        return DocumentPart(path, value, strict, place, key)

    def _value(self) -> tuple[Any, bool]:
        """Return the next value, and True if it is strict."""
        for _ in range(2):
            strict = True
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError:  # it continues after the window
                value, end = None, len(self._text)
            except (OddError, RecursionError):
                value, end, strict = None, self._end_of_odd(), False
            if end < len(self._text):
                self._at = end
                return value, strict
            self.look(self._here())
        message = f"a part of more than {MAX_PART} bytes; expected smaller ones"
        raise UnreadableError((), self.position(self._from), message)

    def text_of_value(self) -> str:
        """Return the text of the next value."""
        return self._text[self._at : self._end_of_odd()]

    def _end_of_odd(self) -> int:
        """Return the end of the next value, strict or not, or the end of the window."""
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            if token[0] in ("{", "["):
                depth += 1
            elif token[0] in ("}", "]"):
                depth -= 1
            if depth <= 0:
                return token.end()
        return len(self._text)

    def _next(self) -> str:
        """Return the next character that is not white space, without consuming it."""
        while True:
            character = self._text[self._at : self._at + 1]
            if character and character not in _SPACES:
                return character
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at == len(self._text):
                if self._from + MAX_PART >= len(self._content):
                    return ""
                self.look(self._here())

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _here(self) -> int:
        """Return the current offset in the content."""
        counted, self._counted = self._counted, self._at
        self._place += self._at - counted if self._ascii else len(self._text[counted : self._at].encode())
        return self._place

    def look(self, start: int) -> None:
        """Move the window; a character cut by its end is left to the next window."""
        self._from = self._place = start
        self._at = self._counted = 0
        self._text = self._content[start : start + MAX_PART].decode(errors="ignore")
        self._ascii = self._text.isascii()
