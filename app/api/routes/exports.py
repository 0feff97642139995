"""``/v1/export``: the whole data set as prebuilt files."""

import asyncio
import shutil
from functools import partial
from pathlib import Path
from typing import IO, Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter

from app.api.answers import document_responses, errors
from app.api.conditional_requests import is_fresh
from app.api.data_package import Edition, ExportFile, build
from app.api.executor import Executor
from app.api.file_responses import file_answer
from app.api.query_params import NoParameters, read_query
from app.api.readers import Readers
from app.api.representation import CACHE_CONTROL, V1, about, disposition, http_date
from app.errors import Fault, InvalidParameters, NotFound, RangeNotSatisfiable, nearest
from app.resources import ALL

router = APIRouter(prefix=f"{V1}/export", tags=["Sources and history"])


class Exports:
    """Export files of the current revision, built on the first request."""

    def __init__(self, readers: Readers, folder: Path) -> None:
        """Build files in ``folder``, which has no other use."""
        self._readers, self._folder = readers, folder
        self._builder = Executor(1)
        self._edition: Edition | None = None
        self._build: asyncio.Task[None] | None = None

    async def current(self) -> Edition:
        """Return the edition of the current or a later revision, once it is built.

        Raises Unavailable if the database stops answering meanwhile.
        """
        now = await self._readers.read(lambda snapshot: snapshot.version)
        while self._edition is None or not self._edition.holds_for(now):
            if self._build is None:
                self._build = asyncio.create_task(self._renew())
            await asyncio.shield(self._build)
        return self._edition

    async def open(self, name: str) -> tuple[Edition, ExportFile, IO[bytes]]:
        """Open the file ``name``. Raises NotFound.

        It can be read to its end even if a publication replaces it.
        """
        while True:
            edition = await self.current()
            file = edition.files.get(name)
            if file is None:
                fault = Fault("No file has this name.", "unknown_id", "name", suggestion=nearest(name, edition.files))
                raise NotFound("There is no such file.", [fault])
            try:
                return edition, file, file.path.open("rb")
            except FileNotFoundError:  # just replaced by the next edition
                if self._edition is edition:
                    raise

    async def _renew(self) -> None:
        try:
            edition, previous = await self._readers.without_deadline(self._build_files, self._builder), self._edition
            self._edition = edition
            if previous is not None and previous.folder != edition.folder:
                await self._builder.run(partial(shutil.rmtree, previous.folder, ignore_errors=True))
        finally:
            self._build = None

    def _build_files(self) -> Edition:
        with self._readers.database.snapshot() as opened:
            return build(opened, ALL, self._folder)


@router.get(
    "",
    operation_id="list_exports",
    summary="List export files",
    description="Prebuilt files of the whole data set: every resource in every streamed format, and a Data Package of all.",
    responses=document_responses("The export files of the current revision.", InvalidParameters),
    response_class=Response,
)
async def exports(request: Request) -> Response:
    """Return the list of export files, with sizes and entity tags."""
    read_query(NoParameters, request)
    edition = await _exports(request).current()
    files = [
        {
            "name": file.name,
            "media_type": file.media_type,
            "bytes": file.size,
            "etag": file.etag,
            "href": f"{V1}/export/{file.name}",
        }
        for file in edition.files.values()
    ]
    return about(request, {"data": files, "meta": {"revision": edition.version.revision}})


@router.get(
    "/{name}",
    operation_id="get_export",
    summary="Download an export file",
    description="An export file of the current revision, or ranges of it (Range, If-Range): downloads can be resumed.",
    responses={
        200: {"description": "The file."},
        206: {"description": "The ranges of the file requested by Range."},
        **errors(NotFound, RangeNotSatisfiable),
    },
    response_class=Response,
)
async def export(request: Request, name: Annotated[str, PathParameter(description="Name of the file.")]) -> Response:
    """Return a file, or 304 if the client's copy is current."""
    read_query(NoParameters, request)
    edition, export_file, content = await _exports(request).open(name)
    headers = {
        "ETag": export_file.etag,
        "Last-Modified": http_date(edition.version.published_at),
        "Cache-Control": CACHE_CONTROL,
    }
    conditions = (request.headers.get(field) for field in ("if-none-match", "if-modified-since"))
    if is_fresh(export_file.etag, headers["Last-Modified"], *conditions):
        content.close()
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = disposition(name, "attachment")
    return file_answer(request, content, export_file.size, export_file.media_type, headers)


def _exports(request: Request) -> Exports:
    instance: Exports = request.app.state.exports
    return instance
