"""Export files: every resource in every streamed format, and a Data Package of all resources.

All files are written from one snapshot of the database, and are reproducible byte for byte: digests serve as entity tags.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from app.db.engines import Opened
from app.domain.dataset import Column, ColumnType
from app.formats import FORMATS, Format
from app.formats.csv import write_plain
from app.query.snapshot import Version, latest_version
from app.query.stream import stream
from app.resources.base import Resource

PACKAGE = "regional-indicators.zip"
ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A finished file, with its size in bytes and its entity tag."""

    name: str
    media_type: str
    path: Path
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Edition:
    """Export files by name, of one version of the data set, in a folder."""

    version: Version
    files: Mapping[str, ExportFile]
    folder: Path

    def holds_for(self, version: Version) -> bool:
        """Return whether the edition has ``version`` or a later one."""
        return self.version == version or self.version.revision > version.revision


def file_name(resource: Resource, format_: Format) -> str:
    """Return the file name of a resource in a format."""
    return f"{resource.name}.{format_.extension}"


def file_names(resources: Iterable[Resource]) -> list[tuple[str, str]]:
    """Return the names of all export files, with their media types."""
    files = [(file_name(resource, format_), format_.media_type) for resource in resources for format_ in _ROWS]
    return [*files, (PACKAGE, ZIP)]


_ROWS = tuple(format_ for format_ in FORMATS if format_.streams)


def build(opened: Opened, resources: Sequence[Resource], folder: Path) -> Edition:
    """Write all export files into a new folder in ``folder``.

    ``opened`` opens connections to one snapshot.
    """
    with opened() as connection:
        version = latest_version(connection)
    target, partial = folder / f"{version.revision}-{version.sha256[:12]}", folder / "partial"
    for leftover in (partial, target):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    for resource in resources:
        for format_ in _ROWS:
            with (partial / file_name(resource, format_)).open("wb") as file:
                for chunk in format_.write(stream(opened, resource, resource.query(), "en")):
                    file.write(chunk)
    _write_package(opened, resources, version, partial / PACKAGE)
    partial.rename(target)
    files = [_export_file(target / name, media_type, version) for name, media_type in file_names(resources)]
    return Edition(version, {file.name: file for file in files}, target)


def _export_file(path: Path, media_type: str, version: Version) -> ExportFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=10)).hexdigest()
    return ExportFile(path.name, media_type, path, path.stat().st_size, f'"{version.revision}-{digest}"')


def _write_package(opened: Opened, resources: Sequence[Resource], version: Version, path: Path) -> None:
    """Write the Data Package.

    Its texts are exactly as published, whereas the plain CSV exports are guarded against formula injection.
    """
    moment = datetime.fromisoformat(version.published_at).timetuple()[:6]
    date = max(moment, (1980, 1, 1, 0, 0, 0))  # the earliest date of the ZIP format
    descriptors = {"datapackage.json": _data_package(resources, version), "csvw.json": _csvw(resources)}
    with zipfile.ZipFile(path, "w") as package:
        for name, content in descriptors.items():
            package.writestr(_member(name, date), msgspec.json.format(msgspec.json.encode(content)))
        for resource in resources:
            dataset = stream(opened, resource, resource.query(), "en")
            with package.open(_member(f"{resource.name}.csv", date), "w", force_zip64=True) as file:
                for chunk in write_plain(dataset):
                    file.write(chunk)


def _member(name: str, date: tuple[int, ...]) -> zipfile.ZipInfo:
    """Return the entry of a file, the same in every package of a version."""
    member = zipfile.ZipInfo(name, date)  # type: ignore[arg-type]  # six numbers
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return member


FRICTIONLESS: dict[ColumnType, dict[str, str]] = {
    "datetime": {"type": "datetime", "format": "any"},
    "strings": {"type": "string"},
}
"""Types of Table Schema whose names differ from ours."""
CSVW: dict[ColumnType, str] = {"datetime": "dateTime", "strings": "string"}
"""Types of CSV on the Web whose names differ from ours."""


def _data_package(resources: Sequence[Resource], version: Version) -> dict[str, Any]:
    """Return the descriptor of a Data Package (Frictionless Standards, version 1)."""
    return {
        "name": "regional-indicators",
        "title": "Regional indicators: hedged, dated and cited figures",
        "description": "Texts are exactly as published: where one begins with =, +, - or @, spreadsheets must import it as text. "
        "Several values in one cell stand on a line each.",
        "version": str(version.revision),
        "created": version.published_at,
        "profile": "tabular-data-package",
        "resources": [
            {
                "name": resource.name,
                "path": f"{resource.name}.csv",
                "title": resource.summary,
                "profile": "tabular-data-resource",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": {
                    "fields": [
                        {"name": column.name, "description": column.description}
                        | FRICTIONLESS.get(column.type, {"type": column.type})
                        for column in _columns(resource)
                    ],
                    "primaryKey": ["id"],
                    "missingValues": [""],
                },
            }
            for resource in resources
        ],
    }


def _csvw(resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the Metadata for Tabular Data on the Web (W3C, 2015)."""
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "tables": [
            {
                "url": f"{resource.name}.csv",
                "dc:title": resource.summary,
                "tableSchema": {
                    "columns": [
                        {
                            "name": column.name,
                            "titles": column.name,
                            "dc:description": column.description,
                            "datatype": CSVW.get(column.type, column.type),
                            **({"separator": "\n"} if column.type == "strings" else {}),
                        }
                        for column in _columns(resource)
                    ],
                    "primaryKey": "id",
                },
            }
            for resource in resources
        ],
    }


def _columns(resource: Resource) -> list[Column]:
    return list(resource.columns)
