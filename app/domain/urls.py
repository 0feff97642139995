"""URLs: replacing a query parameter, and percent-encoding of request targets."""

from urllib.parse import quote

LONGEST = 2000
"""Bytes of a request target that are encoded, to at most three times as many characters; the rest is cut."""
_PLAIN = "".join(map(chr, range(0x21, 0x7F)))
"""Printable ASCII characters, which are not encoded."""


def with_parameter(address: str, name: str, text: str) -> str:
    """Return the URL with a new value of one parameter; ``text`` must need no quoting."""
    return with_open_parameter(address, name) + text


def with_open_parameter(address: str, name: str) -> str:
    """Return the URL with one parameter moved to its end, without a value."""
    path, _, query = address.partition("?")
    parameters = [part for part in query.split("&") if part and not part.startswith(f"{name}=")]
    return f"{path}?{'&'.join([*parameters, f'{name}='])}"


def encoded_address(raw: bytes) -> str:
    """Return a request target with all but printable ASCII percent-encoded.

    It is cut at ``LONGEST`` bytes, with an ellipsis.
    """
    return quote(raw[:LONGEST], safe=_PLAIN) + ("…" if len(raw) > LONGEST else "")
