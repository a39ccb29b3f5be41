"""What the site hands out: its card to whoever is invited, the welcome to whoever is let in."""

from dataclasses import dataclass

from agent.domain.keys import to_b64u
from agent.domain.mail import NOWHERE, Mailbox
from agent.hub.account import StationAccount
from agent.hub.invites import Issued
from agent.wire.enrolment import Fresh, Keys, Welcome
from agent.wire.invite import Card
from agent.wire.keys import Identity


@dataclass(frozen=True, slots=True)
class Site:
    """Who the hub is and where stations find it; `ca` is the PEM text of its authority, `mailbox` takes letters."""

    me: Identity
    url: str
    brokers: tuple[tuple[str, int], ...]
    ca: bytes
    mailbox: Mailbox = NOWHERE

    def card(self, issued: Issued) -> Card:
        """Return what an invited computer must know."""
        return Card(
            site=self.me.site,
            sign=to_b64u(self.me.sign),
            receive=to_b64u(self.me.receive),
            url=self.url,
            brokers=self.brokers,
            ca=to_b64u(self.ca),
            person=issued.person,
            roles=issued.roles,
            not_after=issued.not_after,
            renews=issued.given if issued.renews else None,
            mail=self.mailbox.mail,
            plus=self.mailbox.plus,
        )

    def welcome(self, issued: Issued, account: StationAccount, password: str, genesis: bytes) -> Welcome:
        """Return all a new station needs; nobody keeps the password but the station."""
        return Welcome(
            station=account.station,
            site=self.me.site,
            person=issued.person,
            roles=issued.roles,
            password=password,
            client_id=account.client_id,
            url=self.url,
            brokers=self.brokers,
            ca=to_b64u(self.ca),
            genesis=genesis.decode("ascii"),
            psk=Keys.of(account.current),
        )

    def fresh(self, account: StationAccount) -> Fresh:
        """Return new keys for a station that has everything else."""
        return Fresh(station=account.station, site=self.me.site, psk=Keys.of(account.current))
