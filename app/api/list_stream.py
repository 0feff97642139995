"""Responses with whole lists (``limit=all``), sent as they are read."""

from collections.abc import Generator, Iterator
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from fastapi import Request, Response

from app.api.file_responses import content
from app.api.readers import Readers
from app.api.representation import Representation
from app.domain.dataset import Dataset, Meta
from app.formats import Format
from app.query.snapshot import latest_version
from app.query.stream import stream
from app.resources.base import Lang, ListQuery, Resource

IN_MEMORY = 2**20
"""Bytes of an unsent list up to which it stays in memory; a larger one goes to a temporary file."""


async def stream_list(  # noqa: PLR0913  the parts of a parsed request
    readers: Readers, request: Request, resource: Resource, query: ListQuery, format_: Format, lang: Lang
) -> Response:
    """Return a whole list: facts in short transactions, other rows from one snapshot."""
    if not resource.versioned:
        return await _snapshot_list(readers, request, resource, query, format_, lang)
    version = await readers.read(lambda snapshot: snapshot.version)
    representation = Representation.of(request, version, format_, lang)
    if representation.is_known:
        return representation.not_modified()
    dataset = await readers.in_thread(partial(stream, readers.opened, resource, query, lang))
    return representation.conditional(representation.stream(dataset, readers.sent(format_.write(dataset))))


async def _snapshot_list(  # noqa: PLR0913  the parts of a parsed request
    readers: Readers, request: Request, resource: Resource, query: ListQuery, format_: Format, lang: Lang
) -> Response:
    """Return a list of unversioned rows, written from one snapshot before it is sent.

    A slow client then occupies a temporary file, but no transaction and no memory.
    """

    def write() -> Generator[Any]:
        with readers.database.snapshot(readers.seconds) as opened:
            with opened() as connection:
                yield latest_version(connection)
            yield from format_.write(stream(opened, resource, query, lang))

    pieces = write()
    async with readers.snapshots:
        await readers.look()  # after the wait, fail at once if the database does not answer
        try:
            representation = Representation.of(request, await readers.piece(partial(next, pieces)), format_, lang)
            if representation.is_known:
                return representation.not_modified()
            file = await _spool(readers, pieces)
        finally:
            readers.start_piece(pieces.close)
    size = file.tell()
    dataset = Dataset(resource.name, resource.chosen(query.fields), (), Meta(representation.version.revision, 0))
    return representation.conditional(representation.stream(dataset, content(file, [b""], [(0, size)])))


async def _spool(readers: Readers, pieces: Iterator[bytes]) -> IO[bytes]:
    """Return an open file with these pieces, which the sender closes."""
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  returned open
    try:
        async for chunk in readers.sent(pieces):
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    return file
