"""The stations' accounts at the broker, and their PSK bundles."""

import logging
import secrets
from collections.abc import Iterable

from msgspec import Struct

from agent.domain.effects import Keep
from agent.domain.envelope import DAY_MS
from agent.domain.keys import to_b64u
from agent.domain.names import HUB
from agent.hub.broker.base import Account, Broker, BrokerFailed, new_account
from agent.system.log import event

log = logging.getLogger(__name__)

PSK_LIFE_MS = 30 * DAY_MS
_PASSWORD_BYTES = 24
_ID_BYTES = 16
"""16 bytes are the 22 characters of a client id."""


class StationAccount(Struct, frozen=True, kw_only=True):
    """What the hub keeps for one station; never its password. `kid` is base64url.

    `psk` is {gen, psk_id, psk, not_after (ms UTC), backup_id, backup}, bytes in base64url.
    """

    station: str
    bcrypt: str
    pbkdf2: str
    client_id: str
    kid: str
    psk: dict[str, str | int]


def new_client_id() -> str:
    """Return 22 random characters: who guesses a client id throws its station off."""
    return to_b64u(secrets.token_bytes(_ID_BYTES))


def new_password() -> str:
    """Return a password of 192 bits."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def make_account(station: str, kid: bytes, password: str, now_ms: int) -> StationAccount:
    """Return a fresh account with a fresh PSK bundle."""
    account = new_account(station, password)
    return StationAccount(
        station=station,
        bcrypt=account.bcrypt,
        pbkdf2=account.pbkdf2,
        client_id=new_client_id(),
        kid=to_b64u(kid),
        psk={
            "gen": 1,
            "psk_id": to_b64u(secrets.token_bytes(8)),
            "psk": to_b64u(secrets.token_bytes(32)),
            "not_after": now_ms + PSK_LIFE_MS,
            "backup_id": to_b64u(secrets.token_bytes(8)),
            "backup": to_b64u(secrets.token_bytes(32)),
        },
    )


class Accounts:
    """All accounts, as they are on disk; the broker is told after each change."""

    def __init__(self, broker: Broker, kept: Iterable[StationAccount]) -> None:
        self.hub_password = new_password()
        self._broker = broker
        self._hub = new_account(HUB, self.hub_password)
        self._kept = {account.station: account for account in kept}
        self._told = True

    def all(self) -> list[Account]:
        """Return what the broker must know: the stations and ourselves, whose password is new with every start."""
        return [self._hub, *(Account(kept.station, kept.bcrypt, kept.pbkdf2) for kept in self._kept.values())]

    def get(self, station: str) -> StationAccount | None:
        """Return the account of a station."""
        return self._kept.get(station)

    @staticmethod
    def keep(account: StationAccount) -> Keep:
        """What to commit before `put`."""
        return Keep("account", account.station, account)

    @staticmethod
    def keep_none(station: str) -> Keep:
        """What to commit before `drop`."""
        return Keep("account", station, None)

    def put(self, account: StationAccount) -> None:
        """Take a committed account in; `tell` makes it work."""
        self._kept[account.station] = account
        self._told = False

    async def drop(self, station: str) -> None:
        """Throw a station off whose account is gone from the disk, and forget what was queued for it."""
        account = self._kept.pop(station, None)
        self._told = False
        await self.tell()
        if account is not None:
            try:
                await self._broker.forget(station, account.client_id)
            except BrokerFailed as error:  # its queue stays, and nobody can ever fetch it
                event(log, "not-forgotten", logging.WARNING, station=station, why=str(error))

    async def tell(self) -> None:
        """Let the broker know, unless it does; raises BrokerFailed, and the next `tell` tries again."""
        if not self._told:
            await self._broker.apply(self.all())
            self._told = True
