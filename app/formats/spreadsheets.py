"""Texts that spreadsheets would run as formulas, told from figures that begin with a sign. Pure."""

import re

_NUMBER = r"[0-9][0-9.,]*"
_WORDS = r"(?:[ %‰‱°²³¥$€£]|[^\W\d_])*"
_FIGURE = re.compile(rf"[+-][¥$€£]?{_NUMBER}{_WORDS}(?:[至到~～–—][+-]?{_NUMBER}{_WORDS})?")
"""A signed number with its unit, or a range of two: it has no operator, bracket or reference that a formula could be made of."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Spreadsheets run a text cell that begins like this, the last four in East Asian versions."""


def neutral(text: str) -> str:
    """Return the text such that no spreadsheet runs it: with an apostrophe before it if it may be a formula.

    A lone sign is a comparator, and a signed figure as a source has it (``-1.48‰``, ``+5.0%``) is no formula: both stay.
    """
    if not text.startswith(FORMULA) or len(text) == 1 or _FIGURE.fullmatch(text):
        return text
    return f"'{text}"
