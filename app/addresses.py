"""Addresses with one of their parameters given anew."""


def replaced(address: str, name: str, text: str) -> str:
    """The address with one of its parameters given anew; ``text`` needs no quoting."""
    return opened(address, name) + text


def opened(address: str, name: str) -> str:
    """The address with one of its parameters at its end, still to be given."""
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{name}=")]
    return f"{path}?{'&'.join([*kept, f'{name}='])}"
