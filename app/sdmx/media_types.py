"""The media types of SDMX, as data, and their negotiation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.errors import Fault, NotAcceptable
from app.formats.negotiation import AcceptMember, accept_members
from app.sdmx.cube import Cube
from app.sdmx.writers import csv, json, xml

Syntax = Literal["xml", "json", "csv"]
API = Literal["2.1", "3.0"]
"""The SDMX versions of the REST APIs that are served."""
PLAIN: Mapping[str, Syntax] = {
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json": "json",
    "text/json": "json",
    "text/csv": "csv",
    "application/csv": "csv",
}
"""Generic media types, which state only a syntax."""


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message.

    Attributes:
        name: A short name.
        kind: Its media type.
        version: The version of the format.
        syntax: The syntax of the format.
        write: The writer of its bytes.
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
"""Data messages."""
FIRST: Mapping[API, tuple[str, ...]] = {"2.1": ("2.1", "1.0.0"), "3.0": ()}
"""Versions of formats that are preferred if the client leaves the choice, by version of the API."""


@dataclass(frozen=True, slots=True)
class MessageChoice:
    """The negotiated message, with the option ``labels`` of its media type."""

    message: Message
    labels: bool = False


def _specificity(accepted: AcceptMember, message: Message) -> int:
    """Return the specificity with which a member of Accept covers the message, or 0."""
    if accepted.name == message.kind:
        version = accepted.parameters.get("version")
        return 3 if version is None else 4 if _is_same_version(version, message.version) else 0
    if PLAIN.get(accepted.name) == message.syntax:
        return 2
    return int(accepted.name in ("*/*", "application/*"))


def _is_same_version(requested: str, version: str) -> bool:
    """Return whether the versions agree, in however many parts each is written."""
    return version == requested or version.startswith(f"{requested}.") or requested.startswith(f"{version}.0")


def preferred(messages: Sequence[Message], api: API) -> tuple[Message, ...]:
    """Return the messages in the order of preference of this version of the API."""
    first = FIRST[api]
    return tuple(sorted(messages, key=lambda message: first.index(message.version) if message.version in first else len(first)))


def choose(accept: str, offers: Sequence[Message]) -> MessageChoice:
    """Return the message that Accept prefers; among equals, the first.

    Raises:
        NotAcceptable: if no message is accepted.
    """
    best: tuple[float, int] = (0.0, 0)
    choice = None
    for offer in offers:
        for accepted in accept_members(accept or "*/*"):
            specificity = _specificity(accepted, offer) if accepted.weight and _has_supported_options(accepted, offer) else 0
            if specificity and (accepted.weight, specificity) > best:
                best = (accepted.weight, specificity)
                choice = MessageChoice(offer, labels=accepted.parameters.get("labels") == "both")
    if choice is None:
        allowed = tuple(offer.media_type for offer in offers)
        fault = Fault("This cannot be served here.", "not_acceptable", parameter="Accept", allowed=allowed)
        raise NotAcceptable("None of the media types asked for is served here.", [fault])
    return choice


OPTIONS: Mapping[str, tuple[str, ...]] = {"labels": ("id", "both"), "timeformat": ("original",), "keys": ("none",)}
"""Supported values of the media type parameters of SDMX-CSV besides its version; the first is the default."""


def _has_supported_options(accepted: AcceptMember, offer: Message) -> bool:
    """Return whether the options of the media type are supported; only CSV has any."""
    return offer.syntax != "csv" or all(accepted.parameters.get(name, values[0]) in values for name, values in OPTIONS.items())
