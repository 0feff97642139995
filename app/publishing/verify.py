"""Verification of a document against its source text: the text's SHA-256, and every cited phrase in its line."""

import hashlib
from collections.abc import Iterator

from app.publishing.document import Citation, Document
from app.publishing.yaml import encoding_of, position_in


def mismatches(document: Document, text: bytes) -> Iterator[str]:
    """Yield a message for each difference between a document and its source text."""
    sha256 = hashlib.sha256(text).hexdigest()
    if sha256 != document.source.sha256:
        yield f"the text has the SHA-256 {sha256}, the document is about {document.source.sha256}"
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as error:
        place = position_in(text, error.start)
        encoding = encoding_of(text)
        guess = f"; it can be read as {encoding}" if encoding is not None else ""
        yield f"the text is not UTF-8 (line {place.line}, column {place.column}){guess}"
        return
    for name, line, phrase in _phrases(document):
        if line > len(lines):
            yield f"{name}: cites line {line}, the text has {len(lines)}"
        elif phrase not in lines[line - 1]:
            elsewhere = [str(number) for number, content in enumerate(lines, 1) if phrase in content]
            hint = f"it stands in line {', '.join(elsewhere)}" if elsewhere else "it stands nowhere in the text"
            yield f"{name}: {phrase!r} does not stand in line {line}; {hint}"


def citations(document: Document) -> Iterator[tuple[str, Citation]]:
    """Yield every citation of a document, with the id or key of its part."""
    for speaker in document.source.speakers:
        yield speaker.id, speaker.cite
    for _, entity in document.entities:
        if entity.cite is not None:
            yield entity.id, entity.cite
    for fact in document.facts:
        yield fact.key, fact.cite


def _phrases(document: Document) -> Iterator[tuple[str, int, str]]:
    """Yield part, line and phrase of every citation, and of every period's label."""
    for name, cite in citations(document):
        yield name, cite.line, cite.text
    for observation in document.observations:
        if observation.period is not None:
            yield observation.key, observation.cite.line, observation.period.label
