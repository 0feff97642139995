"""Tokens of the full-text search: words of alphabetic scripts, and single characters and bigrams of Chinese. Pure.

With bigrams an index finds Chinese words without a dictionary: two characters are one token, longer words are several.
Texts and queries are folded alike, so that width, case, accents, normal forms and traditional characters do not matter.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from html import escape

from opencc import OpenCC

AROUND = 40
"""Characters that a snippet shows on either side of the match."""
BEGINNING = "*"
"""The suffix of a query token that matches as a prefix; no indexed token contains it."""
MARK = "="
"""The prefix of the token that has the resource of a text; no query contains it."""
MOST_KEPT = 20_000
"""Characters whose folded form is cached: more than texts use, fewer than Unicode has."""

LONGEST_WORD = 200
"""Characters of a word that are indexed: PostgreSQL takes no word of more than 2046 bytes."""

_HAN = r"\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af"
"""Scripts indexed by characters and bigrams: Chinese and Japanese, which are written without spaces, and Korean with them."""
_RUN = re.compile(f"([{_HAN}]+)|([^{_HAN} ']+)")
_ELIDED = re.compile(f"[^{_HAN} ']+(?:'[^{_HAN} ']+)+")
_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_WHOLE = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
"""Letters that Unicode does not decompose into a base letter and an accent."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that the spelling of some languages needs."""


def forbidden(text: str) -> bool:
    """Return whether the text has control or other invisible characters.

    These are characters of control and format, line separators, and lone surrogates.
    """
    return not text.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS for character in text
    )


class _Folding(dict[int, str]):
    """A cache of folded characters by code point, filled on first use."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < MOST_KEPT:
            self[code] = folded
        return folded


@cache
def _simplified() -> OpenCC:
    return OpenCC("t2s")


def _fold(character: str) -> str:
    """Return a character folded to letters, digits and marks, ``'``, a space or ""."""
    if character in _APOSTROPHES:
        return "'"
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return unicodedata.normalize("NFC", "".join(map(_part, plain)))


def _part(character: str) -> str:
    category = unicodedata.category(character)
    if unicodedata.combining(character) > 9 or category == "Cf":  # noqa: PLR2004  up to 9 they form other letters, as in Japanese
        return ""
    if not character.isalnum() and category[0] != "M":
        return " "
    if category == "Lo" and re.match(f"[{_HAN}]", character):
        return str(_simplified().convert(character))  # one by one: the result must not depend on neighbours
    return _WHOLE.get(character, character)


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return the text as it is compared: folded words, spaces and apostrophes."""
    return unicodedata.normalize("NFKC", text).translate(_FOLDING)


def text_tokens(text: str) -> Iterator[str]:
    """Yield the tokens of a text; words with an apostrophe (L'Oréal) also in parts."""
    folded = fold(text)
    for characters, word in _RUN.findall(folded):
        if word:
            yield word[:LONGEST_WORD]
            continue
        yield from characters
        yield from _pairs(characters)
    if "'" in folded:
        yield from (_joined(word)[:LONGEST_WORD] for word in _ELIDED.finditer(folded))


def query_tokens(query: str) -> list[str]:
    """Return the tokens of a query, without operators and punctuation.

    Words end in ``BEGINNING``; Chinese gives bigrams, or a single character that stands alone.
    """
    tokens: list[str] = []
    for characters, word in _RUN.findall(_ELIDED.sub(_joined, fold(query))):
        tokens += [word[:LONGEST_WORD] + BEGINNING] if word else _pairs(characters) or [characters]
    return list(dict.fromkeys(tokens))


def snippet(text: str, query: str) -> str:
    """Return the part of ``text`` around the first match as HTML, matches marked."""
    folded, origins = _folded(text)
    spans: list[tuple[int, int]] = []
    for first, last in sorted(match.span() for pattern in _patterns(query) for match in pattern.finditer(folded)):
        begin, end = origins[first], origins[last - 1] + 1
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((begin, end))
    start = max(0, spans[0][0] - AROUND) if spans else 0
    end = min(len(text), start + 2 * AROUND + (spans[0][1] - spans[0][0] if spans else 0))
    parts, at = ["…"] if start else [], start
    for first, last in spans:
        if at <= first and last <= end:
            parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
            at = last
    return "".join([*parts, escape(text[at:end]), "…" if end < len(text) else ""])


@lru_cache(maxsize=256)
def _patterns(query: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns of a query's tokens: words by prefix, ignoring apostrophes."""
    words = ((token.removesuffix(BEGINNING), token.endswith(BEGINNING)) for token in query_tokens(query))
    return tuple(re.compile((f"(?<![^{_HAN} '])" if begins else "") + "'?".join(map(re.escape, word))) for word, begins in words)


def _folded(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and the index in ``text`` of each of its characters."""
    pieces = [(_FOLDING[ord(character)], place) for place, character in enumerate(text)]
    return "".join(piece for piece, _ in pieces), [place for piece, place in pieces for _ in piece]


def _joined(word: re.Match[str]) -> str:
    return word[0].replace("'", "")


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]
