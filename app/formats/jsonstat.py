"""JSON-stat 2.0: a sparse cube of observations, with the bounds in a metric dimension, units, comparators and hedges."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.domain.dataset import Column, Dataset
from app.formats.base import Format

DIMENSIONS = {
    "indicator": ("Indicator", "indicator_name"),
    "subject": ("Subject", "subject_name"),
    "nature": ("Nature", None),
    "period": ("Period", None),
    "source": ("Source", None),
}
"""Label of every dimension, and the column with the labels of its categories."""
METRICS = {"value": "Stated value", "lower": "Lower bound", "upper": "Upper bound"}
ROLES = {"time": ["period"], "metric": ["metric"]}
NEEDED = {"indicator", "subject", "nature", "source", "period_start", "period_end", "comparator", "as_written", *METRICS}


Keyed = tuple[dict[str, Any], dict[str, str]]
"""A row, and its category in every dimension."""


def fits(columns: Sequence[Column]) -> bool:
    """Return whether these are the columns of observations."""
    return {column.name for column in columns} >= NEEDED


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield one document of class ``dataset``.

    A last dimension, ``version``, distinguishes rows that agree in every other dimension.
    """
    versions: Counter[tuple[str, ...]] = Counter()
    records = []
    for record in dataset.records():
        keys = {name: _key(name, record) for name in DIMENSIONS}
        place = tuple(keys.values())
        records.append((record, keys | {"version": str(versions[place] + 1)}))
        versions[place] += 1
    dimensions = {name: _dimension(name, records) for name in (*DIMENSIONS, "version")}
    dimensions["metric"] = {
        "label": "Metric",
        "category": {"index": {name: place for place, name in enumerate(METRICS)}, "label": dict(METRICS)},
    }
    size = [len(dimension["category"]["index"]) for dimension in dimensions.values()]
    for name, unit in _units(records).items():
        dimensions[name]["category"]["unit"] = unit
    values, status, hedges = _cells(records, dimensions, size)
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
        "note": [
            "status is the comparator: how the true value stands to the stated one.",
            "extension.hedge has the literal hedging words, by the same places as value and status.",
        ],
        "extension": {
            "revision": dataset.meta.revision,
            "count": len(records),
            "total": dataset.meta.total,
            "hedge": hedges,
        },
    }
    yield msgspec.json.encode(document)


def _key(name: str, record: dict[str, Any]) -> str:
    if name != "period":
        return str(record[name])
    return f"{record['period_start']}/{record['period_end']}" if record["period_start"] else "unstated"


def _dimension(name: str, records: Sequence[Keyed]) -> dict[str, Any]:
    label, labelled_by = DIMENSIONS.get(name, ("Version", None))
    labels = {keys[name]: str((labelled_by and record.get(labelled_by)) or keys[name]) for record, keys in records}
    ordered = sorted(labels)
    return {
        "label": label,
        "category": {"index": {key: place for place, key in enumerate(ordered)}, "label": {key: labels[key] for key in ordered}},
    }


def _units(records: Sequence[Keyed]) -> dict[str, dict[str, Any]]:
    """Return the units of indicators, and of the metrics if all figures share one."""
    units: dict[str, dict[str, Any]] = {}
    for record, keys in records:
        code = record.get("unit")
        if code is not None:
            unit = units.setdefault(keys["indicator"], {"label": code, "decimals": 0})
            unit["decimals"] = max(unit["decimals"], *(_decimals(record[metric]) for metric in METRICS))
    by_dimension = {"indicator": units} if units else {}
    if len({unit["label"] for unit in units.values()}) == 1:
        shared = {"label": next(iter(units.values()))["label"], "decimals": max(unit["decimals"] for unit in units.values())}
        by_dimension["metric"] = dict.fromkeys(METRICS, shared)
    return by_dimension


def _decimals(value: float | None) -> int:
    return 0 if value is None else max(0, -int(Decimal(str(value)).normalize().as_tuple().exponent))


def _cells(
    records: Sequence[Keyed], dimensions: dict[str, Any], size: Sequence[int]
) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
    """Return figures, comparators and hedges by index in the cube.

    The index is in row-major order; values that are not stated are absent.
    """
    values: dict[str, float] = {}
    status: dict[str, str] = {}
    hedges: dict[str, str] = {}
    for record, keys in records:
        place = 0
        for name, width in zip(keys, size, strict=False):
            place = place * width + dimensions[name]["category"]["index"][keys[name]]
        for number, metric in enumerate(METRICS):
            if record[metric] is not None:
                at = str(place * len(METRICS) + number)
                values[at] = record[metric]
                status[at] = record["comparator"]
                if record.get("hedge") is not None:
                    hedges[at] = record["hedge"]
    return values, status, hedges


JSONSTAT = Format(
    "jsonstat",
    "application/vnd.json-stat+json",
    "json",
    write,
    "JSON-stat 2.0: a cube of figures with bounds; the comparator is the status.",
    fits=fits,
)
