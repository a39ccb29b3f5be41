"""What the hub keeps of one station: its way in at the broker and the keys it shares with it; pure."""

# kept "account": JSON of StationAccount, bytes in base64. Before keys were renewed, the one bundle stood there as
#     "psk": {gen, psk_id, psk, not_after, backup_id, backup}, bytes in base64url; such a row is still read.

from msgspec import DecodeError, Struct, ValidationError, json

from agent.domain.bundle import Bundle, Held
from agent.domain.errors import NmrError
from agent.domain.keys import from_b64u


class StationAccount(Struct, frozen=True, kw_only=True):
    """What the hub keeps for one station; never its password. `kid` is base64url.

    `pending` are keys the station has offered and not yet shown that it has them on its disk.
    """

    station: str
    bcrypt: str
    pbkdf2: str
    client_id: str
    kid: str
    current: Bundle
    pending: Bundle | None = None

    @property
    def held(self) -> Held:
        """Its bundles."""
        return Held(self.current, self.pending)


class _OldKeys(Struct, frozen=True):
    gen: int
    psk_id: str
    psk: str
    not_after: int
    backup_id: str
    backup: str

    def __repr__(self) -> str:
        return f"_OldKeys(gen={self.gen})"  # no key: this comes into tracebacks


class _OldAccount(Struct, frozen=True):
    station: str
    bcrypt: str
    pbkdf2: str
    client_id: str
    kid: str
    psk: _OldKeys


def read_account(body: bytes) -> StationAccount:
    """Return an account as it was written by this version or one before it; raises NmrError."""
    try:
        account = _read(body)
    except (DecodeError, ValueError):
        # `from None`: the cause shows a piece of what was decoded, and tracebacks are logged.
        raise _unreadable() from None
    if not all(bundle.whole for bundle in account.held.both):
        raise _unreadable()
    return account


def _read(body: bytes) -> StationAccount:
    try:
        return json.decode(body, type=StationAccount)
    except ValidationError:
        old = json.decode(body, type=_OldAccount)
    keys = old.psk
    bundle = Bundle(
        gen=keys.gen,
        psk_id=from_b64u(keys.psk_id),
        psk=from_b64u(keys.psk),
        not_after=keys.not_after,
        backup_id=from_b64u(keys.backup_id),
        backup=from_b64u(keys.backup),
    )
    return StationAccount(
        station=old.station,
        bcrypt=old.bcrypt,
        pbkdf2=old.pbkdf2,
        client_id=old.client_id,
        kid=old.kid,
        current=bundle,
    )


def _unreadable() -> NmrError:
    return NmrError(
        "The keys of a station cannot be read",
        "The hub's database is damaged or of a newer version. Update the hub, or put back the newest backup",
        code="account-unreadable",
    )
