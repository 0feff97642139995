"""Which format answers a request: ``format`` beats Accept beats the default (RFC 9110, section 12.5.1)."""

from app.errors import Fault, NotAcceptable
from app.formats import BY_NAME, FORMATS, Format


def negotiate(name: str | None, accept: str) -> Format:
    """The format named ``name``, else the one that ``accept`` prefers. Raises NotAcceptable when it accepts none."""
    if name is not None:
        return BY_NAME[name]
    weights = weighted(accept or "*/*")
    best = max(FORMATS, key=lambda format_: _weight(format_, weights))
    if _weight(best, weights) <= 0:
        allowed = tuple(format_.media_type for format_ in FORMATS)
        fault = Fault("None of these media types can be served.", "not_acceptable", parameter="Accept", allowed=allowed)
        raise NotAcceptable(f"This resource is served as {', '.join(allowed)}.", [fault])
    return best


def _weight(format_: Format, weights: dict[str, float]) -> float:
    """The most specific range that covers the format decides."""
    family = format_.media_type.split("/", 1)[0]
    return next((weights[name] for name in (format_.media_type, f"{family}/*", "*/*") if name in weights), 0.0)


def weighted(header: str) -> dict[str, float]:
    """The members of an Accept or Accept-Language header with their weights; malformed weights count as 1."""
    found: dict[str, float] = {}
    for member in header.lower().split(","):
        name, *parameters = (part.strip() for part in member.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            found.setdefault(name, min(max(float(weight), 0.0), 1.0))
        except ValueError:
            found.setdefault(name, 1.0)
    return found
