"""Tokens of a text search: the words of alphabets, and of Chinese every character and every pair of neighbours. Pure.

An index that knows no Chinese words finds any of them this way: two characters are one token, longer words are several.
Texts and queries are folded alike: NFKC (full-width forms become plain ones) and case.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import escape

_WORD = re.compile(r"[^\W_]+")
_HAN = r"\u2e80-\uffff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_HAN}]+|[^{_HAN}]+")
AROUND = 40
"""Characters that a snippet shows to either side of the match."""


def fold(text: str) -> str:
    """The form in which texts are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


def indexed(text: str) -> Iterator[str]:
    """The tokens under which a text is found."""
    for run in _runs(fold(text)):
        if not _is_han(run):
            yield run
            continue
        yield from run
        yield from (run[place : place + 2] for place in range(len(run) - 1))


def asked(query: str) -> list[str]:
    """The tokens that a text must all have to be found; operators and punctuation are none."""
    found: list[str] = []
    for run in _runs(fold(query)):
        pairs = [run[place : place + 2] for place in range(len(run) - 1)] if _is_han(run) else []
        found += pairs or [run]
    return list(dict.fromkeys(found))


def snippet(text: str, query: str) -> str:
    """HTML of the part of ``text`` around the first match of ``query``, every match marked; the rest is escaped."""
    folded, origins = _folded(text)
    places = sorted(
        (found.start(), found.end()) for run in dict.fromkeys(_runs(fold(query))) for found in re.finditer(re.escape(run), folded)
    )
    spans = [(origins[start], origins[end - 1] + 1) for start, end in places]
    start = max(0, spans[0][0] - AROUND) if spans else 0
    end = min(len(text), start + 2 * AROUND + (spans[0][1] - spans[0][0] if spans else 0))
    parts, at = ["…"] if start else [], start
    for first, last in spans:
        if at <= first and last <= end:
            parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
            at = last
    return "".join([*parts, escape(text[at:end]), "…" if end < len(text) else ""])


def _folded(text: str) -> tuple[str, list[int]]:
    """The folded text, and of each of its characters the place in ``text`` that it comes from."""
    pieces = [(fold(character), place) for place, character in enumerate(text)]
    return "".join(piece for piece, _ in pieces), [place for piece, place in pieces for _ in piece]


def _runs(text: str) -> list[str]:
    """Words, those of mixed scripts taken apart: each run is of Chinese or Japanese characters, or has none of them."""
    return [run for word in _WORD.findall(text) for run in _RUN.findall(word)]


def _is_han(run: str) -> bool:
    return re.match(f"[{_HAN}]", run) is not None
