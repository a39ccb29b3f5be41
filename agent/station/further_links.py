"""The links that need what the station knows, each loaded only where it is used: straight to others, and by mail."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from agent.domain.events import Event, Instant, LinkChanged
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.links.base import Delivery
from agent.routing.admission import Admission
from agent.routing.policy import MAIL
from agent.routing.router import Router
from agent.system.config.schema_links import MailLink, P2pLink
from agent.system.credentials import Credentials
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.wire.keys import Identity

if TYPE_CHECKING:
    from agent.links.mail.own import OwnMailLink
    from agent.station.direct import Direct


def make_direct(
    credentials: Credentials,
    settings: P2pLink,
    me: Identity,
    admission: Admission,
    *,
    router: Callable[[], Router],
    handle: Callable[[Event], None],
    ledger: Callable[[], Ledger],
    now: Callable[[], Instant],
    warm: Callable[[], Iterable[str]],
) -> "Direct":
    """The peer-to-peer link; `warm` are the stations to which a way is kept open."""
    from agent.routing.notary import StationNotary
    from agent.station.direct import Direct

    return Direct(
        credentials,
        settings.signaling,
        StationNotary(me, admission, ledger, now, new_id),
        router=router,
        handle=handle,
        ledger=ledger,
        now=now,
        warm=warm,
    )


def make_mail(
    settings: MailLink,
    me: Identity,
    profile: Profile,
    credentials: Credentials,
    router: Callable[[], Router],
    ledger: Callable[[], Ledger],
    handle: Callable[[Event], None],
) -> "OwnMailLink | None":
    """The link over this station's mailbox, if it has one; people hear why nothing can be sent while it is open."""
    if not settings.enabled:
        return None
    from agent.links.mail.own import OwnMailLink
    from agent.links.mail.settings import Recipient

    def at_first(station: str) -> Recipient | None:
        """The hub takes mail where it did when we joined, as long as the ledger says nothing else."""
        hub, keys = credentials.hub_mailbox, ledger().members[HUB]
        if station != HUB or not hub.mail:
            return None
        return Recipient(hub.mail, keys.kid, keys.receive, hub.plus)

    return OwnMailLink(
        settings,
        me,
        secrets_folder=profile.secrets_folder,
        data_folder=profile.data_folder,
        ledger=ledger,
        changed=lambda: router().ways_changed(MAIL),
        troubled=lambda why: handle(LinkChanged(MAIL, "up", why)),
        also=at_first,
    )


def mail_arrivals(router: Callable[[Delivery], None], profile: Profile) -> Callable[[Delivery], None]:
    """Return what takes what comes by mail: letters of an enrolment are not for the router."""
    from agent.station.enrolment.letters import before

    return before(router, profile.secrets_folder)
