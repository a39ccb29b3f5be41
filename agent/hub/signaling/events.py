"""What happens at the signaling server's sockets, and what shall be done with them, as data."""

from msgspec import Struct


class Opened(Struct, frozen=True):
    """A stranger has connected. Sockets are numbers that are never used again."""

    socket: int


class Said(Struct, frozen=True):
    """A message came; None if it was no text."""

    socket: int
    text: str | None


class Taken(Struct, frozen=True):
    """The network took a message of `size` characters for this socket."""

    socket: int
    size: int


class Late(Struct, frozen=True):
    """The time to log in is over."""

    socket: int


class Closed(Struct, frozen=True):
    """The socket is no more."""

    socket: int


class Revoked(Struct, frozen=True):
    """This station is a member no longer."""

    station: str


class Changed(Struct, frozen=True):
    """The ledger has grown: who is logged in may be no member any more, or have other keys."""


class Say(Struct, frozen=True):
    """Send this text; tell with Taken when the network took it."""

    socket: int
    text: str


class End(Struct, frozen=True):
    """Forget what waits for this socket, send this text and close; nothing it says counts any more."""

    socket: int
    text: str
    code: str


class Rest(Struct, frozen=True):
    """Read nothing from this socket for so many seconds."""

    socket: int
    seconds: float


Event = Opened | Said | Taken | Late | Closed | Revoked | Changed
Effect = Say | End | Rest
