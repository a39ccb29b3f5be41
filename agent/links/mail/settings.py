"""What the mail link must know: where our mailbox is, who we are there, and how addresses are spelled."""

import hashlib
from dataclasses import dataclass, field

from agent.wire.keys import Identity

Address = tuple[str, int]
"""Host and port, of which only the port with TLS from the first byte is spoken: 465 or 993."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where another station reads its mail, and for whose eyes a pack is sealed: `kid` (16 bytes), raw X25519 key.

    `plus` says that its server brings local+detail@domain to the address.
    """

    address: str
    kid: bytes
    receive: bytes
    plus: bool = True


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the link waits for what; all in seconds."""

    answer: float = 30.0
    """For one answer of a server; then the connection counts as dead."""
    kept: float = 5.0
    """For the first answer on a connection that was kept: a network that changed meanwhile does not say so."""
    taken: float = 120.0
    """For the answer to a whole mail, which the server may look through first."""
    idle_end: float = 120.0
    """Without a message the sender closes its connection and ends."""
    poll: float = 60.0
    """The longest trust in a server that promised to tell what comes; far below the 29 minutes it allows."""
    blind_poll: float = 15.0
    """The same with a server that promises nothing (no IDLE)."""
    turn: float = 60.0
    """For the turn among the agents of this computer that send from one mailbox."""
    goodbye: float = 1.0
    """For each thread to end by itself when the session is left."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """One station's mailbox.

    `user` is the name for the login, empty if it is the address. `password` is not looked at where the link is given a
    token. `plus` says that the server brings local+detail@domain to local@domain, so that one mailbox can serve
    several stations. `ca_pem` is the only authority that is believed; None means those of the system.
    """

    me: Identity = field(repr=False)
    address: str
    imap: Address
    smtp: Address
    password: str = field(default="", repr=False)
    user: str = ""
    folder: str = "INBOX"
    plus: bool = True
    ca_pem: bytes | None = field(default=None, repr=False)
    pace: Pace = Pace()

    @property
    def login(self) -> str:
        """The name we log in with."""
        return self.user or self.address

    @property
    def mailbox(self) -> str:
        """The name under which we remember the folder that we read."""
        return hashlib.sha256(f"{self.imap[0]}\n{self.login}\n{self.folder}".encode()).hexdigest()[:16]

    @property
    def detail(self) -> str | None:
        """What stands behind the plus in mails for us; None if nothing does."""
        return self.me.kid.hex() if self.plus else None


def with_detail(address: str, kid: bytes) -> str:
    """The address with the key of the station behind a plus; what stood behind one already stays away."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}+{kid.hex()}@{domain}"
