"""The media types of SDMX, as data, and which of them a request accepts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.errors import Fault, NotAcceptable
from app.sdmx.cube import Cube
from app.sdmx.writers import csv, json, xml

Syntax = Literal["xml", "json", "csv"]
API = Literal["2.1", "3.0"]
"""The versions of SDMX whose REST API is spoken."""
PLAIN: Mapping[str, Syntax] = {
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json": "json",
    "text/json": "json",
    "text/csv": "csv",
    "application/csv": "csv",
}
"""Media types that say only in which syntax."""


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message.

    Attributes:
        name: A short name.
        kind: Its media type.
        version: Of the format.
        syntax: What it is written in.
        write: Makes its bytes.
    """

    name: str
    kind: str
    version: str
    syntax: Syntax
    write: Callable[[Any], Any]

    @property
    def media_type(self) -> str:
        """The media type with its version."""
        return f"{self.kind};version={self.version}"

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + ("; charset=utf-8" if self.syntax != "json" else "")


Write = Callable[[Cube], Iterator[bytes]]
SDMX = "application/vnd.sdmx."
DATA: tuple[Message, ...] = (
    Message("xml-3.0", f"{SDMX}data+xml", "3.0.0", "xml", xml.specific_3),
    Message("json-2.0", f"{SDMX}data+json", "2.0.0", "json", json.write),
    Message("csv-2.0", f"{SDMX}data+csv", "2.0.0", "csv", csv.version_2),
    Message("csv-1.0", f"{SDMX}data+csv", "1.0.0", "csv", csv.version_1),
    Message("generic-2.1", f"{SDMX}genericdata+xml", "2.1", "xml", xml.generic),
    Message("specific-2.1", f"{SDMX}structurespecificdata+xml", "2.1", "xml", xml.specific),
)
"""Messages of data."""
FIRST: Mapping[API, tuple[str, ...]] = {"2.1": ("2.1", "1.0.0"), "3.0": ()}
"""By version of the API the versions of formats that come first where a client leaves the choice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The message that was chosen, with what its media type asks besides."""

    message: Message
    labels: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """One member of Accept."""

    kind: str
    parameters: Mapping[str, str]
    weight: float

    def covers(self, message: Message) -> int:
        """How closely it names the message; 0 where it does not."""
        if self.kind == message.kind:
            asked = self.parameters.get("version")
            return 3 if asked is None else 4 if _alike(asked, message.version) else 0
        if PLAIN.get(self.kind) == message.syntax:
            return 2
        return int(self.kind in ("*/*", "application/*"))


def _alike(asked: str, version: str) -> bool:
    """Whether a version is the one asked for, however many of its parts are given."""
    return version == asked or version.startswith(f"{asked}.") or asked.startswith(f"{version}.0")


def preferred(messages: Sequence[Message], api: API) -> tuple[Message, ...]:
    """The messages in the order in which this version of the API offers them."""
    first = FIRST[api]
    return tuple(sorted(messages, key=lambda message: first.index(message.version) if message.version in first else len(first)))


def choose(accept: str, offers: Sequence[Message]) -> Choice:
    """The message that Accept prefers, the first where it does not matter. Raises NotAcceptable where there is none."""
    best: tuple[float, int] = (0.0, 0)
    choice = None
    for offer in offers:
        for each in ranges(accept or "*/*"):
            closeness = each.covers(offer) if each.weight and _options(each, offer) else 0
            if closeness and (each.weight, closeness) > best:
                best = (each.weight, closeness)
                choice = Choice(offer, labels=each.parameters.get("labels") == "both")
    if choice is None:
        allowed = tuple(offer.media_type for offer in offers)
        fault = Fault("This cannot be served here.", "not_acceptable", parameter="Accept", allowed=allowed)
        raise NotAcceptable("None of the media types asked for is served here.", [fault])
    return choice


OPTIONS: Mapping[str, tuple[str, ...]] = {"labels": ("id", "both"), "timeformat": ("original",), "keys": ("none",)}
"""What may be asked of CSV besides its version."""


def _options(each: Range, offer: Message) -> bool:
    """Whether what the range asks besides is done."""
    return offer.syntax != "csv" or all(each.parameters.get(name, values[0]) in values for name, values in OPTIONS.items())


def ranges(accept: str) -> list[Range]:
    """The members of an Accept header; malformed weights count as 1."""
    found = []
    for member in accept.lower().split(","):
        kind, *rest = (part.strip() for part in member.split(";"))
        parameters = dict(part.replace(" ", "").split("=", 1) for part in rest if "=" in part)
        weight = parameters.pop("q", "1")
        found.append(Range(kind, parameters, float(weight) if re.fullmatch(r"[01](\.[0-9]{1,3})?", weight) else 1.0))
    return found
