"""NDJSON: one JSON object a line."""

from collections.abc import Iterator

import msgspec

from app.dataset import Dataset
from app.formats.base import Format, batches
from app.formats.json import row_type


def write(dataset: Dataset) -> Iterator[bytes]:
    """One line a row, in batches."""
    encoder, row = msgspec.json.Encoder(), row_type(dataset)
    if dataset.encoded is not None:
        yield encoder.encode_lines([msgspec.Raw(line) for line in dataset.encoded])
        return
    for batch in batches(dataset):
        yield encoder.encode_lines([row(*cells) for cells in batch])


NDJSON = Format("ndjson", "application/x-ndjson", "ndjson", write, "One JSON object a line.", streams=True, takes_encoded=True)
