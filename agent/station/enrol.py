"""A computer becomes a station: reads the invite, asks the hub, keeps what it gets, says that it has it.

Every step may be repeated: the new keys and the nonce are on disk before the hub hears of them, so that whoever
crashes anywhere runs the same command again and is the same station.
"""

import secrets
from pathlib import Path

from msgspec import DecodeError, Struct, json

from agent.domain.bundle import Bundle
from agent.domain.errors import BadInput, NmrError, NotAllowed, Unavailable
from agent.domain.keys import from_b64u, pae, to_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.names import HUB, to_name
from agent.station.enrol_http import HubRefused, confirm, fetch_card, hub_place, post_request
from agent.system.credentials import Credentials, load_credentials, save_credentials
from agent.system.files import write_atomically
from agent.system.paths import Profile
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, load_key, make_key, read_secret_file
from agent.wire.enrolment import NONCE_BYTES, EnrolRefused, Welcome, read_answer, read_card, write_request
from agent.wire.frame import FrameRefused
from agent.wire.invite import Card, Invite, invite_id, read_invite
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry

# enrol.pending = "NMRK1" | backend(1) | nonce(12) | ChaCha20-Poly1305(W, blob, aad=PAE("enrol"))
#     blob = {"invite", "sign_key", "receive_key", "nonce"}      from before the first request until the hub knows
_PENDING = "enrol.pending"
_AAD = pae("enrol")
_LARGEST_FILE = 64 * 1024


class _Pending(Struct, frozen=True, kw_only=True):
    invite: str
    sign_key: str
    receive_key: str
    nonce: str


def enrol(profile: Profile, invite: str, *, hub_url: str | None = None, wish: str | None = None) -> Credentials:
    """Make this profile a station of the site that `invite` (a file, its text, a link or a code) invites to.

    `hub_url` is the hub's address where a code is typed, `wish` the station name a person would like.
    Raises BadInput before anything is sent, Unavailable if the hub cannot be reached, NmrError as the hub refuses.
    """
    found = read_invite(_text_of(invite))
    if wish and not to_name(wish):
        raise BadInput("This name cannot be used", "Write letters, digits and dashes", field="station")
    profile.create()
    folder = profile.secrets_folder
    key = _key(folder)
    _refuse_second(folder, key)
    card = found.card or _card_from(found, hub_url)
    place = hub_place(hub_url or found.hub or card.url)
    pending = _pending(folder, key, found.id)
    me, nonce = _identity(card.site, pending), from_b64u(pending.nonce)
    try:
        sealed = post_request(place, card, write_request(card, found.secret, me, nonce, to_name(wish or "")))
        welcome = read_answer(card, found.secret, me, nonce, sealed)
        credentials, bundle = _credentials(card, pending, welcome), _bundle(welcome)
        # The bundle first: whoever has credentials is enrolled, and needs one.
        save_bundle(folder, credentials.site, credentials.station, bundle, key)
        save_credentials(folder, credentials, key)
        confirm(place, card, write_request(card, found.secret, me, nonce, credentials.station, "confirm"))
    except EnrolRefused as refused:
        raise _wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        raise _explained(refused.code) from refused
    (folder / _PENDING).unlink(missing_ok=True)
    return credentials


def enrolment_unfinished(profile: Profile) -> bool:
    """Whether an enrolment was begun and the hub may not know that it succeeded: repeat `nmr enrol`."""
    return (profile.secrets_folder / _PENDING).exists()


def _text_of(invite: str) -> str:
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
    old = _load_old(folder, key)
    if old is not None and _load_pending(folder, key) is None:
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
        raise _wrong_hub(str(refused)) from refused
    except HubRefused as refused:
        raise _explained(refused.code) from refused


def _pending(folder: Path, key: WrappingKey, invite: str) -> _Pending:
    """The keys of the enrolment under way, or fresh ones, on disk before anybody hears of them."""
    pending = _load_pending(folder, key)
    if pending is None or pending.invite != invite:
        sign, receive = Identity.new("", "").private_keys()
        nonce = secrets.token_bytes(NONCE_BYTES)
        pending = _Pending(invite=invite, sign_key=to_b64u(sign), receive_key=to_b64u(receive), nonce=to_b64u(nonce))
        write_atomically(folder / _PENDING, key.seal(json.encode(pending), _AAD))
    return pending


def _load_pending(folder: Path, key: WrappingKey) -> _Pending | None:
    data = read_secret_file(folder / _PENDING)
    try:
        return json.decode(key.unseal(data or b"", _AAD) or b"", type=_Pending)
    except DecodeError:
        return None  # nobody but us writes it, whole or not at all; a damaged one is as good as none


def _identity(site: str, pending: _Pending) -> Identity:
    return Identity.of(site, "", from_b64u(pending.sign_key), from_b64u(pending.receive_key))


def _credentials(card: Card, pending: _Pending, welcome: Welcome) -> Credentials:
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
    )


def _bundle(welcome: Welcome) -> Bundle:
    """The keys towards the hub; raises EnrolRefused if they are not what a hub gives."""
    found = welcome.psk
    try:
        bundle = Bundle(
            gen=int(found["gen"]),
            psk_id=from_b64u(str(found["psk_id"])),
            psk=from_b64u(str(found["psk"])),
            not_after=int(found["not_after"]),
            backup_id=from_b64u(str(found["backup_id"])),
            backup=from_b64u(str(found["backup"])),
        )
    except (KeyError, ValueError):
        raise EnrolRefused("wrong-hub", "its keys cannot be read") from None
    if not bundle.whole:
        raise EnrolRefused("wrong-hub", "its keys are not whole")
    return bundle


def _wrong_hub(why: str) -> NmrError:
    return NmrError(
        "This is not the hub of the invite",
        f"Nothing was given to it ({why}). Compare the hub's address with the invite, and tell IT",
        code="wrong-hub",
    )


def _explained(code: str) -> NmrError:
    """What the hub's refusal means for a person; its own words are never shown."""
    match code:
        case "invite-expired":
            return NotAllowed("The invite has expired", "Ask IT for a new one", code=code)
        case "invite-used":
            return NotAllowed(
                "The invite was used already", "Each is for one computer. Ask IT for a new one", code=code
            )
        case "invite-claimed":
            message = "IT was warned. If that was not you either, do not go on: ask IT for a new one"
            return NotAllowed("Another computer has used this invite", message, code=code)
        case "invite-unknown":
            message = "It is of another site, or IT took it back. Compare the hub's address, or ask IT for a new one"
            return NotAllowed("The hub does not know this invite", message, code=code)
        case "hub-busy":
            return Unavailable("The hub cannot enrol now", "Try again in a minute; tell IT if it stays", code=code)
    return NmrError("The hub refused the enrolment", f"It answered “{code}”. Tell IT", code=code)
