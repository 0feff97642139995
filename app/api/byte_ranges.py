"""Byte ranges (RFC 9110, section 14): which parts of a file a request asks for, and how several are sent together. Pure."""

import re
from collections.abc import Sequence

MOST_RANGES = 50
"""Ranges that one request may ask for; a header with more of them is ignored, as one that is malformed."""
Range = tuple[int, int]
"""The first byte, and the one after the last."""

_SPECIFIER = re.compile(r"[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*")


def ranges_of(field: str, size: int) -> list[Range] | None:
    """Return the ranges that a Range header asks for, in order; None if it is to be ignored, and none if none can be satisfied.

    Those that overlap or touch are joined.
    """
    unit, equals, rest = field.partition("=")
    members = [member for member in rest.split(",") if member.strip(" \t")]
    if unit.strip(" \t").lower() != "bytes" or not equals or not 0 < len(members) <= MOST_RANGES:
        return None
    found: list[Range] = []
    for member in members:
        match = _SPECIFIER.fullmatch(member)
        if match is None or (match[1] and match[2] and int(match[1]) > int(match[2])):
            return None
        if match[3] is not None:
            start, stop = max(size - int(match[3]), 0), size
        else:
            start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if start < stop:
            found.append((start, stop))
    return _joined(found)


def _joined(found: list[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, stop in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def content_range(part: Range, size: int) -> str:
    """Return the Content-Range header of a part."""
    return f"bytes {part[0]}-{part[1] - 1}/{size}"


def heads(parts: Sequence[Range], size: int, media_type: str, boundary: str) -> tuple[list[bytes], bytes]:
    """Return what stands before each part of ``multipart/byteranges``, and after the last."""
    before = [
        f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {content_range(part, size)}\r\n\r\n" for part in parts
    ]
    return [head.encode() for head in before], f"\r\n--{boundary}--\r\n".encode()
