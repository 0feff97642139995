"""Addresses: with one of their parameters given anew, and as they should have been sent."""

from urllib.parse import quote

LONGEST = 2000
"""Bytes of a request target of which the encoded form is told; three times as many characters at most."""
_PLAIN = "".join(map(chr, range(0x21, 0x7F)))


def replaced(address: str, name: str, text: str) -> str:
    """The address with one of its parameters given anew; ``text`` needs no quoting."""
    return opened(address, name) + text


def opened(address: str, name: str) -> str:
    """The address with one of its parameters at its end, still to be given."""
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{name}=")]
    return f"{path}?{'&'.join([*kept, f'{name}='])}"


def encoded_address(raw: bytes) -> str:
    """Return the request target with all that is not printable ASCII percent-encoded; what is too long ends in an ellipsis."""
    return quote(raw[:LONGEST], safe=_PLAIN) + ("…" if len(raw) > LONGEST else "")
