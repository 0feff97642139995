"""The whole data set as files: every resource in every format that is written row by row, and all of it as one Data Package.

Built once per revision, and served as files.
"""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.dataset import Column, ColumnType
from app.formats import FORMATS, Format
from app.query.history import version
from app.query.streaming import Opened, stream
from app.resource import ListQuery, Resource

PACKAGE = "regional-indicators.zip"
ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One finished file."""

    name: str
    media_type: str
    path: Path

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size


def file_name(resource: Resource, format_: Format) -> str:
    """What the file of a resource in a format is called."""
    return f"{resource.name}.{format_.extension}"


def build(opened: Opened, resources: Sequence[Resource], folder: Path) -> list[Artefact]:
    """The artefacts of the current revision in ``folder``; those of other revisions are deleted."""
    with opened() as connection:
        now = version(connection)
    target = folder / f"{now.revision}-{now.sha256[:12]}"
    artefacts = [
        Artefact(file_name(resource, format_), format_.media_type, target / file_name(resource, format_))
        for resource in resources
        for format_ in FORMATS
        if format_.streams
    ]
    artefacts.append(Artefact(PACKAGE, ZIP, target / PACKAGE))
    if not target.exists():
        partial = folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(opened, resources, partial)
        for old in folder.iterdir():
            if old != partial:
                shutil.rmtree(old)
        partial.rename(target)
    return artefacts


def _write(opened: Opened, resources: Sequence[Resource], folder: Path) -> None:
    for resource in resources:
        query: ListQuery = resource.query()
        for format_ in FORMATS:
            if format_.streams:
                with (folder / file_name(resource, format_)).open("wb") as file:
                    file.writelines(format_.write(stream(opened, resource, query, "en", format_.takes)))
    with zipfile.ZipFile(folder / PACKAGE, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("datapackage.json", msgspec.json.format(msgspec.json.encode(_data_package(resources))))
        package.writestr("csvw.json", msgspec.json.format(msgspec.json.encode(_csvw(resources))))
        for resource in resources:
            package.write(folder / f"{resource.name}.csv", f"{resource.name}.csv")


FRICTIONLESS: dict[ColumnType, dict[str, str]] = {
    "datetime": {"type": "datetime", "format": "any"},
    "strings": {"type": "string"},
}
"""Types of Table Schema, where they are not called as ours."""
CSVW: dict[ColumnType, str] = {"datetime": "dateTime", "strings": "string"}
"""Types of CSV on the Web, likewise."""


def _data_package(resources: Sequence[Resource]) -> dict[str, Any]:
    """The descriptor of a Data Package (Frictionless Standards, version 1)."""
    return {
        "name": "regional-indicators",
        "title": "Regional indicators: hedged, dated and cited figures",
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
    """Metadata for tabular data on the web (W3C, 2015)."""
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
