"""A station that is one already gets new keys towards its hub; everything else it has stays as it is."""

# Idempotent at every step: the nonce is on disk before the hub hears of it, the hub gives the same keys until it holds
# others, the bundle is replaced whole, and the hub may be told twice that it is there.

from collections.abc import Sequence
from pathlib import Path

from agent.domain.bundle import Bundle
from agent.domain.errors import NmrError
from agent.domain.keys import from_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.names import HUB
from agent.station.enrolment.asking import Asking, Way, by_each
from agent.station.enrolment.https import HubRefused
from agent.station.enrolment.pending import forget_pending, make_pending
from agent.station.enrolment.refusals import another_station, explained, wrong_hub
from agent.system.control import connect
from agent.system.credentials import Credentials, load_credentials
from agent.system.paths import Profile
from agent.system.psk_file import save_bundle
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, load_key
from agent.wire.enrolment import EnrolRefused, Fresh
from agent.wire.frame import FrameRefused
from agent.wire.invite import Card, invite_id
from agent.wire.ledger import read_entry


def enrol_again(profile: Profile, secret: bytes, card: Card, ways: Sequence[Way]) -> Credentials:
    """Fetch the keys that an invite holds for this very station, and let a running agent try them at once.

    Raises NotAllowed if the invite is for another, Unavailable if the hub cannot be reached, NmrError as it refuses.
    """
    folder = profile.secrets_folder
    key, own = _own(folder, card)
    pending = make_pending(folder, key, invite_id(secret), (own.sign_key, own.receive_key))
    asking = Asking(card, secret, pending.identity(card.site), from_b64u(pending.nonce))
    by_each(ways, lambda way: _ask(way, asking, own, folder, key))
    forget_pending(folder)
    _try_at_once(profile)
    return own


def _ask(way: Way, asking: Asking, own: Credentials, folder: Path, key: WrappingKey) -> None:
    try:
        bundle = _bundle(way.fresh(asking, own.station), own)
        save_bundle(folder, own.site, own.station, bundle, key)
        way.confirm(asking, own.station)
    except EnrolRefused as refused:
        raise wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        if refused.code == "invite-used":  # the hub holds newer keys: what was begun has ended, well or never
            forget_pending(folder)
        raise explained(refused.code) from refused


def _own(folder: Path, card: Card) -> tuple[WrappingKey, Credentials]:
    """What this station has; raises NotAllowed unless the invite is for it and from its own hub."""
    renews = card.renews or ""
    try:
        key = load_key(folder)
        own = None if key is None else load_credentials(folder, key)
    except SecretsUnreadable as error:
        if not error.lost:
            raise
        raise another_station(renews, "") from error
    if key is None or own is None:
        raise another_station(renews, "")
    if (own.site, own.station) != (card.site, renews):
        raise another_station(renews, own.station)
    if not _is_our_hub(own, card):
        raise wrong_hub("it is not the hub this station knows")
    return key, own


def _is_our_hub(own: Credentials, card: Card) -> bool:
    try:
        hub = read_entry(Ledger(own.site), own.genesis.encode()).members[HUB]
    except (FrameRefused, LedgerRefused):
        return False
    return (hub.sign, hub.receive) == (from_b64u(card.sign), from_b64u(card.receive))


def _bundle(fresh: Fresh, own: Credentials) -> Bundle:
    if fresh.station != own.station:
        raise EnrolRefused("wrong-hub", "its keys are for another station")
    return fresh.psk.bundle()


def _try_at_once(profile: Profile) -> None:
    """Whoever runs on this profile waits for the keys; nobody may run, and it tries again by itself anyway."""
    try:
        with connect(profile) as line:
            line.request("retry")
    except NmrError:
        return
