"""The content of a document independent of its syntax: as canonical JSON (RFC 8785), and as a hash per top-level member."""

from typing import Any

import rfc8785

from app.publishing.document import SECTIONS
from app.publishing.document_reader import reader

LARGEST_INTEGER = 2**53 - 1


def canonical(content: bytes) -> bytes:
    """Return a document as canonical JSON: equal data give equal bytes."""
    members: dict[str, list[bytes]] = {}
    lists: set[str] = set()
    document = reader(content, SECTIONS)
    for part in document.parts():
        name = str(part.path[0])
        value = part.value if part.strict else document.tree(part.path, part.place).data
        if len(part.path) > 1:
            members[name].append(rfc8785.dumps(_doubles(value)))
        elif name in SECTIONS and value == []:
            lists.add(name)
            members[name] = []
        else:
            members[name] = [rfc8785.dumps(_doubles(value))]
    pieces = []
    for name in sorted(members, key=lambda name: name.encode("utf-16-be")):
        value = b",".join(members.pop(name))
        pieces.append(rfc8785.dumps(name) + b":" + (b"[" + value + b"]" if name in lists else value))
    return b"{" + b",".join(pieces) + b"}"


def meaning(content: bytes) -> dict[str, int]:
    """Return a hash of each top-level member: equal, in this process, for equal data."""
    members: dict[str, int] = {}
    for part in reader(content, SECTIONS).parts():
        name = str(part.path[0])
        members[name] = hash((members.get(name), _frozen(part.value)))
    return members


def _frozen(data: Any) -> Any:
    """Return the data as a hashable value; equal data give equal values."""
    if isinstance(data, dict):
        return frozenset((key, _frozen(value)) for key, value in data.items())
    return tuple(map(_frozen, data)) if isinstance(data, list) else data


def _doubles(data: Any) -> Any:
    """Return the data with integers beyond 2^53 - 1 as floats, as RFC 8785 requires."""
    if isinstance(data, dict):
        return {key: _doubles(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_doubles(value) for value in data]
    return float(data) if isinstance(data, int) and abs(data) > LARGEST_INTEGER else data
