"""What every link is: a way to carry sealed bytes, and the two ways it can fail.

A link can neither read nor alter what it carries. `send` returning means the link took the bytes,
never that anybody received them: only the recipient's signed receipt says so.
"""

# A channel is where in a link a message travels, and so when a session hears it.
#     ""            the inbox: from any station to any other; kept for one that is away, given again until accepted
#     "auth"        between one station and the hub, for the proof that both know the station's key
#     "psk/<round>" the same for one renewal of that key; a round is 32 lower-case hex digits
# Only the inbox keeps and repeats. On the others a message comes to whoever listens at that moment, so those who
# speak there repeat what is not answered. Only mqtt and memory have them: whoever stands in between is who must not
# be believed before the proof.

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeGuard

HUB = "hub"
"""The station that is heard by all on every channel, and hears all."""

INBOX, AUTH = "", "auth"

_CHANNEL = re.compile(r"|auth|psk/[0-9a-f]{32}")


class LinkDown(Exception):
    """The link does not work now; try another way, this one comes back by itself."""


class LinkFull(LinkDown):
    """The link works and takes no more for a while: try another way, or this one until the other side is silent."""


class HubUnproven(LinkDown):
    """Whoever answers at the broker did not prove to be our hub: try again, but in no hurry."""


class LinkRefused(Exception):
    """The other side does not want us (wrong password, revoked): stop and tell the user."""


@dataclass(frozen=True, slots=True)
class Delivery:
    r"""One sealed container as it came from a link.

    `sender` is the station the link itself vouches for (the topic's last level), or None where a
    link knows none. `accept` tells the link that the bytes are safely stored (PUBACK, \Seen); call
    it in the event loop, at most once, and only after the commit. `channel` is where it travelled: "" is the inbox.
    """

    link: str
    sender: str | None
    sealed: bytes
    accept: Callable[[], None]
    channel: str = INBOX


class Session(Protocol):
    """A link while it is up; leaving its context ends it."""

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Hand `sealed` to the link for station `to`; raises LinkDown.

        On other channels than the inbox a station speaks to the hub only, the hub to any station.
        """

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the link goes down, then raise LinkDown."""


class WaySession(Session, Protocol):
    """A session with a way of its own to each station, which is open or not."""

    def ways(self) -> Mapping[str, float | None]:
        """The stations that can be sent to now, each with the round trip in seconds, if that is known."""

    def want(self, station: str) -> None:
        """Open a way to a station if there is none; returns at once."""


class ManySession(WaySession, Protocol):
    """A session that is quicker when it is given `at_once` containers for a station before it took the first."""

    at_once: int


class GatedSession(Session, Protocol):
    """A session that hears "auth" from the start, but opens no letter before it is told to.

    What the link brings into the inbox before waits in the session, unopened and not accepted, so that the link
    keeps it too.
    """

    async def listen(self, channel: str) -> None:
        """Return when `channel` is heard; raises LinkDown."""

    async def unlisten(self, channel: str) -> None:
        """Hear `channel` no more; raises LinkDown."""

    async def open_inbox(self) -> None:
        """Return when messages to us are proven to come through, then hand over what waited and what comes.

        Raises LinkDown, and then the session has ended. On an open inbox it does nothing.
        """

    def abort(self, error: LinkDown | LinkRefused) -> None:
        """End the session: `received` raises exactly this error at once; only the first end counts.

        What nobody has taken is not handed over any more; what was sent still goes out.
        """


class Link(Protocol):
    """One way to reach other stations."""

    @property
    def name(self) -> str:
        """`mqtt`, `p2p`, `mail` or `memory`."""

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Open the link; raises LinkDown or LinkRefused on entering."""


class GatedLink(Link, Protocol):
    """A link whose sessions wait for `open_inbox`, which its `gated` says."""

    @property
    def gated(self) -> bool:
        """Whether they do."""

    def connect(self) -> AbstractAsyncContextManager[GatedSession]:
        """Open the link; raises LinkDown or LinkRefused on entering."""


def has_ways(session: Session) -> TypeGuard[WaySession]:
    """Whether this session has a way of its own to each station."""
    return hasattr(session, "ways")


def is_gated(link: Link) -> bool:
    """Whether this link's sessions wait for `open_inbox`."""
    return bool(getattr(link, "gated", False))


def channel_of_round(round_hex: str) -> str:
    """The channel of one renewal; raises ValueError unless `round_hex` is 32 lower-case hex digits."""
    return checked(f"psk/{round_hex}")


def checked(channel: str) -> str:
    """The same channel; raises ValueError if there is none of that name."""
    if not is_channel(channel):
        raise ValueError(f"{channel!r} is no channel of a link")
    return channel


def is_channel(name: str) -> bool:
    """Whether there can be a channel of that name."""
    return _CHANNEL.fullmatch(name) is not None


def check_way(sender: str, to: str, channel: str) -> None:
    """Raise ValueError if `channel` does not exist or does not lead from `sender` to `to`."""
    if checked(channel) != INBOX and HUB not in (sender, to):
        raise ValueError(f"channel {channel!r} leads to the hub, not to {to}")
