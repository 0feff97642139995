"""Which format answers a request: ``format`` beats Accept beats the default (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from app.dataset import Column
from app.errors import Fault, NotAcceptable
from app.formats import BY_NAME, Format, formats_for


def negotiate(name: str | None, accept: str, columns: Sequence[Column]) -> Format:
    """The format named ``name``, else the one that ``accept`` prefers, of those that the columns can be written in.

    Raises:
        NotAcceptable: when there is none.
    """
    formats = formats_for(columns)
    weights = weighted(accept or "*/*")
    if name is not None:
        best, fitting = BY_NAME[name], BY_NAME[name] in formats
    else:
        best = max(formats, key=lambda format_: _weight(format_, weights))
        fitting = _weight(best, weights) > 0
    if not fitting:
        allowed = tuple(format_.media_type for format_ in formats)
        fault = Fault("This cannot be served here.", "not_acceptable", parameter="format" if name else "Accept", allowed=allowed)
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
