"""What every link is: a way to carry sealed bytes, and the two ways it can fail.

A link can neither read nor alter what it carries. `send` returning means the link took the bytes,
never that anybody received them: only the recipient's signed receipt says so.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


class LinkDown(Exception):
    """The link does not work now; try another way, this one comes back by itself."""


class LinkRefused(Exception):
    """The other side does not want us (wrong password, revoked): stop and tell the user."""


@dataclass(frozen=True, slots=True)
class Delivery:
    r"""One sealed container as it came from a link.

    `sender` is the station the link itself vouches for (the topic's last level), or None where a
    link knows none. `accept` tells the link that the bytes are safely stored (PUBACK, \Seen); call
    it in the event loop, at most once, and only after the commit.
    """

    link: str
    sender: str | None
    sealed: bytes
    accept: Callable[[], None]


class Session(Protocol):
    """A link while it is up; leaving its context ends it."""

    async def send(self, to: str, sealed: bytes) -> None:
        """Hand `sealed` to the link for station `to`; raises LinkDown."""

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the link goes down, then raise LinkDown."""


class Link(Protocol):
    """One way to reach other stations."""

    @property
    def name(self) -> str:
        """`mqtt`, `p2p`, `mail` or `memory`."""

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Open the link; raises LinkDown or LinkRefused on entering."""
