"""The choice of the reader of a document: JSON if it is well-formed JSON, else YAML."""

import codecs

from app.publishing.json_reader import JsonReader, not_json
from app.publishing.parts import Reader
from app.publishing.yaml import UnreadableError, encoding_of, position_in
from app.publishing.yaml_reader import YamlReader

PIECE = 64 * 2**10
"""Bytes decoded at a time."""


def reader(content: bytes, sections: frozenset[str], *, only_json: bool = False) -> Reader:
    """Return a reader that yields the items of ``sections`` one by one.

    Raises:
        UnreadableError: if it is not UTF-8, or with ``only_json`` not JSON.
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
            offset = start + error.start - (len(error.object) - len(content[start : start + PIECE]))
            encoding = encoding_of(content[:PIECE])
            guess = f"; the text can be read as {encoding}" if encoding is not None else ""
            raise UnreadableError((), position_in(content, offset), f"not UTF-8: expected UTF-8{guess}") from None
