"""Time: monotonic for durations, the hub's for what is written down; a clock that is set back changes nothing."""

import sys
import time
from collections.abc import Callable

from agent.domain.events import Instant


def steady() -> float:
    """Seconds that nobody can set and that count on while the computer sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    else:  # noqa: RET505 - mypy reads only the branch of its own system
        return time.monotonic()  # Windows counts sleep in it


class AnchoredClock:
    """Counts milliseconds UTC from the hub's word or, before that, from this computer's, through sleep as well."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
        steady: Callable[[], float] = steady,
    ) -> None:
        self._mono, self._steady = mono, steady
        self._offset_ms = round(wall() * 1000 - steady() * 1000)
        self._anchored = False
        self._least_ms: int | None = None

    def now(self) -> Instant:
        """Return now; `anchored` once the hub has told the time."""
        steady_ms = round(self._steady() * 1000)
        least = 0 if self._least_ms is None else steady_ms + self._least_ms
        return Instant(self._mono(), steady_ms + self._offset_ms, self._anchored, least)

    def anchor(self, hub_ms: int, mono: float) -> int | None:
        """Take the hub's word: it was `hub_ms` when our monotonic clock said `mono`.

        The first time, return by how many milliseconds our own guess was behind.
        """
        then = self._steady() - (self._mono() - mono)
        before, self._offset_ms = self._offset_ms, hub_ms - round(then * 1000)
        first, self._anchored = not self._anchored, True
        return self._offset_ms - before if first else None

    def not_before(self, hub_ms: int) -> None:
        """The hub's time is `hub_ms` or later: what has come by mail says no more about the time."""
        offset = hub_ms - round(self._steady() * 1000)
        self._least_ms = offset if self._least_ms is None else max(self._least_ms, offset)


class SiteClock:
    """The hub's clock: what this computer says is the site's time, so it needs no anchor."""

    def now(self) -> Instant:
        """Return now."""
        return Instant(time.monotonic(), round(time.time() * 1000), anchored=True)
