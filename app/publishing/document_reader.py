"""The reader of a document, by its syntax."""

import codecs

from app.publishing.json_reader import JsonReader, not_json
from app.publishing.parts import Reader
from app.publishing.yaml import UnreadableError, encoding_of, position_in
from app.publishing.yaml_reader import YamlReader

PIECE = 64 * 2**10
"""Bytes that are decoded at once."""


def reader(content: bytes, sections: frozenset[str], *, only_json: bool = False) -> Reader:
    """Return the reader of a document, which reads the items of ``sections`` one by one.

    Raises:
        UnreadableError: where it is not UTF-8, or has to be JSON and is not.
    """
    _require_utf8(content)
    content = content.removeprefix(codecs.BOM_UTF8)
    problem = not_json(content)
    if problem is None:
        return JsonReader(content, sections)
    if only_json:
        raise UnreadableError((), problem[0], f"not JSON: {problem[1]}")
    return YamlReader(content, sections)


def _require_utf8(content: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content) + 1, PIECE):
        try:
            decoder.decode(content[start : start + PIECE], final=start + PIECE > len(content))
        except UnicodeDecodeError as error:
            at = start + error.start - (len(error.object) - len(content[start : start + PIECE]))
            found = encoding_of(content[:PIECE])
            guess = f"; the text can be read as {found}" if found is not None else ""
            raise UnreadableError((), position_in(content, at), f"not UTF-8: expected UTF-8{guess}") from None
