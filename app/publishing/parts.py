"""The parts of a document, as readers yield them: the items of its sections and the other top-level members, as plain data.

A document is never in memory as a whole. The size of a part is bounded, so that neither memory nor a single library call grows
with the document. Positions and violations of strict YAML are determined only for faulty parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from app.publishing.yaml import Path, Position, Tree

MAX_PART = 128 * 2**10
"""Bytes of one part: more than a hundred times the size of an observation."""
MAX_ITEMS = 100_000
"""Items of one section."""


@dataclass(slots=True)
class DocumentPart:
    """A part of a document.

    Attributes:
        path: Its path in the document.
        value: Its value; None if not strict.
        strict: False if the value is not strict YAML; ``Reader.tree`` has the reasons.
        place: The beginning of the value, in the reader's own terms.
        key: The beginning of its key, likewise; None for items.
    """

    path: Path
    value: Any
    strict: bool
    place: int
    key: int | None = None


class OddError(Exception):
    """A value that is not strict YAML or too large; it is then read again with positions."""


class Reader(Protocol):
    """A reader of one document, in one syntax."""

    def parts(self) -> Iterator[DocumentPart]:
        """Yield the parts: a section as an empty list, then its items; others whole.

        Raises:
            UnreadableError: when the YAML or JSON is broken, or a limit is passed.
        """

    def position(self, place: int) -> Position:
        """Return the line and column of the place of a part or a key."""

    def tree(self, path: Path, place: int) -> Tree:
        """Return a part, read again with the positions of all its values."""


def too_many(section: str) -> str:
    """Return the message for a section with more than MAX_ITEMS items."""
    return f"{section} has more than {MAX_ITEMS} items; make several documents of it"
