"""What the peer-to-peer link must know, and what it needs from the rest of the station."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from agent.domain.envelope import Envelope
from agent.domain.messages import Parameters
from agent.domain.signals import SignalLogin
from agent.links.p2p.events import Signal


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server: "stun:host:port", "turn:host:port?transport=udp", "turns:host:port?transport=tcp"."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class P2pSettings:
    """One station's way to the others.

    `url` is the signaling server's, "wss://host:port/signal"; `ca_pem` the site's own authority, the only one that is
    believed; None means no TLS, for tests. `servers` gives the STUN and TURN servers that count now, for passwords
    change with time; no other is ever contacted, and none if it gives none.
    """

    station: str
    url: str
    ca_pem: bytes | None = field(default=None, repr=False)
    servers: Callable[[], Sequence[IceServer]] = tuple

    @property
    def host(self) -> str:
        """The host:port we dial, as a login names it."""
        parts = urlsplit(self.url)
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{name}:{parts.port or (443 if parts.scheme == 'wss' else 80)}"


class Notary(Protocol):
    """Who signs and seals what we say, and checks what we hear: the only one who knows keys."""

    def login(self, login: SignalLogin) -> bytes:
        """The signed frame of a login, to the hub."""

    def seal(self, to: str, signal: Signal) -> bytes:
        """The sealed container of a signal for station `to`; raises LookupError if there is no such member."""

    def open(self, sender: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        """What is in a container from `sender`, for us, signed, fresh and allowed; raises FrameRefused."""
