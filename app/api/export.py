"""``/v1/export``: the whole data set as finished files."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from app.api.openapi import errors, json_answer
from app.api.parameters import NoParameters, read
from app.api.reading import Readers
from app.api.responses import V1, disposition, plain
from app.errors import Fault, NotFound, nearest
from app.exports import Artefact, build
from app.resources import ALL

CHUNK = 2**18
"""Bytes of a file that are read at a time; Starlette's 64 KB take more than twice as long."""

router = APIRouter(prefix=f"{V1}/export", tags=["Sources and history"])


class Exports:
    """The artefacts of the current revision, built by the first request that asks for them."""

    def __init__(self, readers: Readers, folder: Path) -> None:
        """``folder`` is for these files alone."""
        self._readers, self._folder, self._lock = readers, folder, asyncio.Lock()

    async def current(self) -> list[Artefact]:
        """The artefacts; whoever asks while they are built waits for them."""
        async with self._lock:
            return await to_thread.run_sync(partial(build, self._readers.database.read, ALL, self._folder))


@router.get(
    "",
    operation_id="list_exports",
    summary="List finished files of the whole data set",
    description="Every resource in every format that is written row by row, and a Data Package of all of them.",
    responses=json_answer("The files of the current revision."),
    response_class=Response,
)
async def exports(request: Request) -> Response:
    """The files, with their sizes."""
    read(NoParameters, request)
    found = await _exports(request).current()
    files = [
        {"name": file.name, "media_type": file.media_type, "bytes": file.size, "href": f"{V1}/export/{file.name}"}
        for file in found
    ]
    return plain({"data": files, "meta": {"revision": int(found[0].path.parent.name.split("-")[0])}})


@router.get(
    "/{name}",
    operation_id="get_export",
    summary="Get a finished file",
    description="One of the files of the current revision.",
    responses={200: {"description": "The file."}, **errors(NotFound)},
    response_class=FileResponse,
)
async def export(request: Request, name: Annotated[str, PathParameter(description="Name of the file.")]) -> FileResponse:
    """One file; it is sent as it lies there."""
    read(NoParameters, request)
    found = {file.name: file for file in await _exports(request).current()}
    if name not in found:
        fault = Fault("No file has this name.", "unknown_id", parameter="name", suggestion=nearest(name, found))
        raise NotFound("There is no such file.", [fault])
    file = found[name]
    headers = {"Content-Disposition": disposition(name).replace("inline", "attachment")}
    answer = FileResponse(file.path, media_type=file.media_type, headers=headers)
    answer.chunk_size = CHUNK
    return answer


def _exports(request: Request) -> Exports:
    found: Exports = request.app.state.exports
    return found
