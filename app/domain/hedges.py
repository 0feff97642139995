"""Hedge words, their comparators, and the bounds that they support. Pure.

A hedge is the literal word by which a source qualifies a number ("近300家", "more than 30 %"). It means a *comparator*
(the codes of a FHIR Quantity, and ``~`` for "approximately") and, with the number, *bounds*: the interval that the source
supports, and no narrower one. ``HEDGES`` is the one table of words; a new word is a new line.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

Comparator = Literal["<", "<=", "=", "~", ">=", ">"]
COMPARATORS: tuple[Comparator, ...] = get_args(Comparator)
BoundsBasis = Literal["stated", "convention", "none"]

TOLERANCE = Decimal("0.1")
"""The margin of "approximately" that FHIR recommends: 10 % of the stated number, to either side."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """A hedge word.

    Attributes:
        word: The literal word.
        comparator: The comparator that it means.
        en: English wording around ``{q}``, the number with its unit.
        zh: Chinese wording around ``{n}``, the number, and ``{u}``, the unit.
        bounds_basis: ``stated`` (the word states the bound), ``convention`` (±10 %) or ``none`` (no bound follows).
    """

    word: str
    comparator: Comparator
    en: str
    zh: str
    bounds_basis: BoundsBasis


@dataclass(frozen=True, slots=True)
class Bounds:
    """The interval that a source supports; None for an open side."""

    lower: float | None
    upper: float | None
    basis: BoundsBasis


_WORDINGS: tuple[tuple[str, Comparator, str, str, BoundsBasis], ...] = (
    # words, comparator, English wording, Chinese wording, basis of the bounds
    ("近 / 将近 / 接近 / nearly / almost / close to / approaching", "<", "nearly {q}", "近{n}{u}", "stated"),
    (
        "不足 / 不到 / 未满 / 低于 / 少于 / less than / fewer than / under / below",
        "<",
        "less than {q}",
        "不足{n}{u}",
        "stated",
    ),
    ("不超过 / 最多 / 至多 / 不多于 / 不高于", "<=", "at most {q}", "不超过{n}{u}", "stated"),
    ("at most / up to / no more than / not more than", "<=", "at most {q}", "不超过{n}{u}", "stated"),
    ("以下 / 以内 / or less / or fewer", "<=", "at most {q}", "{n}{u}以下", "stated"),
    ("达 / 达到 / 共 / 共计 / 合计 / reaches / reached / reaching / a total of", "=", "{q}", "{n}{u}", "stated"),
    ("约 / 大约 / 大概 / 约为", "~", "about {q}", "约{n}{u}", "convention"),
    ("about / approximately / roughly / some / circa", "~", "about {q}", "约{n}{u}", "convention"),
    ("左右 / 上下 / around / or so", "~", "around {q}", "{n}{u}左右", "convention"),
    ("级 / -level / on the order of / on the scale of", "~", "on the scale of {q}", "{n}{u}级", "none"),
    ("体量 / 量级", "~", "on the scale of {q}", "{n}{u}体量", "none"),
    ("至少 / 不少于 / 不低于 / 不小于", ">=", "at least {q}", "不少于{n}{u}", "stated"),
    ("at least / no fewer than / no less than / not less than", ">=", "at least {q}", "不少于{n}{u}", "stated"),
    ("以上 / or more / and above", ">=", "at least {q}", "{n}{u}以上", "stated"),
    ("超 / 超过 / 逾 / 突破 / 高于", ">", "more than {q}", "超{n}{u}", "stated"),
    ("over / more than / above / exceeding / upwards of / in excess of", ">", "more than {q}", "超{n}{u}", "stated"),
    ("多", ">", "more than {q}", "{n}多{u}", "stated"),
    ("余 / 有余", ">", "more than {q}", "{n}余{u}", "stated"),
)

UNHEDGED = Hedge("", "=", "{q}", "{n}{u}", "stated")
"""The hedge of a number without a hedge word: exactly the number."""

HEDGES: dict[str, Hedge] = {
    word: Hedge(word, comparator, en, zh, basis) for words, comparator, en, zh, basis in _WORDINGS for word in words.split(" / ")
}
"""Every hedge word that a document may use."""


def hedge_of(word: str | None) -> Hedge:
    """Return the hedge of a word, ``UNHEDGED`` for None. Raises KeyError if unknown."""
    return UNHEDGED if word is None else HEDGES[word]


def bounds_of(value: float, hedge: Hedge) -> Bounds:
    """Return the interval that a hedged value supports; no bound is invented.

    ``<`` and ``<=`` give only an upper bound, ``>`` and ``>=`` only a lower one, ``=`` both. ``~`` gives ±10 % by
    convention (FHIR), or none if the word only names an order of magnitude.
    """
    if hedge.bounds_basis == "none":
        return Bounds(None, None, "none")
    if hedge.comparator == "~":
        margin = abs(Decimal(str(value))) * TOLERANCE
        return Bounds(float(Decimal(str(value)) - margin), float(Decimal(str(value)) + margin), "convention")
    upper = value if hedge.comparator in ("<", "<=", "=") else None
    lower = value if hedge.comparator in (">", ">=", "=") else None
    return Bounds(lower, upper, "stated")


def wording(value: float, unit: str, hedge: Hedge, lang: str) -> str:
    """Return the quantity in words: ``nearly 300 companies`` (en), ``近300家`` (zh)."""
    number = plain_number(value)
    if lang == "zh":
        return hedge.zh.format(n=number, u=unit)
    if abs(value) == 1:
        unit = singular(unit)
    space = "" if unit.startswith("%") or not unit else " "
    return hedge.en.format(q=f"{number}{space}{unit}")


_PREPOSITION = re.compile(r"\s+(?:per|of|in|for|at|on|with|to|from|and|or|by)\s|\s+(?:Celsius|Fahrenheit)$|\s*[/(,]")
_WORD = re.compile(r"[^\W\d_]+$")
IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "buses": "bus",
    "gases": "gas",
}
"""Irregular English plurals and their singulars."""
SAME = ("headquarters", "series", "species", "premises", "means", "works", "gross", "hertz", "siemens")
"""English nouns with a plural equal to the singular, or no plural although they end in s."""
ENDINGS = (
    ("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("ss", "ss"),
    ("us", "us"), ("is", "is"), ("s", ""),
)  # fmt: skip
"""Endings of regular English plurals and of their singulars; the first that matches applies."""


def singular(unit: str) -> str:
    """Return the singular of an English unit: ``patent per 10,000 people``."""
    end = _PREPOSITION.search(unit)
    head, rest = (unit[: end.start()], unit[end.start() :]) if end else (unit, "")
    noun = _WORD.search(head)
    if noun is None or noun[0].lower() in SAME:
        return unit
    return head[: noun.start()] + _singular(noun[0]) + rest


def _singular(noun: str) -> str:
    if noun.lower() in IRREGULAR:
        return IRREGULAR[noun.lower()]
    for plural_ending, singular_ending in ENDINGS:
        if noun.endswith(plural_ending) and len(noun) > len(plural_ending) + 1:
            return noun.removesuffix(plural_ending) + singular_ending
    return noun


def plain_number(value: float) -> str:
    """Return the number with thousands separators: ``25,000,000,000``, ``72.2``.

    It has no more decimals than the value.
    """
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
