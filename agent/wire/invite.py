"""An invite to a site: a secret of 100 bits, as a file, as a link for a QR code, or as a code people type."""

# code     25 symbols, five groups of five: 4 data (20 bits) + 1 check; no I, L, O, U; read without regard to case,
#          dashes and spaces, with O for 0 and I or L for 1
# check    d0·a⁴ + d1·a³ + d2·a² + d3·a + number of the group (0 to 4), in GF(32) over x⁵ + x² + 1: one wrong symbol,
#          two swapped ones and a group in a wrong place always show
# link     nmr-invite:<code>@<host>:<port>
# file     {"nmr": "invite", "v": 1, "code": <code>, "card": Card}                                       strict JSON
# id       hex(first 8 bytes of SHA-256(PAE("nmr1/invite-id", secret)))
# keys     HKDF(secret, salt = PAE("nmr1/invite"), info = PAE("nmr1/invite-key", purpose))

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta, Struct, ValidationError, convert, to_builtins

from agent.domain.envelope import Millis, Name
from agent.domain.errors import BadInput
from agent.domain.keys import from_b64u, pae
from agent.domain.mail import NOWHERE, AddressOrNone, Mailbox
from agent.wire.strict_json import NotStrict, decode

SECRET_BITS, SECRET_BYTES = 100, 13
LINK = "nmr-invite:"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _SYMBOLS, _BITS = 5, 5, 5
_VALUES = {symbol: value for value, symbol in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_between = re.compile(r"[\s\-_.‐-―−]+")  # dashes as any program may have made them

PublicKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
Purpose = Literal["card", "request", "answer", "confirm"]


class Card(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a newcomer must know of its site; keys are raw in base64url, `ca` is base64url of the PEM text.

    `url` is where the hub enrols, `brokers` are hosts and ports; `not_after` is ms UTC. `renews` names the one station
    that gets new keys with this invite; everybody else does nothing with it. `mail` is where the hub takes letters of
    newcomers, "" for nowhere; with `plus` its server delivers `local+anything@host` there, too.
    """

    site: Name
    sign: PublicKey
    receive: PublicKey
    url: Annotated[str, Meta(max_length=300, pattern=r"^https://[^/?#@\s]+$")]
    brokers: Annotated[tuple[tuple[str, Annotated[int, Meta(ge=1, le=65535)]], ...], Meta(min_length=1, max_length=32)]
    ca: Annotated[str, Meta(max_length=8192)]
    person: Name
    roles: Annotated[tuple[Name, ...], Meta(max_length=32)]
    not_after: Millis
    renews: Name | None = None
    mail: AddressOrNone = ""
    plus: bool = True

    @property
    def mailbox(self) -> Mailbox:
        """Where the hub takes letters."""
        return Mailbox(self.mail, self.plus) if self.mail else NOWHERE

    @property
    def ca_pem(self) -> str:
        """The certificate of the site's authority; raises ValueError if it is no text."""
        return from_b64u(self.ca).decode("ascii")


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    nmr: Literal["invite"]
    v: Literal[1]
    code: str
    card: Card


def check_card(card: Card) -> None:
    """Raise ValueError unless the keys and the certificate of a card can be read."""
    from_b64u(card.sign)
    from_b64u(card.receive)
    if "-----BEGIN CERTIFICATE-----" not in card.ca_pem:
        raise ValueError("no certificate")


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite as a station got it: the secret, and either the site's card or only the hub's address."""

    secret: bytes
    hub: str = ""
    card: Card | None = None

    @property
    def id(self) -> str:
        """Its public name."""
        return invite_id(self.secret)


def new_secret(random: bytes) -> bytes:
    """Return the secret made of 13 random bytes: a number of 100 bits."""
    number = int.from_bytes(random[:SECRET_BYTES], "big") >> SECRET_BYTES * 8 - SECRET_BITS
    return number.to_bytes(SECRET_BYTES, "big")


def invite_id(secret: bytes) -> str:
    """Return the public name of an invite, 16 hex digits; it says nothing about the secret."""
    return sha256(pae("nmr1/invite-id", secret)).digest()[:8].hex()


def invite_key(secret: bytes, purpose: Purpose) -> bytes:
    """Return the 32-byte key of an invite for one purpose."""
    hkdf = HKDF(SHA256(), 32, salt=pae("nmr1/invite"), info=pae("nmr1/invite-key", purpose))
    return hkdf.derive(secret)


def write_code(secret: bytes) -> str:
    """Return the code people type, such as `7K2QM-…`."""
    number, groups = int.from_bytes(secret, "big"), []
    for group in range(_GROUPS):
        shift = SECRET_BITS - _BITS * (_SYMBOLS - 1) * (group + 1)
        data = [number >> shift + _BITS * place & 31 for place in (3, 2, 1, 0)]
        groups.append("".join(_ALPHABET[value] for value in (*data, _check(group, data))))
    return "-".join(groups)


def read_code(text: str) -> bytes:
    """Return the secret of a typed code; raises BadInput that names every group at fault."""
    groups = [group for group in _between.split(text) if group]
    joined = "".join(groups)
    if len(joined) == _GROUPS * _SYMBOLS:
        groups = [joined[start : start + _SYMBOLS] for start in range(0, len(joined), _SYMBOLS)]
    elif len(groups) != _GROUPS:
        raise _mistyped(f"It has {len(joined)} characters; a code has {_GROUPS * _SYMBOLS}, five groups of five")
    values = [_read_group(number, group) for number, group in enumerate(groups)]
    if wrong := [f"{number + 1} (“{groups[number][:12]}”)" for number, value in enumerate(values) if value is None]:
        many = len(wrong) > 1
        told = ", ".join(wrong)
        raise _mistyped(f"Group{'s' if many else ''} {told} cannot be right; compare {'them' if many else 'it'} again")
    number = 0
    for value in values:
        number = number << _BITS * (_SYMBOLS - 1) | (value or 0)
    return number.to_bytes(SECRET_BYTES, "big")


def _read_group(number: int, group: str) -> int | None:
    """Return the 20 bits of a group, or None when it cannot be right."""
    values = [_VALUES.get(symbol) for symbol in group.upper()] if group.isascii() else []
    if len(values) != _SYMBOLS or None in values:
        return None
    *data, check = (value for value in values if value is not None)
    if check != _check(number, data):
        return None
    joined = 0
    for value in data:
        joined = joined << _BITS | value
    return joined


def _check(group: int, data: Iterable[int]) -> int:
    sum_ = 0
    for value in data:
        doubled = (sum_ ^ value) << 1
        sum_ = doubled ^ 0b100101 if doubled & 32 else doubled
    return sum_ ^ group


def _mistyped(message: str) -> BadInput:
    return BadInput("The code is mistyped", message, code="invite-mistyped", field="invite")


def write_file(secret: bytes, card: Card) -> dict[str, object]:
    """Return the invite file as a JSON object."""
    made: dict[str, object] = to_builtins(_File(nmr="invite", v=1, code=write_code(secret), card=card))
    return made


def write_link(secret: bytes, card: Card) -> str:
    """Return the link for a QR code; the hub's certificate is checked with the secret in it."""
    return f"{LINK}{write_code(secret)}@{card.url.removeprefix('https://')}"


def read_invite(text: str) -> Invite:
    """Return the invite in a file's text, a link or a code, `@host:port` behind it or not; raises BadInput."""
    text = text.strip().removeprefix("\ufeff").strip()
    if text.startswith("{"):
        return _read_file(text)
    code, _, hub = text.removeprefix(LINK).partition("@")
    return Invite(read_code(code), hub.strip())


def _read_file(text: str) -> Invite:
    try:
        file = convert(decode(text.encode()), _File)
        check_card(file.card)
    except (NotStrict, ValidationError, ValueError) as error:
        raise BadInput(
            "This is no invite",
            f"The file cannot be read ({error}). Ask IT for it again",
            code="invite-unreadable",
            field="invite",
        ) from error
    return Invite(read_code(file.code), file.card.url, file.card)
