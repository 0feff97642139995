"""Security headers of every response: no sniffing, no embedding, and reading from any origin (CORS)."""

from starlette.types import Scope

Header = tuple[bytes, bytes]

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
)
"""Headers of every response, the same for every client, so that shared caches need not vary by Origin."""
CONTENT_SECURITY_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""The default policy: a response is data, and a browser must not run or load anything for it. HTML pages set their own."""
STRICT_TRANSPORT_SECURITY: Header = (b"strict-transport-security", b"max-age=31536000")


def security_headers(scope: Scope, headers: list[Header]) -> list[Header]:
    """Return the security headers that a response with ``headers`` lacks."""
    missing = list(SECURITY_HEADERS)
    if not any(name == CONTENT_SECURITY_POLICY[0] for name, _ in headers):
        missing.append(CONTENT_SECURITY_POLICY)
    if scope["scheme"] == "https":
        missing.append(STRICT_TRANSPORT_SECURITY)
    return missing
