"""Backpressure: response bytes that clients have not read yet, limited in total and per client."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.limits import MAX_UNSENT, client_share

Client = tuple[str, int] | None


class UnsentBytes:
    """Count of response bytes that wait for slow clients."""

    def __init__(self, most: int = MAX_UNSENT) -> None:
        """Allow ``most`` bytes in total, four fifths of them for one client."""
        self.most, self.total = most, 0
        self._by_host: Counter[str] = Counter()

    @contextmanager
    def held(self, client: Client, size: int) -> Iterator[None]:
        """Count ``size`` bytes for ``client`` while the context lasts."""
        host = client[0] if client else ""
        self.total += size
        self._by_host[host] += size
        try:
            yield
        finally:
            self.total -= size
            self._by_host[host] -= size
            if not self._by_host[host]:
                del self._by_host[host]

    def is_full(self, client: Client) -> bool:
        """Return whether the limit in total, or the share of ``client``, is exceeded."""
        return self.total > self.most or self._by_host[client[0] if client else ""] > client_share(self.most)
