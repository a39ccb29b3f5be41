"""The mailbox of this station: the hub is told where it is until the ledger says so, and answers are looked out for."""

from agent.domain.audience import THE_HUB
from agent.domain.effects import Effect, ExpectMail, Post, WakeAt
from agent.domain.envelope import DAY_MS, QUIET
from agent.domain.events import Instant, Sent
from agent.domain.mail import NOWHERE, MailAddress, Mailbox
from agent.domain.names import HUB
from agent.routing.policy import MAIL
from agent.station.desk import Desk

AGAIN_S = 3600.0
"""What was said and does not stand in the ledger is said again after so many seconds: the hub may have had a reason."""

RECEIPT_S = 30.0
"""So long the mailbox is watched closely for the receipt of what went by mail."""


class Mailing:
    """Compares what the ledger says of us with `box`, where the settings let us take mail."""

    def __init__(self, desk: Desk, box: Mailbox = NOWHERE) -> None:
        self._desk, self._box = desk, box if box.mail else NOWHERE
        self._said: float | None = None

    def woke(self, now: Instant) -> list[Effect]:
        """Tell the hub if the ledger says something else."""
        me = self._desk.me
        if me is None or me.mailbox == self._box or (self._said is not None and now.mono < self._said + AGAIN_S):
            return []
        self._said = now.mono
        said = MailAddress(mail=self._box.mail, plus=self._box.plus)
        post = Post(self._desk.new_id(), THE_HUB, (HUB,), "mail.address", said, prio=QUIET, life_ms=DAY_MS)
        return [post, WakeAt(now.mono + AGAIN_S)]

    def sent(self, event: Sent) -> list[Effect]:
        """What wants a receipt went by mail: that comes the same way."""
        return [ExpectMail(RECEIPT_S)] if event.link == MAIL else []
