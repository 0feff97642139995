"""Apache Parquet, with column descriptions in the schema. Requires pyarrow, an extra."""

import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from app.domain.dataset import Column, Dataset
from app.formats.base import Format, batches

ROW_GROUP = 5000
"""Rows of one row group."""

AVAILABLE = find_spec("pyarrow") is not None
"""True if pyarrow is installed."""


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield one file with a row group per batch, each as soon as it is written."""
    import pyarrow as pa  # noqa: PLC0415  an extra, and slow to import
    from pyarrow import parquet  # noqa: PLC0415  the same

    schema = pa.schema([_field(pa, column) for column in dataset.columns])
    buffer = io.BytesIO()
    with parquet.ParquetWriter(buffer, schema, compression="zstd") as writer:
        for batch in batches(dataset.rows, ROW_GROUP):
            cells = zip(*batch, strict=True) if batch else [()] * len(schema)
            arrays = [_array(pa, list(column), field) for column, field in zip(cells, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _field(pa: Any, column: Column) -> Any:
    types = {
        "string": pa.string(),
        "html": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "strings": pa.list_(pa.string()),
    }
    return pa.field(column.name, types[column.type], metadata={"description": column.description})


def _array(pa: Any, cells: list[Any], field: Any) -> Any:
    if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
        return pa.array(cells, pa.string()).cast(field.type)
    return pa.array(cells, field.type)


PARQUET = Format("parquet", "application/vnd.apache.parquet", "parquet", write, "Apache Parquet.", streams=True)
