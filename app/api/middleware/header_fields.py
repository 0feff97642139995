"""Header fields of a request, parsed once and shared through the ASGI scope."""

from collections.abc import Sequence

from starlette.types import Scope

from app.errors import BadRequest, Problem

FIELDS = "indicators.fields"
"""Key in the ASGI scope: the fields by name."""
LISTS = frozenset(
    {
        b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"access-control-request-headers", b"baggage",
        b"cache-control", b"connection", b"expect", b"forwarded", b"if-match", b"if-none-match", b"keep-alive", b"pragma",
        b"prefer", b"te", b"tracestate", b"trailer", b"upgrade", b"via", b"warning", b"x-forwarded-for",
    }
)  # fmt: skip
"""Fields whose value is a list: several lines equal one line, joined by commas (RFC 9110, section 5.3)."""
COOKIE = b"cookie"
"""Joined by semicolons instead (RFC 6265, section 5.4)."""

Headers = Sequence[tuple[bytes, bytes]]


def fields_of(scope: Scope) -> dict[bytes, bytes]:
    """Return the header fields of a request by lower-case name."""
    fields: dict[bytes, bytes] | None = scope.get(FIELDS)
    if fields is None:
        fields = scope[FIELDS] = dict(scope["headers"])
    return fields


def join_fields(scope: Scope) -> Problem | None:
    """Join repeated list fields in ``scope``; return the problem of other repetitions."""
    headers: Headers = scope["headers"]
    fields = fields_of(scope)
    if len(fields) == len(headers):
        return None
    fields.clear()
    repeated = []
    for name, value in headers:
        if name not in fields:
            fields[name] = value
        elif name in LISTS or name == COOKIE:
            fields[name] += (b"; " if name == COOKIE else b", ") + value
        else:
            repeated.append(name)
    for name in repeated:
        fields.pop(name, None)
    scope["headers"] = list(fields.items())
    if not repeated:
        return None
    names = ", ".join(sorted({name.decode("latin-1").title() for name in repeated}))
    return BadRequest(f"Expected one line of each header; these came more than once: {names[:200]}.")
