"""What a format is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Format:
    """One representation of a dataset.

    Attributes:
        name: The value of the ``format`` parameter.
        media_type: What it is in Accept and Content-Type.
        extension: Of file names, without the dot.
        write: A pure generator of the bytes of a dataset.
        description: For OpenAPI.
        parameters: Of the media type, for Content-Type (``; charset=utf-8``).
    """

    name: str
    media_type: str
    extension: str
    write: Callable[[Dataset], Iterator[bytes]]
    description: str
    parameters: str = ""

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + self.parameters
