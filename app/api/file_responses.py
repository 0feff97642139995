"""Responses with a file, whole or in ranges; chunks are read off the event loop."""

from collections.abc import AsyncIterator, Mapping, Sequence
from secrets import token_hex
from typing import IO

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api.byte_ranges import content_range, heads, ranges_of
from app.api.representation import IS_HEAD
from app.errors import RangeNotSatisfiable

CHUNK = 2**18
"""Bytes of a file read and sent at a time; with 64 KB a download takes more than twice as long."""
PARTIAL = 206


def file_answer(request: Request, file: IO[bytes], size: int, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return a response with the file, or with the requested ranges of it.

    The response closes ``file``. If-Range is honoured. Raises RangeNotSatisfiable if the file has none of the ranges.
    """
    fields = {"Accept-Ranges": "bytes", **headers}
    parts = _requested(request, size, headers)
    if parts is None:
        status, parts, before, end = 200, [(0, size)], [b""], b""
    elif not parts:
        file.close()
        range_ = {"Content-Range": f"bytes */{size}"}
        raise RangeNotSatisfiable(f"The file has {size} bytes, and none of those asked for.", headers=range_)
    elif len(parts) == 1:
        status, before, end = PARTIAL, [b""], b""
        fields["Content-Range"] = content_range(parts[0], size)
    else:
        boundary = token_hex(16)
        status, (before, end) = PARTIAL, heads(parts, size, media_type, boundary)
        media_type = f"multipart/byteranges; boundary={boundary}"
    length = sum(map(len, before)) + sum(stop - start for start, stop in parts) + len(end)
    fields |= {"Content-Length": str(length), "Content-Type": media_type}
    if IS_HEAD in request.scope:
        parts, before, end = [], [], b""
    return StreamingResponse(content(file, before, parts, end), status, fields)


def _requested(request: Request, size: int, headers: Mapping[str, str]) -> Sequence[tuple[int, int]] | None:
    """Return the requested ranges; None for the whole file.

    If-Range must have the entity tag, else the whole file is sent. It needs a strong validator (RFC 9110, section 13.1.5); a
    date is not one: two revisions can share a second.
    """
    field, condition = request.headers.get("range"), request.headers.get("if-range")
    if field is None or IS_HEAD in request.scope or condition not in (None, headers["ETag"]):
        return None
    return ranges_of(field, size)


async def content(
    file: IO[bytes], before: Sequence[bytes], parts: Sequence[tuple[int, int]], end: bytes = b""
) -> AsyncIterator[bytes]:
    """Yield the ``parts`` of a file, then close it.

    ``before`` has the head of each part; ``end`` follows the last. The first chunk is empty: a response in several pieces
    never enters the response cache, however small it is.
    """
    yield b""
    with file:
        for head, (start, stop) in zip(before, parts, strict=True):
            if head:
                yield head
            file.seek(start)
            while start < stop and (chunk := await to_thread.run_sync(file.read, min(CHUNK, stop - start))):
                start += len(chunk)  # noqa: PLW2901  the start of the rest
                yield chunk
        if end:
            yield end
