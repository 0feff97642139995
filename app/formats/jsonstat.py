"""JSON-stat 2.0: a sparse cube of observations, with the comparator as status and the bounds in a metric dimension."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app.dataset import Column, Dataset
from app.formats.base import Format

DIMENSIONS = {
    "indicator": ("Indicator", "indicator_name"),
    "subject": ("Subject", "subject_name"),
    "nature": ("Nature", None),
    "period": ("Period", None),
    "source": ("Source", None),
}
"""The dimensions, each with its label and the column that labels its categories."""
METRICS = {"value": "Stated value", "lower": "Lower bound", "upper": "Upper bound"}
ROLES = {"time": ["period"], "metric": ["metric"]}
NEEDED = {"indicator", "subject", "nature", "source", "period_start", "period_end", "comparator", "as_written", *METRICS}


def fits(columns: Sequence[Column]) -> bool:
    """Whether these are columns of figures."""
    return {column.name for column in columns} >= NEEDED


def write(dataset: Dataset) -> Iterator[bytes]:
    """One document of class ``dataset``. Rows that agree in every dimension are told apart by a last one, ``version``."""
    seen: Counter[tuple[str, ...]] = Counter()
    records = []
    for record in dataset.records():
        keys = {name: _key(name, record) for name in DIMENSIONS}
        place = tuple(keys.values())
        records.append((record, keys | {"version": str(seen[place] + 1)}))
        seen[place] += 1
    dimensions = {name: _dimension(name, records) for name in (*DIMENSIONS, "version")}
    dimensions["metric"] = {
        "label": "Metric",
        "category": {"index": {name: place for place, name in enumerate(METRICS)}, "label": dict(METRICS)},
    }
    size = [len(dimension["category"]["index"]) for dimension in dimensions.values()]
    values, status = _cells(records, dimensions, size)
    document = {
        "version": "2.0",
        "class": "dataset",
        "label": dataset.name,
        "id": list(dimensions),
        "size": size,
        "role": ROLES,
        "dimension": dimensions,
        "value": values,
        "status": status,
        "note": ["status is the comparator: how the true value stands to the stated one."],
        "extension": {"revision": dataset.meta.revision, "count": len(records), "total": dataset.meta.total},
    }
    yield msgspec.json.encode(document)


def _key(name: str, record: dict[str, Any]) -> str:
    if name != "period":
        return str(record[name])
    return f"{record['period_start']}/{record['period_end']}" if record["period_start"] else "unstated"


def _dimension(name: str, records: Sequence[tuple[dict[str, Any], dict[str, str]]]) -> dict[str, Any]:
    label, labelled_by = DIMENSIONS.get(name, ("Version", None))
    found = {keys[name]: str((labelled_by and record.get(labelled_by)) or keys[name]) for record, keys in records}
    ordered = sorted(found)
    return {
        "label": label,
        "category": {"index": {key: place for place, key in enumerate(ordered)}, "label": {key: found[key] for key in ordered}},
    }


def _cells(
    records: Sequence[tuple[dict[str, Any], dict[str, str]]], dimensions: dict[str, Any], size: Sequence[int]
) -> tuple[dict[str, float], dict[str, str]]:
    """The figures and their comparators by place in the cube, in row-major order; what is not there is not stated."""
    values: dict[str, float] = {}
    status: dict[str, str] = {}
    for record, keys in records:
        place = 0
        for name, width in zip(keys, size, strict=False):
            place = place * width + dimensions[name]["category"]["index"][keys[name]]
        for number, metric in enumerate(METRICS):
            if record[metric] is not None:
                at = str(place * len(METRICS) + number)
                values[at] = record[metric]
                status[at] = record["comparator"]
    return values, status


JSONSTAT = Format(
    "jsonstat",
    "application/vnd.json-stat+json",
    "json",
    write,
    "JSON-stat 2.0: a cube of figures with bounds; the comparator is the status.",
    fits=fits,
)
