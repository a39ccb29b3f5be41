"""How long an answer may take and a task is lent: seconds on fast links, by mail what its trips show."""

from msgspec import Struct

from agent.domain.tasks import MOST_LEASE_MS
from agent.tasking.trips import Trips

FAST_S = 5.0
"""A round trip up to this long is no mail."""


class Paces(Struct, frozen=True):
    """Seconds; by mail a lease lasts at least `mail_lease_s`, and four times what 19 of 20 trips take."""

    accept_s: float = 10.0
    lease_s: float = 30.0
    mail_lease_s: float = 15 * 60.0

    def lease_ms(self, trip: float | None, trips: Trips) -> int:
        """Return for how long a task is lent to a worker with this round trip, seconds."""
        if trip is not None and trip <= FAST_S:
            return round(self.lease_s * 1000)
        return min(round(max(self.mail_lease_s, 4 * trips.p95) * 1000), MOST_LEASE_MS)

    def is_fast(self, lease_ms: int) -> bool:
        """Whether a task was lent over a fast link."""
        return lease_ms <= self.lease_s * 1000

    def answer_s(self, lease_ms: int, trips: Trips) -> float:
        """Return how long a worker has to accept, seconds."""
        return self.accept_s if self.is_fast(lease_ms) else max(self.accept_s, 2 * trips.p95)

    def slow_s(self, lease_ms: int, trips: Trips) -> float:
        """Return how long to wait for pieces before asking again, seconds; 0 where answers come at once."""
        return 0.0 if self.is_fast(lease_ms) else 2 * trips.p95
