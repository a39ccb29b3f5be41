"""Whether a login proves that it comes from a member, for this challenge and for this very server."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import ValidationError

from agent.domain.audience import THE_HUB
from agent.domain.ledger import Ledger, Member
from agent.domain.signals import SignalLogin
from agent.wire.frame import FrameRefused, read_body, take_apart, verify


class LoginRefused(Exception):
    """This login is not let in; `code` is one of those in exchange.MESSAGES."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Gate:
    """What a login is held against; `hosts` are the "host:port" by which stations may have dialled us."""

    ledger: Callable[[], Ledger]
    hosts: frozenset[str]

    def check(self, frame: str, challenge: str) -> Member:
        """Return who logs in; raises LoginRefused.

        Time is no part of it: the challenge is new, and the clock of a station may be wrong.
        """
        ledger = self.ledger()
        try:
            parts = take_apart(frame.encode("ascii", "replace"))
            owner = ledger.owner(parts.kid)
            if owner is None:
                raise LoginRefused("unknown")
            if owner.revoked or owner.kid != parts.kid:  # or keys from before it was enrolled anew
                raise LoginRefused("revoked")
            verify(parts, owner.sign)
            envelope, login = read_body(parts.body)
        except (FrameRefused, ValidationError) as refused:
            raise LoginRefused("login") from refused
        if not isinstance(login, SignalLogin) or envelope.site != ledger.site or envelope.audience != THE_HUB:
            raise LoginRefused("login")
        if envelope.sender != owner.station:
            raise LoginRefused("name")
        if login.challenge != challenge:
            raise LoginRefused("challenge")
        if login.host.lower() not in self.hosts:
            raise LoginRefused("host")
        return owner
