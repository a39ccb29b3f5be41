"""What both sides of handshake and renewal share: their times, their channels, what they ask for, their tables."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from agent.domain.bundle import Bundle
from agent.domain.messages import Ice, Parameters


class Times(Struct, frozen=True):
    """How long things take, seconds: the longest wait, the repeats in it, the wait for a round to be ready."""

    wait: float = 120.0
    repeat: tuple[float, ...] = (5.0, 15.0, 45.0)
    ready: float = 30.0


TIMES = Times()

AUTH = "auth"
"""The channel of the handshake."""


def channel_of(round_: str) -> str:
    """Return the channel of a round of renewal."""
    return f"psk/{round_}"


class Lost(Struct, frozen=True):
    """The way to the hub is gone."""


class Say(Struct, frozen=True):
    """Send a message of this type to the other side, on this channel."""

    type: str
    params: Parameters
    channel: str


class Wake(Struct, frozen=True):
    """Send a Woke at this monotonic time at the latest."""

    mono: float


class Fail(Struct, frozen=True):
    """It is over without a proof; `code` says why."""

    code: str


class Verified(Struct, frozen=True):
    """The hub has proven that it holds our PSK."""


class Admitted(Struct, frozen=True):
    """The hub has let us in; times are ms UTC. `ice` are the servers that help us to direct ways, if there are any."""

    session: str
    until: int
    hub_time: int
    roles: tuple[str, ...]
    ice: Ice | None = None


class Listen(Struct, frozen=True):
    """Subscribe to this channel, then tell Listening."""

    channel: str


class Unlisten(Struct, frozen=True):
    """Give this channel up."""

    channel: str


class Save(Struct, frozen=True):
    """Station: replace the keys on disk, whole or not at all, then tell Saved or NotSaved."""

    bundle: Bundle


class Renewed(Struct, frozen=True):
    """Station: the new keys are on disk; begin anew with them."""


class Hold(Struct, frozen=True):
    """Hub: keep these bundles, on disk before anything behind this is done."""

    current: Bundle
    pending: Bundle | None


class Entered(Struct, frozen=True):
    """Hub: this station has proven itself; its session ends at `until`, ms UTC."""

    session: str
    until: int


Act = Say | Wake | Fail | Verified | Admitted | Listen | Unlisten | Save | Renewed | Hold | Entered


class Row(Struct, frozen=True):
    """One cell of a table: the step that is taken, and every phase it may lead to."""

    step: Callable[..., tuple[Any, list[Act]]]
    to: tuple[str, ...]


Table = Mapping[tuple[str, type], Row]
"""What happens in each phase on each event; every pair has its row."""


def repeat_at(times: Times, began: float, repeats: int) -> float:
    """When something is said for the next time, monotonic; `repeats` were made. No later than the end of the wait."""
    return began + (times.repeat[repeats] if repeats < len(times.repeat) else times.wait)
