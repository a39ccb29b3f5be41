"""How many pages were over before anybody answered: one line for all of them, once no more come."""

from agent.domain.effects import Effect, Tell, WakeAt
from agent.domain.events import Instant

GATHER_S = 1.0


class Missed:
    """Counts until it is told; monotonic seconds."""

    def __init__(self) -> None:
        self._count = 0
        self._tell_at: float | None = None

    def count(self, now: Instant) -> list[Effect]:
        """One more."""
        self._count += 1
        self._tell_at = now.mono + GATHER_S
        return [WakeAt(self._tell_at)]

    def tell(self, now: Instant) -> list[Effect]:
        """Say how many, when it is time; what was said before stays on the screen."""
        if self._tell_at is None or now.mono < self._tell_at:
            return []
        told = Tell("notice.missed", {"n": str(self._count)}, key=f"missed {now.ms}")
        self._count, self._tell_at = 0, None
        return [told]
