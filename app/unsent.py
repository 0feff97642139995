"""What clients have not taken yet of their answers: bounded in all, and for each client, so that none shuts the others out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.limits import MAX_UNSENT, share_of

Client = tuple[str, int] | None


class Unsent:
    """Bytes of answers that wait for their clients."""

    def __init__(self, most: int = MAX_UNSENT) -> None:
        """``most`` bytes may wait, four fifths of them for one client."""
        self.most, self.total = most, 0
        self._of: Counter[str] = Counter()

    @contextmanager
    def held(self, client: Client, size: int) -> Iterator[None]:
        """Count so many bytes for a client meanwhile."""
        host = client[0] if client else ""
        self.total += size
        self._of[host] += size
        try:
            yield
        finally:
            self.total -= size
            self._of[host] -= size
            if not self._of[host]:
                del self._of[host]

    def is_full(self, client: Client) -> bool:
        """Return whether too much waits for all clients, or for this one."""
        return self.total > self.most or self._of[client[0] if client else ""] > share_of(self.most)
