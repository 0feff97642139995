"""Content negotiation: ``format`` beats Accept, which beats the default (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

from app.errors import Fault, NotAcceptable


class Offer(Protocol):
    """A representation on offer: a name and a media type."""

    @property
    def name(self) -> str:
        """The value of the parameter ``format``."""

    @property
    def media_type(self) -> str:
        """The media type in Accept."""


_WEIGHT = re.compile(r"[0-9]+(\.[0-9]*)?")
Offered = TypeVar("Offered", bound=Offer)


@lru_cache(maxsize=1024)
def prefer(name: str | None, accept: str, offers: tuple[Offered, ...]) -> Offered:
    """Return the offer ``name``, else the one that ``accept`` prefers.

    Raises:
        NotAcceptable: if there is none.
    """
    weights = weighted(accept or "*/*")
    best = max(offers, key=lambda offer: offer.name == name if name else _weight(offer.media_type, weights))
    if best.name != name if name else _weight(best.media_type, weights) <= 0:
        allowed = tuple(offer.media_type for offer in offers)
        fault = Fault("This cannot be served here.", "not_acceptable", parameter="format" if name else "Accept", allowed=allowed)
        raise NotAcceptable(f"This resource is served as {', '.join(allowed)}.", [fault])
    return best


def _weight(media_type: str, weights: dict[str, float]) -> float:
    """Return the weight of the most specific range that covers the media type."""
    family = media_type.split("/", 1)[0]
    return next((weights[name] for name in (media_type, f"{family}/*", "*/*") if name in weights), 0.0)


@dataclass(frozen=True, slots=True)
class AcceptMember:
    """One member of Accept or Accept-Language: what is accepted, with parameters and weight."""

    name: str
    parameters: Mapping[str, str]
    weight: float


def accept_members(header: str) -> list[AcceptMember]:
    """Return the members of Accept or Accept-Language; malformed weights count as 1."""
    members = []
    for member in header.lower().split(","):
        name, *rest = (part.strip() for part in member.split(";"))
        parameters = dict(part.replace(" ", "").split("=", 1) for part in rest if "=" in part)
        weight = parameters.pop("q", "1")
        members.append(AcceptMember(name, parameters, min(float(weight), 1.0) if _WEIGHT.fullmatch(weight) else 1.0))
    return members


def weighted(header: str) -> dict[str, float]:
    """Return the weights in Accept or Accept-Language; the first of a name counts."""
    weights: dict[str, float] = {}
    for member in accept_members(header):
        weights.setdefault(member.name, member.weight)
    return weights
