"""Time: monotonic for durations, the hub's for what is written down; a clock that is set back changes nothing."""

import time

from agent.domain.events import Instant


class AnchoredClock:
    """Counts milliseconds UTC on the monotonic clock, from the hub's word or, before that, from this computer's."""

    def __init__(self) -> None:
        self._offset_ms = round(time.time() * 1000 - time.monotonic() * 1000)
        self._anchored = False

    def now(self) -> Instant:
        """Return now; `anchored` once the hub has told the time."""
        mono = time.monotonic()
        return Instant(mono, round(mono * 1000) + self._offset_ms, self._anchored)

    def anchor(self, hub_ms: int, mono: float) -> None:
        """Take the hub's word: it was `hub_ms` when our monotonic clock said `mono`."""
        self._offset_ms = hub_ms - round(mono * 1000)
        self._anchored = True


class SiteClock:
    """The hub's clock: what this computer says is the site's time, so it needs no anchor."""

    def now(self) -> Instant:
        """Return now."""
        return Instant(time.monotonic(), round(time.time() * 1000), anchored=True)
