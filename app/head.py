"""Heads of answers that are finished: their headers, and the bytes that these are on the wire."""

from collections.abc import Collection
from functools import cached_property
from typing import Any


class Head(tuple[tuple[bytes, bytes], ...]):  # noqa: SLOT001  tuples cannot have slots for what is kept besides
    """The headers of a finished answer: a server that knows of them need not look at each one every time."""

    @cached_property
    def wire(self) -> bytes:
        """What they are on the wire."""
        return on_the_wire(self)

    def __add__(self, more: Any) -> "Head":
        """These and more."""
        both = Head((*self, *more))
        both.wire = self.wire + on_the_wire(more)
        return both


def on_the_wire(headers: Collection[tuple[bytes, bytes]]) -> bytes:
    """Header lines (RFC 9112, section 5). Raises ValueError where one of them would be two."""
    lines = b"".join([part for name, value in headers for part in (name, b": ", value, b"\r\n")])
    if not len(headers) == lines.count(b"\r") == lines.count(b"\n"):
        raise ValueError("a header contains the end of a line")
    return lines
