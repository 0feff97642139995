"""Rate limit per client and per token: token buckets, which the library ``limits`` lacks, in its notation."""

from collections.abc import Callable, Sequence
from itertools import islice
from math import ceil
from time import monotonic

from limits import RateLimitItem
from starlette.types import Message, Scope, Send

from app.api.middleware.header_fields import fields_of
from app.errors import Problem, TooManyRequests

NOT_MODIFIED = 304
MOST_CALLERS = 100_000
"""Number of callers whose buckets are kept."""


class Buckets:
    """Token buckets, one per caller: full at first, refilled evenly."""

    def __init__(self, limit: RateLimitItem, most_callers: int = MOST_CALLERS, clock: Callable[[], float] = monotonic) -> None:
        """Create buckets that hold the amount of ``limit`` and refill within its period."""
        self.size, self.seconds = limit.amount, limit.get_expiry()
        self._most_callers, self._clock = most_callers, clock
        self._levels: dict[str, tuple[float, float]] = {}

    def level(self, caller: str) -> float:
        """Return the present level of a caller's bucket."""
        level, since = self._levels.get(caller, (float(self.size), 0.0))
        return min(float(self.size), level + (self._clock() - since) * self.size / self.seconds)

    def add(self, caller: str, amount: float) -> None:
        """Add ``amount``, which may be negative, to a caller's bucket."""
        if len(self._levels) >= self._most_callers and caller not in self._levels:
            self._evict()
        self._levels[caller] = (min(float(self.size), self.level(caller) + amount), self._clock())

    def _evict(self) -> None:
        """Drop full buckets, and the older half of the others if there are still too many."""
        owing = {caller: level for caller, level in self._levels.items() if self.level(caller) < self.size}
        self._levels = dict(islice(owing.items(), len(owing) // 2, None)) if len(owing) > self._most_callers // 2 else owing

    def wait(self, level: float, target: float) -> int:
        """Return the seconds until a bucket at ``level`` reaches ``target``."""
        return max(0, ceil((target - level) * self.seconds / self.size))


class RateLimit:
    """Limit of requests per client and per token; a 304 is free."""

    def __init__(self, limit: RateLimitItem) -> None:
        """Apply ``limit`` to each caller."""
        self.limit = limit
        self._buckets = Buckets(limit)
        self._policy = f'"requests";q={limit.amount};w={limit.get_expiry()}'.encode()

    def callers(self, scope: Scope) -> tuple[str, ...]:
        """Return the callers of a request: the client address, and the token if any."""
        client = scope["client"][0] if scope["client"] else ""
        token = fields_of(scope).get(b"authorization")
        return (client,) if token is None else (client, f"token {hash(token)}")

    def refused(self, callers: Sequence[str]) -> Problem | None:
        """Return the problem if a caller is over its rate; else count the request."""
        least = min(map(self._buckets.level, callers))
        if least < 1:
            wait = {"Retry-After": str(max(1, self._buckets.wait(least, 1)))}
            return TooManyRequests(f"At most {self.limit} are answered.", headers=wait)
        for caller in callers:
            self._buckets.add(caller, -1)
        return None

    def wrap_send(self, send: Send, callers: Sequence[str]) -> Send:
        """Wrap ``send`` to add the RateLimit headers and to refund a 304.

        The headers are those of draft-ietf-httpapi-ratelimit-headers.
        """

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                for caller in callers if message["status"] == NOT_MODIFIED else ():
                    self._buckets.add(caller, 1)
                message = {**message, "headers": message["headers"] + self._headers(callers)}
            await send(message)

        return send_with_limits

    def _headers(self, callers: Sequence[str]) -> list[tuple[bytes, bytes]]:
        least = min(map(self._buckets.level, callers))
        left = f'"requests";r={int(least)};t={self._buckets.wait(least, self._buckets.size)}'
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", left.encode())]
