"""A message from a station to itself: only its coming back proves that the broker delivers."""

import asyncio
import secrets
import time
from collections.abc import Callable

PROBE = b"NMRP"
"""What a probe begins with; a sealed container begins with NMR1."""

_SMOOTH = 0.25


class Probe:
    """The probe that is on its way, and how long the ones before took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.rtt: float | None = None
        """Smoothed round trip, seconds."""
        self.heard = asyncio.Event()
        """Set when the probe is back, or something else shows that waiting for it is over."""
        self.taken = False
        """Whether the broker has acknowledged it."""
        self._clock = clock
        self._mark = b""
        self._number = 0
        self._thrown = 0.0

    def throw(self, publish: Callable[[bytes], int]) -> None:
        """Send a new one; what an older one does no longer counts. Raises what `publish` raises."""
        self.taken = False
        self.heard.clear()
        self._mark = PROBE + secrets.token_bytes(16)
        self._thrown = self._clock()
        self._number = publish(self._mark)

    def took(self, number: int) -> None:
        """The broker has acknowledged publish `number`, which may be this probe."""
        if number == self._number:
            self.taken = True

    def caught(self, payload: bytes) -> None:
        """Some probe came; ours, or one of an earlier session or another sender, which says nothing."""
        if payload == self._mark:
            took = self._clock() - self._thrown
            self.rtt = took if self.rtt is None else self.rtt + _SMOOTH * (took - self.rtt)
            self._mark = b""
            self.heard.set()
