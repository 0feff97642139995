"""Documents read part by part: the items of their sections, and whatever else stands at the top, each as plain data.

A document is never held as a whole. The size of a part is bounded, so that neither memory nor one call into a library grows with
the document. Positions, and what strict YAML forbids, are looked for only in parts that are wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from app.publishing.yaml import Path, Position, Tree

MAX_PART = 128 * 2**10
"""Bytes of one part: more than a hundred times what an observation takes."""
MAX_ITEMS = 100_000
"""Parts of one section."""


@dataclass(slots=True)
class Part:
    """A part of a document: its path, its value, and where it begins and its key stands, as its reader knows it."""

    path: Path
    value: Any
    strict: bool
    """Whether the value is strict YAML; if not, it is None, and its tree says why."""
    place: int
    key: int | None = None


class OddError(Exception):
    """Something that the strict reader has to judge."""


class Reader(Protocol):
    """Reads one document, in one syntax."""

    def parts(self) -> Iterator[Part]:
        """Yield the parts: of sections the items, each section's beginning as an empty list; other values whole.

        Raises:
            UnreadableError: where YAML or JSON end, or a limit is passed.
        """

    def position(self, place: int) -> Position:
        """Return the line and column of the place of a part or a key."""

    def tree(self, path: Path, place: int) -> Tree:
        """Read a part again, with the positions of all that is in it."""


def too_many(section: str) -> str:
    """Say that a section has more items than are read."""
    return f"{section} has more than {MAX_ITEMS} items; make several documents of it"
