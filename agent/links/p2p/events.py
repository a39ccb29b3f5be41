"""What the negotiation with one station hears and what it wants done, as values."""

from dataclasses import dataclass

from agent.domain.signals import SignalAnswer, SignalBye, SignalIce, SignalOffer
from agent.links.p2p.pulse import Beat

Signal = SignalOffer | SignalAnswer | SignalIce | SignalBye


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants a channel to this station, until monotonic time `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Nobody wants it longer than any other channel that is not used."""


@dataclass(frozen=True, slots=True)
class SignalingUp:
    """Signals can be sent again."""


@dataclass(frozen=True, slots=True)
class SignalingDown:
    """No signal can be sent."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The signaling server has no socket of this station: it did not get our last signal."""


@dataclass(frozen=True, slots=True)
class Came:
    """A signal of this station, signed and meant for us; `at` is when it was made, by its sender's clock, ms."""

    signal: Signal
    at: int


@dataclass(frozen=True, slots=True)
class Described:
    """Our own description for the connection `pc` is ready."""

    pc: str
    fp: str
    sdp: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """The channel of `pc` is open; nothing is proven."""

    pc: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A message came over the channel of `pc`: a beat, or None for anything else."""

    pc: str
    beat: Beat | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection `pc` could not be made, or has ended."""

    pc: str
    why: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """We leave."""


Event = (
    Wanted | Unwanted | SignalingUp | SignalingDown | Gone | Came | Described | Opened | Heard | Failed | Tick | Stopped
)


@dataclass(frozen=True, slots=True)
class Call:
    """Make the connection `pc` and describe it as an offer."""

    pc: str


@dataclass(frozen=True, slots=True)
class Take:
    """Make the connection `pc` from this offer and describe it as an answer."""

    pc: str
    sdp: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Give the connection `pc` the answer it waits for."""

    pc: str
    sdp: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Give the connection `pc` one more address of the other side."""

    pc: str
    line: str


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection `pc`, `after` so many seconds."""

    pc: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Say:
    """Send a signal to this station."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class SendBeat:
    """Send a beat over the channel of `pc`."""

    pc: str
    beat: Beat


@dataclass(frozen=True, slots=True)
class Use:
    """From now on messages go over `pc`; None: there is no channel that works."""

    pc: str | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Something this station said does not count; `code` is its counter's name."""

    code: str


Effect = Call | Take | Join | Candidate | Close | Say | SendBeat | Use | Refuse
