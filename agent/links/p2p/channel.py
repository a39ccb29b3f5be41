"""The channels to one station that are open: which one is in use, how it is, and who still wants it."""

import math

from agent.links.p2p.events import Effect, SendBeat
from agent.links.p2p.pulse import Beat, Pulse

IDLE_S = 600.0
"""A channel that we wanted once is closed when nothing went over it for so long."""
PROVEN_S = 5.0
"""One that lived so long was a success."""


class Channels:
    """What we have: at most one channel in use, and perhaps one more that has not proven itself yet."""

    def __init__(self) -> None:
        self.use: str | None = None
        """The connection whose channel messages go over."""
        self._pulses: dict[str, Pulse] = {}
        self._wanted = -math.inf
        self._since = 0.0

    def want(self, until: float) -> None:
        """Somebody wants a channel until then."""
        self._wanted = max(self._wanted, until)

    def unwant(self, now: float) -> None:
        """Nobody wants it longer than any other."""
        self._wanted = min(self._wanted, now)

    def missing(self, now: float) -> bool:
        """Whether one is wanted that we do not have, or doubt."""
        return now < self._wanted and (self.use is None or self._pulses[self.use].health(now) != "open")

    def open(self, pc: str, now: float) -> bool:
        """The channel of `pc` is open, unproven; False if we knew that."""
        if pc in self._pulses:
            return False
        self._pulses[pc] = Pulse(now)
        return True

    def is_open(self, pc: str) -> bool:
        """Whether `pc` has a channel, and one that was not replaced."""
        return pc in self._pulses

    def is_proven(self, pc: str) -> bool:
        """Whether messages may come over it."""
        return self._pulses[pc].proven

    def heard(self, pc: str, beat: Beat | None, now: float) -> bool:
        """Something came over `pc`; True if that proved it just now."""
        return self._pulses[pc].heard(beat, now)

    def beats(self, now: float) -> list[Effect]:
        """The beats that are due."""
        beats = ((pc, pulse.beat(now)) for pc, pulse in self._pulses.items())
        return [SendBeat(pc, beat) for pc, beat in beats if beat is not None]

    def put_to_use(self, pc: str, now: float) -> str | None:
        """Use `pc` from now on; return the one that it replaces."""
        old, self.use, self._since = self.use, pc, now
        if old is not None:
            self._pulses.pop(old, None)
        return old

    def forget(self, pc: str) -> None:
        """The channel of `pc` is no more."""
        self._pulses.pop(pc, None)
        if pc == self.use:
            self.use = None

    def was_good(self, now: float) -> bool:
        """Whether the newest channel in use lived long enough to call it a success."""
        return now - self._since >= PROVEN_S

    def pulse(self) -> Pulse | None:
        """The heart of the channel in use."""
        return None if self.use is None else self._pulses[self.use]

    def give_up_idle(self, now: float) -> bool:
        """Whether the channel in use is of no use to us any more; asked again only when it was wanted again."""
        if now < self._idle_at():
            return False
        self._wanted = -math.inf
        return True

    def due(self, now: float) -> float:
        """When to look again."""
        return min([self._idle_at(), *(pulse.due(now) for pulse in self._pulses.values())])

    def _idle_at(self) -> float:
        """Whoever never wanted the channel leaves its end to the other."""
        pulse = self.pulse()
        if pulse is None or self._wanted == -math.inf:
            return math.inf
        return max(self._wanted, pulse.used_at + IDLE_S)
