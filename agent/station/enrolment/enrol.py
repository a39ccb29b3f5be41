"""A computer becomes a station: reads the invite, asks the hub, keeps what it gets, says that it has it.

Every step may be repeated: the new keys and the nonce are on disk before the hub hears of them, so that whoever
crashes anywhere runs the same command again and is the same station.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.domain.errors import BadInput, NmrError
from agent.domain.keys import from_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.names import HUB, to_name
from agent.station.enrolment.again import enrol_again
from agent.station.enrolment.asking import Asking, Way, by_each
from agent.station.enrolment.https import HubRefused, fetch_card, hub_place
from agent.station.enrolment.network import Network
from agent.station.enrolment.pending import Pending, forget_pending, load_pending, make_pending
from agent.station.enrolment.refusals import explained, wrong_hub
from agent.system.credentials import Credentials, is_pending, load_credentials, save_credentials
from agent.system.deployment import deployment
from agent.system.paths import Profile
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, load_key, make_key
from agent.wire.enrolment import EnrolRefused, Welcome, read_card
from agent.wire.frame import FrameRefused
from agent.wire.invite import Card, Invite, invite_id, read_invite
from agent.wire.ledger import read_entry

if TYPE_CHECKING:
    from agent.station.enrolment.by_mail import ByMail

_LARGEST_FILE = 64 * 1024


def enrol(
    profile: Profile,
    invite: str,
    *,
    hub_url: str | None = None,
    wish: str | None = None,
    mail: "ByMail | None" = None,
    only_mail: bool = False,
) -> Credentials:
    """Make this profile a station of the site that `invite` (a file, its text, a link or a code) invites to.

    If it is one already, only an invite made for that very station does anything: it gets new keys.
    `hub_url` is the hub's address where a code is typed, `wish` the station name a person would like. With `mail` it
    goes that way if the hub cannot be reached over the network, with `only_mail` at once.
    Raises BadInput before anything is sent, Unavailable if the hub cannot be reached, NmrError as the hub refuses.
    """
    found = read_invite(text_of(invite))
    if wish and not to_name(wish):
        raise BadInput("This name cannot be used", "Write letters, digits and dashes", field="station")
    profile.create()
    if mail is not None and only_mail:
        card = mail.check(found)
    else:
        card = found.card or _card_from(found, hub_url or deployment(profile).site_url)
    network = [] if only_mail else [Network(hub_place(hub_url or found.hub or card.url))]
    by_mail = [mail] if mail is not None and (only_mail or mail.fits(found)) else []
    if card.renews is not None:
        return enrol_again(profile, found.secret, card, [*network, *by_mail])
    return _join(profile, found, card, to_name(wish or ""), [*network, *by_mail])


def finish(profile: Profile, invite: str, *, hub_url: str | None = None, mail: "ByMail | None" = None) -> None:
    """Tell the hub again that all it gave is on our disk, where it need not know that; changes nothing else here.

    `invite` is the one that was used. Raises as `enrol`.
    """
    found, folder = read_invite(text_of(invite)), profile.secrets_folder
    card = found.card or _card_from(found, hub_url or deployment(profile).site_url)
    key = load_key(folder)
    if key is None or (own := load_credentials(folder, key)) is None:
        return
    pending = load_pending(folder, key)
    if pending is None or pending.invite != found.id:
        return
    asking, station = Asking(card, found.secret, pending.identity(card.site), from_b64u(pending.nonce)), own.station
    ways: list[Way] = [Network(hub_place(hub_url or found.hub or card.url))]
    ways += [mail] if mail is not None and mail.fits(found) else []
    try:
        by_each(ways, lambda way: way.confirm(asking, station))
    except EnrolRefused as refused:
        raise wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        raise explained(refused.code) from refused
    forget_pending(folder)


def _join(profile: Profile, found: Invite, card: Card, wish: str, ways: Sequence[Way]) -> Credentials:
    folder = profile.secrets_folder
    key = _key(folder)
    _refuse_second(folder, key)
    pending = make_pending(folder, key, found.id)
    asking = Asking(card, found.secret, pending.identity(card.site), from_b64u(pending.nonce))
    credentials = by_each(ways, lambda way: _ask(way, asking, wish, pending, folder, key))
    forget_pending(folder)
    return credentials


def _ask(way: Way, asking: Asking, wish: str, pending: Pending, folder: Path, key: WrappingKey) -> Credentials:
    try:
        welcome = way.welcome(asking, wish)
        credentials, bundle = _credentials(asking.card, pending, welcome), welcome.psk.bundle()
        # The bundle first: whoever has credentials is enrolled, and needs one.
        save_bundle(folder, credentials.site, credentials.station, bundle, key)
        save_credentials(folder, credentials, key)
        way.confirm(asking, credentials.station)
    except EnrolRefused as refused:
        raise wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        raise explained(refused.code) from refused
    return credentials


def enrolment_unfinished(profile: Profile) -> bool:
    """Whether an enrolment was begun and the hub may not know that it succeeded: repeat `nmr enrol`."""
    return is_pending(profile.secrets_folder)


def text_of(invite: str) -> str:
    """The text of the invite file, if it names one, or what was typed."""
    path = Path(invite)
    try:
        if len(invite) < _LARGEST_FILE and "\n" not in invite and path.is_file():
            with path.open("rb") as file:
                return file.read(_LARGEST_FILE).decode("utf-8")
    except (OSError, ValueError) as error:
        raise BadInput("The invite cannot be read", f"{invite}: {error}", code="invite-unreadable") from error
    return invite


def _key(folder: Path) -> WrappingKey:
    """The profile's own key, or a fresh one where there is none or its secrets are lost with it."""
    try:
        return load_key(folder) or make_key(folder, keyring=True)
    except SecretsUnreadable as error:
        if not error.lost:
            raise
        return make_key(folder, keyring=True)


