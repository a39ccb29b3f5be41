"""Who is there: every station heard from in the last 50 seconds, under a number that changes when the set does."""

SILENT_S = 50.0
_ROOM = 12 * 1024
"""What a probe's answer can hold, characters."""


class Roster:
    """The live stations; times are monotonic seconds.

    The number begins with `first`, which differs from run to run, so that no station takes the list of a hub that
    was restarted for the one it knows.
    """

    def __init__(self, first: int) -> None:
        self.number = first
        self._heard: dict[str, float] = {}

    def heard(self, station: str, now: float) -> None:
        """A message of a station came."""
        if station not in self._heard:
            self.number += 1
        self._heard[station] = now

    def left(self, station: str) -> None:
        """A station said good-bye, or is no member any more."""
        if self._heard.pop(station, None) is not None:
            self.number += 1

    def look(self, now: float) -> int:
        """Forget who has become silent; return the number of the set."""
        for station in [name for name, at in self._heard.items() if now - at >= SILENT_S]:
            self.left(station)
        return self.number

    def live(self, now: float) -> frozenset[str]:
        """Return who is there."""
        self.look(now)
        return frozenset(self._heard)

    def names(self) -> str:
        """Return the set as a probe's answer carries it; what does not fit stays away."""
        text = " ".join(sorted(self._heard))
        return text if len(text) <= _ROOM else text[: text.rindex(" ", 0, _ROOM + 1)]

    def silent_for(self, station: str, now: float) -> float | None:
        """Return for how many seconds a station has been silent, None if it is not there."""
        at = self._heard.get(station)
        return None if at is None else now - at
