"""When each station was last heard of: kept now and then, so that a restart does not make strangers of all."""

# kept "seen" "stations": JSON of {station: ms UTC}. Losing the last few minutes of it costs nothing, so it is no reason
# to wake or to write for every message.

from collections.abc import Iterable, Mapping

from agent.domain.effects import Effect, Keep
from agent.domain.events import Instant

KIND, ID = "seen", "stations"

SAVE_S = 600.0
"""So long what is new may wait for the disk."""


class LastSeen:
    """`ms` is when each was last heard of, ms UTC; a message counts from when it was written, for mail takes hours."""

    def __init__(self, kept: Mapping[str, int]) -> None:
        self.ms = dict(kept)
        self._new_since: float | None = None

    def heard(self, stations: Iterable[str], written_ms: int, now: Instant) -> None:
        """These were there when something of theirs was written."""
        at = min(written_ms, now.ms)
        for station in stations:
            if at > self.ms.get(station, -1):
                self.ms[station] = at
                self._new_since = now.mono if self._new_since is None else self._new_since

    def woke(self, now: Instant) -> list[Effect]:
        """Keep what is new, at most once in ten minutes; whatever woke us, we do not wake for this."""
        if self._new_since is None or now.mono < self._new_since + SAVE_S:
            return []
        return self.keep()

    def keep(self) -> list[Effect]:
        """Keep what is new, if anything is."""
        if self._new_since is None:
            return []
        self._new_since = None
        return [Keep(KIND, ID, dict(self.ms))]
