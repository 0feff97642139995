"""How often one client, and one token, may ask: token buckets, in the notation of the library ``limits``, which has none."""

from collections.abc import Sequence
from itertools import islice
from math import ceil
from time import monotonic

from limits import RateLimitItem
from starlette.types import Message, Scope, Send

from app.errors import Problem, TooManyRequests
from app.headers import fields_of

NOT_MODIFIED = 304
MOST_CALLERS = 100_000
"""That are remembered."""


class Buckets:
    """One bucket a caller: full at first, and refilled evenly."""

    def __init__(self, limit: RateLimitItem) -> None:
        """A bucket holds the amount of ``limit``, and is full again after its time."""
        self.size, self.seconds = limit.amount, limit.get_expiry()
        self._levels: dict[str, tuple[float, float]] = {}

    def level(self, caller: str) -> float:
        """What is in the bucket."""
        level, since = self._levels.get(caller, (float(self.size), 0.0))
        return min(float(self.size), level + (monotonic() - since) * self.size / self.seconds)

    def add(self, caller: str, amount: float) -> None:
        """Put something into the bucket, or take it out."""
        if len(self._levels) >= MOST_CALLERS and caller not in self._levels:
            self._forget()
        self._levels[caller] = (min(float(self.size), self.level(caller) + amount), monotonic())

    def _forget(self) -> None:
        """Those whose buckets are full again, and half of the others if they are too many, the oldest first."""
        kept = {caller: found for caller, found in self._levels.items() if self.level(caller) < self.size}
        self._levels = dict(islice(kept.items(), len(kept) // 2, None)) if len(kept) > MOST_CALLERS // 2 else kept

    def wait(self, level: float, wanted: float) -> int:
        """Seconds until a bucket with ``level`` has what is wanted."""
        return max(0, ceil((wanted - level) * self.seconds / self.size))


class Rate:
    """How many requests one client, and one token, may send; 304 costs nothing."""

    def __init__(self, limit: RateLimitItem) -> None:
        """``limit`` for each."""
        self.limit = limit
        self._buckets = Buckets(limit)
        self._policy = f'"requests";q={limit.amount};w={limit.get_expiry()}'.encode()

    def callers(self, scope: Scope) -> tuple[str, ...]:
        """Who sends the request: the client, and the token where there is one."""
        client = scope["client"][0] if scope["client"] else ""
        token = fields_of(scope).get(b"authorization")
        return (client,) if token is None else (client, f"token {hash(token)}")

    def refused(self, callers: Sequence[str]) -> Problem | None:
        """The problem, if one of the callers has sent too much; else the request is counted."""
        least = min(map(self._buckets.level, callers))
        if least < 1:
            wait = {"Retry-After": str(max(1, self._buckets.wait(least, 1)))}
            return TooManyRequests(f"At most {self.limit} are answered.", headers=wait)
        for caller in callers:
            self._buckets.add(caller, -1)
        return None

    def telling(self, send: Send, callers: Sequence[str]) -> Send:
        """``send`` that says what is left (draft-ietf-httpapi-ratelimit-headers), and does not count a 304."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                for caller in callers if message["status"] == NOT_MODIFIED else ():
                    self._buckets.add(caller, 1)
                message = {**message, "headers": message["headers"] + self._left(callers)}
            await send(message)

        return told

    def _left(self, callers: Sequence[str]) -> list[tuple[bytes, bytes]]:
        least = min(map(self._buckets.level, callers))
        left = f'"requests";r={int(least)};t={self._buckets.wait(least, self._buckets.size)}'
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", left.encode())]
