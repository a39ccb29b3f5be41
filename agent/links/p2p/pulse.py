"""The heartbeat of one channel: whether the other side hears us, how long a round takes, and when it is dead."""

# A beat travels on the channel like a container: b"NMRP" + u32 n + u32 echo + u32 held, big-endian.
#     n       counts the beats of its sender from 1
#     echo    the newest n its sender has heard, 0 before the first
#     held    milliseconds between hearing that one and sending this
# Both beat at once when the channel opens, once more when they first hear the other, and then every BEAT_S. A beat
# that echoes one of ours proves both ways; only then may a container travel. No beat asks for an answer, so a channel
# at rest costs one message each way in two seconds.

import math
import struct
from dataclasses import dataclass
from typing import Literal

BEAT_S, SUSPECT_S, DEAD_S = 2.0, 5.0, 11.5
"""Seconds between two beats, and after which silence a channel is suspect, and dead: noticed within 6 and 12."""

MAGIC = b"NMRP"
_FORM = struct.Struct(">4sIII")
_SMOOTH = 0.25
_REMEMBERED = 16

Health = Literal["open", "suspect", "dead"]


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat."""

    n: int
    echo: int
    held: int

    def encode(self) -> bytes:
        """The bytes on the channel."""
        return _FORM.pack(MAGIC, self.n, self.echo, self.held)


def decode(message: bytes) -> Beat | None:
    """Return the beat in a message of the channel, or None if it is none."""
    if len(message) != _FORM.size or not message.startswith(MAGIC):
        return None
    _, n, echo, held = _FORM.unpack(message)
    return Beat(n, echo, held)


class Pulse:
    """One channel's, from its opening on."""

    def __init__(self, now: float) -> None:
        self.proven = False
        self.rtt: float | None = None
        """Smoothed round trip, seconds."""
        self.heard_at = self.used_at = now
        self._next = now
        self._n = self._echo = 0
        self._echo_at = now
        self._sent: dict[int, float] = {}

    def heard(self, beat: Beat | None, now: float) -> bool:
        """Note that something came, a beat or anything else; True if a beat proved the channel just now."""
        self.heard_at = now
        if beat is None:
            self.used_at = now
            return False
        if beat.n > self._echo:
            if self._echo == 0:
                self._next = now
            self._echo, self._echo_at = beat.n, now
        if beat.echo in self._sent:
            self._measure(now - self._sent.pop(beat.echo) - beat.held / 1000)
            news, self.proven = not self.proven, True
            return news
        return False

    def beat(self, now: float) -> Beat | None:
        """The beat that is due, if one is."""
        if now < self._next:
            return None
        self._next = (math.floor(now / BEAT_S) + 1) * BEAT_S  # all channels beat at one moment: one wake-up for all
        self._n += 1
        self._sent[self._n] = now
        if len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return Beat(self._n, self._echo, min(round((now - self._echo_at) * 1000), 2**32 - 1))

    def health(self, now: float) -> Health:
        """How it is."""
        if now < self.heard_at + SUSPECT_S:
            return "open"
        return "suspect" if now < self.heard_at + DEAD_S else "dead"

    def due(self, now: float) -> float:
        """When to look again: the next beat, or the next change of health if nothing comes.

        An unproven channel has no health: whoever opens it waits only so long.
        """
        if not self.proven:
            return self._next
        return min(self._next, self.heard_at + (SUSPECT_S if self.health(now) == "open" else DEAD_S))

    def _measure(self, took: float) -> None:
        took = max(took, 0.0)
        self.rtt = took if self.rtt is None else self.rtt + _SMOOTH * (took - self.rtt)
