"""Addresses with one of their parameters given anew."""

from urllib.parse import quote


def replaced(address: str, name: str, text: str) -> str:
    """The address with one of its parameters given anew; ``text`` needs no quoting."""
    return opened(address, name) + text


def opened(address: str, name: str) -> str:
    """The address with one of its parameters at its end, still to be given."""
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{name}=")]
    return f"{path}?{'&'.join([*kept, f'{name}='])}"


MOST_SHOWN = 2000
"""Characters of an address that is repeated to the client."""


def encoded_address(raw: bytes) -> str:
    """Return a raw request target with everything percent-encoded that is no printable ASCII."""
    return quote(raw, safe="/?#[]@!$&'()*+,;=:%")[:MOST_SHOWN]
