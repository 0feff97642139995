"""Protection against formulas in CSV, which leaves signed figures as they are. Pure."""

import re

_NUMBER = r"[0-9][0-9.,]*"
_WORDS = r"(?:[ %‰‱°²³¥$€£]|[^\W\d_])*"
_FIGURE = re.compile(rf"[+-][¥$€£]?{_NUMBER}{_WORDS}(?:[至到~～–—][+-]?{_NUMBER}{_WORDS})?")
"""Pattern of a signed number with its unit, or of a range of two: without operator, bracket or reference, it is no formula."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of text cells that spreadsheets run as formulas; the last four in East Asian versions."""


def neutral(text: str) -> str:
    """Return the text, with an apostrophe before it if it may be a formula.

    A lone sign is a comparator, and a signed figure as cited (``-1.48‰``, ``+5.0%``) is no formula: both stay unchanged.
    """
    if not text.startswith(FORMULA) or len(text) == 1 or _FIGURE.fullmatch(text):
        return text
    return f"'{text}"
