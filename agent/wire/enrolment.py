"""How a station joins a site: what both sides write and read, and everything they check in each other."""

# GET  /invite/<id>     ← {"card": B64U(card), "mac": B64U(HMAC(K_card, PAE("nmr1/invite-card", id, card)))}
#                         card is strict JSON; over TLS that nobody has verified yet: the MAC says whether it is true
# POST /enrol           → HPKE to the hub of the request   {v, invite, wish, sign, receive, nonce, signature, mac}
#                         and, if the newcomer has a mailbox, "mail" and "plus"
#                       ← HPKE to the station of the answer {welcome: B64U(json), signature, mac}
#                         json is a Welcome, or with an invite whose card says `renews` a Fresh; the request is then
#                         made with the station's own keys, the ones the ledger knows
# POST /enrol/confirm   → HPKE to the hub of the request, made with the purpose "confirm" and the station's name as wish
#                       ← {}
# By mail               the same requests and answers in letters, see enrol_letter.py
#
# request   all = (site, invite, wish, sign, receive, nonce), and where there is a mailbox (…, mail, "+" or "")
#           signature = Ed25519(new key, PAE("nmr1/enrol-request", purpose, *all))
#           mac       = HMAC(K_request | K_confirm, PAE("nmr1/enrol-request-mac", purpose, *all, signature))
# answer    all = (site, invite, sign, nonce, welcome)
#           signature = Ed25519(hub, PAE("nmr1/enrol-answer", *all))
#           mac       = HMAC(K_answer, PAE("nmr1/enrol-answer-mac", *all, signature))
# HPKE      as for the seal, info = PAE("nmr1/enrol", site, kid of the recipient)

import hmac
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from msgspec import Meta, Struct, ValidationError, convert, to_builtins

from agent.domain.bundle import Bundle
from agent.domain.envelope import Millis, Name
from agent.domain.keys import from_b64u, kid_of, pae, to_b64u
from agent.domain.mail import NOWHERE, AddressOrNone, Mailbox
from agent.domain.messages import Count, FrameText, Generation, KeyId
from agent.domain.names import NAME
from agent.wire.invite import Card, PublicKey, Purpose, check_card, invite_id, invite_key
from agent.wire.keys import Identity
from agent.wire.strict_json import NotStrict, decode, encode

REQUEST_BYTES, ANSWER_BYTES = 4 * 1024, 32 * 1024
NONCE_BYTES = 32

InviteId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
Wish = Annotated[str, Meta(pattern=rf"^({NAME})?$")]
Text32 = PublicKey
"""Any 32 bytes in base64url."""
Text64 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{86}$")]

_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class EnrolRefused(Exception):
    """What came is not what an honest other side would send; `code` is for counters and answers."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(why or code)
        self.code = code


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A newcomer's wish to be let in under its new keys; `wish` is the station name it would like, or "".

    `mail` and `plus` are its mailbox, see Mailbox.
    """

    v: Literal[1] = 1
    invite: InviteId
    wish: Wish
    sign: PublicKey
    receive: PublicKey
    nonce: Text32
    signature: Text64
    mac: Text32
    mail: AddressOrNone = ""
    plus: bool = True

    @property
    def mailbox(self) -> Mailbox:
        """Where it takes mail."""
        return Mailbox(self.mail, self.plus)


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle as it is handed out: ids and keys in base64url, times in ms."""

    gen: Generation
    psk_id: KeyId
    psk: Text32
    not_after: Millis
    backup_id: KeyId
    backup: Text32
    life_ms: Count

    @classmethod
    def of(cls, bundle: Bundle) -> "Keys":
        """Write a bundle."""
        return cls(
            gen=bundle.gen,
            psk_id=to_b64u(bundle.psk_id),
            psk=to_b64u(bundle.psk),
            not_after=bundle.not_after,
            backup_id=to_b64u(bundle.backup_id),
            backup=to_b64u(bundle.backup),
            life_ms=bundle.life_ms,
        )

    def bundle(self) -> Bundle:
        """Read it; raises EnrolRefused("wrong-hub") if they are not what a hub gives."""
        try:
            read = Bundle(
                self.gen, from_b64u(self.psk_id), from_b64u(self.psk), self.not_after,
                from_b64u(self.backup_id), from_b64u(self.backup), self.life_ms,
            )  # fmt: skip
        except ValueError:
            raise EnrolRefused("wrong-hub", "its keys cannot be read") from None
        if not read.whole:
            raise EnrolRefused("wrong-hub", "its keys are not whole")
        return read

    def __repr__(self) -> str:
        """Show no key: this comes into tracebacks."""
        return f"Keys(gen={self.gen})"


class Welcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All a station gets: its name, its account at the broker, the site's first ledger entry, its keys.

    `ca` is base64url of the PEM text.
    """

    station: Name
    site: Name
    person: Name
    roles: tuple[Name, ...]
    password: Annotated[str, Meta(min_length=32, max_length=128)]
    client_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]
    url: str
    brokers: tuple[tuple[str, int], ...]
    ca: str
    genesis: FrameText
    psk: Keys

    def __repr__(self) -> str:
        """Show no password: this comes into tracebacks."""
        return f"Welcome(station={self.station!r}, site={self.site!r})"


class Fresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a station gets that is one already: new keys, and everything else stays as it is."""

    station: Name
    site: Name
    psk: Keys


class Done(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By mail: `station` is a member from now on."""

    station: Name
    site: Name
    member: Literal[True] = True


class Refused(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By mail: why whoever knows the invite's secret does not get in; a code as over the network.

    `about` is which of its letters; an old one may come late.
    """

    site: Name
    about: Literal["request", "confirm"]
    refused: Annotated[str, Meta(pattern=r"^[a-z-]{1,40}$")]


class _Signed(Struct, frozen=True, forbid_unknown_fields=True):
    welcome: str
    signature: Text64
    mac: Text32


class _Shown(Struct, frozen=True, forbid_unknown_fields=True):
    card: str
    mac: Text32


Message = TypeVar("Message", bound=Struct)
Given = TypeVar("Given", Welcome, Fresh, Done, Refused)


def show_card(secret: bytes, card: Card) -> bytes:
    """Return the hub's answer to whoever knows the invite's name."""
    text = encode(to_builtins(card))
    return encode({"card": to_b64u(text), "mac": to_b64u(_card_mac(secret, text))})


def read_card(secret: bytes, shown: bytes) -> Card:
    """Return the card if whoever showed it knows the secret; raises EnrolRefused("wrong-hub")."""
    try:
        answer = convert(decode(shown), _Shown)
        text = from_b64u(answer.card)
        if not hmac.compare_digest(from_b64u(answer.mac), _card_mac(secret, text)):
            raise EnrolRefused("wrong-hub", "it does not know this invite's secret")
        card = convert(decode(text), Card)
        check_card(card)
    except (NotStrict, ValidationError, ValueError) as error:
        raise EnrolRefused("wrong-hub", str(error)) from error
    return card


def write_request(
    card: Card,
    secret: bytes,
    me: Identity,
    nonce: bytes,
    wish: str,
    purpose: Purpose = "request",
    mailbox: Mailbox = NOWHERE,
) -> bytes:
    """Return the sealed request of a newcomer whose keys are `me`; with "confirm", `wish` is the name it was given."""
    said: tuple[bytes | str, ...] = (card.site, invite_id(secret), wish, me.sign, me.receive, nonce)
    said += _where(mailbox)
    signature = me.signing.sign(pae("nmr1/enrol-request", purpose, *said))
    mac = _mac(secret, purpose, pae("nmr1/enrol-request-mac", purpose, *said, signature))
    request = Request(
        invite=invite_id(secret),
        wish=wish,
        sign=to_b64u(me.sign),
        receive=to_b64u(me.receive),
        nonce=to_b64u(nonce),
        signature=to_b64u(signature),
        mac=to_b64u(mac),
        mail=mailbox.mail,
        plus=mailbox.plus,
    )
    return _seal(request, card.site, from_b64u(card.sign), from_b64u(card.receive))


def read_request(
    hub: Identity, sealed: bytes, secret_of: Callable[[str], bytes | None], purpose: Purpose = "request"
) -> Request:
    """Return a request that knows the secret of its invite and owns its key.

    Raises EnrolRefused("size" | "enrol-unreadable" | "invite-unknown" | "enrol-proof").
    """
    request = _open(hub, sealed, REQUEST_BYTES, Request)
    secret = secret_of(request.invite)
    if secret is None:
        raise EnrolRefused("invite-unknown")
    try:
        sign, receive, nonce, signature, mac = map(
            from_b64u, (request.sign, request.receive, request.nonce, request.signature, request.mac)
        )
        said: tuple[bytes | str, ...] = (hub.site, request.invite, request.wish, sign, receive, nonce)
        said += _where(request.mailbox)
        right = _mac(secret, purpose, pae("nmr1/enrol-request-mac", purpose, *said, signature))
        if not hmac.compare_digest(mac, right):
            raise EnrolRefused("enrol-proof", "the request does not know the secret of its invite")
        Ed25519PublicKey.from_public_bytes(sign).verify(signature, pae("nmr1/enrol-request", purpose, *said))
        X25519PublicKey.from_public_bytes(receive)
    except (ValueError, InvalidSignature) as error:
        raise EnrolRefused("enrol-proof", "the request does not own its key") from error
    return request


def write_answer(hub: Identity, secret: bytes, request: Request, welcome: Welcome | Fresh | Done | Refused) -> bytes:
    """Return the sealed answer to a request."""
    text = encode(to_builtins(welcome))
    sign = from_b64u(request.sign)
    said = (hub.site, request.invite, sign, from_b64u(request.nonce), text)
    signature = hub.signing.sign(pae("nmr1/enrol-answer", *said))
    mac = _mac(secret, "answer", pae("nmr1/enrol-answer-mac", *said, signature))
    return _seal(_Signed(to_b64u(text), to_b64u(signature), to_b64u(mac)), hub.site, sign, from_b64u(request.receive))


def read_answer(card: Card, secret: bytes, me: Identity, nonce: bytes, sealed: bytes, kind: type[Given]) -> Given:
    """Return what the hub gives for our request; raises EnrolRefused("size" | "enrol-unreadable" | "wrong-hub")."""
    answer = _open(me, sealed, ANSWER_BYTES, _Signed)
    try:
        text, signature = from_b64u(answer.welcome), from_b64u(answer.signature)
        said = (card.site, invite_id(secret), me.sign, nonce, text)
        right = _mac(secret, "answer", pae("nmr1/enrol-answer-mac", *said, signature))
        if not hmac.compare_digest(from_b64u(answer.mac), right):
            raise EnrolRefused("wrong-hub", "the answer does not know the secret of our invite")
        Ed25519PublicKey.from_public_bytes(from_b64u(card.sign)).verify(signature, pae("nmr1/enrol-answer", *said))
        welcome = convert(decode(text), kind)
    except (ValueError, InvalidSignature, NotStrict, ValidationError) as error:
        raise EnrolRefused("wrong-hub", str(error)) from error
    if welcome.site != card.site:
        raise EnrolRefused("wrong-hub", "another site")
    return welcome


def _card_mac(secret: bytes, text: bytes) -> bytes:
    return _mac(secret, "card", pae("nmr1/invite-card", invite_id(secret), text))


def _where(mailbox: Mailbox) -> tuple[str, ...]:
    return () if mailbox == NOWHERE else (mailbox.mail, "+" if mailbox.plus else "")


def _mac(secret: bytes, purpose: Purpose, content: bytes) -> bytes:
    return hmac.digest(invite_key(secret, purpose), content, "sha256")


def _info(site: str, sign: bytes) -> bytes:
    return pae("nmr1/enrol", site, kid_of(sign))


def _seal(message: Struct, site: str, sign: bytes, receive: bytes) -> bytes:
    public = X25519PublicKey.from_public_bytes(receive)
    return _suite.encrypt(encode(to_builtins(message)), public, info=_info(site, sign))


def _open(me: Identity, sealed: bytes, limit: int, kind: type[Message]) -> Message:
    if len(sealed) > limit:
        raise EnrolRefused("size")
    try:
        return convert(decode(bytes(_suite.decrypt(sealed, me.receiving, info=_info(me.site, me.sign)))), kind)
    except (InvalidTag, ValueError, NotStrict, ValidationError) as error:
        raise EnrolRefused("enrol-unreadable", str(error)) from error
