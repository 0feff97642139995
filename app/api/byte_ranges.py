"""Byte ranges (RFC 9110, section 14): the Range header, and the framing of multipart responses. Pure."""

import re
from collections.abc import Sequence

MOST_RANGES = 50
"""Ranges per request; a header with more is ignored, like a malformed one."""
Range = tuple[int, int]
"""Offsets of the first byte, and of the one after the last."""

_SPECIFIER = re.compile(r"[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*")


def ranges_of(field: str, size: int) -> list[Range] | None:
    """Return the ranges of a Range header, in order; None if it is to be ignored.

    The list is empty if no range can be satisfied. Ranges that overlap or touch are joined.
    """
    unit, equals, rest = field.partition("=")
    members = [member for member in rest.split(",") if member.strip(" \t")]
    if unit.strip(" \t").lower() != "bytes" or not equals or not 0 < len(members) <= MOST_RANGES:
        return None
    ranges: list[Range] = []
    for member in members:
        match = _SPECIFIER.fullmatch(member)
        if match is None or (match[1] and match[2] and int(match[1]) > int(match[2])):
            return None
        if match[3] is not None:
            start, stop = max(size - int(match[3]), 0), size
        else:
            start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if start < stop:
            ranges.append((start, stop))
    return _joined(ranges)


def _joined(ranges: list[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, stop in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def content_range(part: Range, size: int) -> str:
    """Return the Content-Range field value of a part."""
    return f"bytes {part[0]}-{part[1] - 1}/{size}"


def heads(parts: Sequence[Range], size: int, media_type: str, boundary: str) -> tuple[list[bytes], bytes]:
    """Return the heads of the parts of ``multipart/byteranges``, and its end."""
    before = [
        f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {content_range(part, size)}\r\n\r\n" for part in parts
    ]
    return [head.encode() for head in before], f"\r\n--{boundary}--\r\n".encode()