def _refuse_second(folder: Path, key: WrappingKey) -> None:
    """One profile is one station; only an enrolment that was never confirmed, or is lost, may be made again."""
    old, pending = _load_old(folder, key), load_pending(folder, key)
    if old is not None and (pending is None or pending.renews):
        raise NmrError(
            "This computer is a station already",
            f"It is “{old.station}” of site “{old.site}”. Use another --profile, or remove {folder.parent} first",
            code="enrolled",
        )


def _load_old(folder: Path, key: WrappingKey) -> Credentials | None:
    """What an earlier enrolment left, if a station can still work with it."""
    try:
        old = load_credentials(folder, key)
        if old is not None:
            load_bundle(folder, old.site, old.station, key)
    except SecretsUnreadable as error:
        if not error.lost:
            raise
        return None
    except KeyUnusable as error:
        if error.fault == "unreadable":
            raise
        return None
    return old


def _card_from(found: Invite, hub_url: str | None) -> Card:
    """Ask the hub for its card and believe it only if it knows the invite's secret."""
    address = hub_url or found.hub
    if not address:
        raise BadInput(
            "The hub's address is missing", "Give it with the code: --hub HOST:PORT", code="hub-missing", field="hub"
        )
    try:
        return read_card(found.secret, fetch_card(hub_place(address), invite_id(found.secret)))
    except EnrolRefused as refused:
        raise wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        raise explained(refused.code) from refused


def _credentials(card: Card, pending: Pending, welcome: Welcome) -> Credentials:
    """What is kept; raises EnrolRefused if the ledger does not begin with the hub of the invite."""
    try:
        ledger = read_entry(Ledger(card.site), welcome.genesis.encode())
    except (FrameRefused, LedgerRefused) as refused:
        raise EnrolRefused("wrong-hub", f"its ledger cannot be read: {refused}") from refused
    hub = ledger.members[HUB]
    if (hub.sign, hub.receive) != (from_b64u(card.sign), from_b64u(card.receive)):
        raise EnrolRefused("wrong-hub", "its ledger begins with another hub")
    return Credentials(
        site=welcome.site,
        station=welcome.station,
        person=welcome.person,
        sign_key=pending.sign_key,
        receive_key=pending.receive_key,
        url=welcome.url,
        brokers=welcome.brokers,
        password=welcome.password,
        client_id=welcome.client_id,
        ca_pem=from_b64u(welcome.ca).decode("ascii"),
        genesis=welcome.genesis,
        hub_mailbox=card.mailbox,
    )
