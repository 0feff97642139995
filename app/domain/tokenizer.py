"""Tokens of a text search: the words of alphabets, and of Chinese every character and every pair of neighbours. Pure.

An index that knows no Chinese words finds any of them this way: two characters are one token, longer words are several.
Texts and queries are folded alike, so that width, case, accents, normal forms and traditional characters do not matter.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from html import escape

from opencc import OpenCC

AROUND = 40
"""Characters that a snippet shows to either side of the match."""
BEGINNING = "*"
"""Ends a token of a query that words need only begin with; no token contains it."""
MARK = "="
"""Begins the token that says of what kind a text is; no query contains it."""
MOST_KEPT = 20_000
"""Characters of which the folded form is kept: more than a text has, fewer than Unicode has."""

LONGEST_WORD = 200
"""Characters of a word that are compared: PostgreSQL takes no word of more than 2046 bytes."""

_HAN = r"\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af"
"""Scripts that are written without spaces: Chinese, Japanese and, as ever here, Korean."""
_RUN = re.compile(f"([{_HAN}]+)|([^{_HAN} ']+)")
_ELIDED = re.compile(f"[^{_HAN} ']+(?:'[^{_HAN} ']+)+")
_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_WHOLE = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
"""Letters that Unicode does not take apart into a plain one and an accent."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that the spelling of some languages needs."""


def forbidden(text: str) -> bool:
    """Return whether the text has a character that is not seen: of control, of direction, a line separator, a lone surrogate."""
    return not text.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS for character in text
    )


class _Folding(dict[int, str]):
    """The folded forms of characters, each made when it is met first."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < MOST_KEPT:
            self[code] = folded
        return folded


@cache
def _simplified() -> OpenCC:
    return OpenCC("t2s")


def _fold(character: str) -> str:
    """Return what stands for a character: letters, digits and what belongs to them; an apostrophe; nothing; or a space."""
    if character in _APOSTROPHES:
        return "'"
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return unicodedata.normalize("NFC", "".join(map(_part, plain)))


def _part(character: str) -> str:
    category = unicodedata.category(character)
    if unicodedata.combining(character) > 9 or category == "Cf":  # noqa: PLR2004  up to 9 they make other letters, as of Japanese
        return ""
    if not character.isalnum() and category[0] != "M":
        return " "
    if category == "Lo" and re.match(f"[{_HAN}]", character):
        return str(_simplified().convert(character))  # alone: what a character becomes may not depend on its neighbours
    return _WHOLE.get(character, character)


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return the form in which texts are compared: folded words, spaces between them, and apostrophes."""
    return unicodedata.normalize("NFKC", text).translate(_FOLDING)


def indexed(text: str) -> Iterator[str]:
    """The tokens under which a text is found; words with an apostrophe (L'Oréal) both as one and by their parts."""
    folded = fold(text)
    for characters, word in _RUN.findall(folded):
        if word:
            yield word[:LONGEST_WORD]
            continue
        yield from characters
        yield from _pairs(characters)
    if "'" in folded:
        yield from (_joined(word)[:LONGEST_WORD] for word in _ELIDED.finditer(folded))


def asked(query: str) -> list[str]:
    """The tokens that a text must all have to be found; operators and punctuation are none.

    Words end in ``BEGINNING``; of Chinese it is pairs of neighbours, or one character that stands alone.
    """
    found: list[str] = []
    for characters, word in _RUN.findall(_ELIDED.sub(_joined, fold(query))):
        found += [word[:LONGEST_WORD] + BEGINNING] if word else _pairs(characters) or [characters]
    return list(dict.fromkeys(found))


def snippet(text: str, query: str) -> str:
    """HTML of the part of ``text`` around the first match of ``query``, every match marked; the rest is escaped."""
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
    """What finds the tokens of a query in a folded text: words at their beginning, whatever apostrophes they have."""
    words = ((token.removesuffix(BEGINNING), token.endswith(BEGINNING)) for token in asked(query))
    return tuple(re.compile((f"(?<![^{_HAN} '])" if begins else "") + "'?".join(map(re.escape, word))) for word, begins in words)


def _folded(text: str) -> tuple[str, list[int]]:
    """The folded text, and of each of its characters the place in ``text`` that it comes from."""
    pieces = [(_FOLDING[ord(character)], place) for place, character in enumerate(text)]
    return "".join(piece for piece, _ in pieces), [place for piece, place in pieces for _ in piece]


def _joined(word: re.Match[str]) -> str:
    return word[0].replace("'", "")


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]
