"""NDJSON: one JSON object per line."""

from collections.abc import Iterator, Sequence

import msgspec

from app.domain.dataset import Dataset, Row
from app.formats.base import Format, batches
from app.formats.json import row_type


def write(dataset: Dataset) -> Iterator[bytes]:
    """Yield one line per row, in batches."""
    encoder, row = msgspec.json.Encoder(), row_type(dataset)

    def lines(batch: Sequence[Row]) -> bytes:
        return encoder.encode_lines([row(*cells) for cells in batch])

    if dataset.form == "objects":
        yield encoder.encode_lines([msgspec.Raw(row) for row in dataset.rows])
        return
    yield from map(lines, batches(dataset.rows))


NDJSON = Format(
    "ndjson",
    "application/x-ndjson",
    "ndjson",
    write,
    "One JSON object per line.",
    streams=True,
    row_form="objects",
    inline_rows=1000,
)
