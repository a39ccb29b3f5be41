"""The stations' accounts at the broker, and the keys they begin with."""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from agent.domain.bundle import ID_BYTES, KEY_BYTES, Bundle
from agent.domain.effects import Keep
from agent.domain.keys import to_b64u
from agent.domain.names import HUB
from agent.hub.account import StationAccount
from agent.hub.broker.base import Account, Broker, BrokerFailed, new_account
from agent.system.log import event

log = logging.getLogger(__name__)

_PASSWORD_BYTES = 24
_CLIENT_ID_BYTES = 16
"""16 bytes are the 22 characters of a client id."""


def new_client_id() -> str:
    """Return 22 random characters: who guesses a client id throws its station off."""
    return to_b64u(secrets.token_bytes(_CLIENT_ID_BYTES))


def new_password() -> str:
    """Return a password of 192 bits."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def make_bundle(gen: int, now_ms: int, life_ms: int) -> Bundle:
    """Return fresh keys, good for `life_ms` from now on."""
    return Bundle(
        gen=gen,
        psk_id=secrets.token_bytes(ID_BYTES),
        psk=secrets.token_bytes(KEY_BYTES),
        not_after=now_ms + life_ms,
        backup_id=secrets.token_bytes(ID_BYTES),
        backup=secrets.token_bytes(KEY_BYTES),
        life_ms=life_ms,
    )


def make_account(station: str, kid: bytes, password: str, bundle: Bundle) -> StationAccount:
    """Return a fresh account with its first keys."""
    account = new_account(station, password)
    return StationAccount(
        station=station,
        bcrypt=account.bcrypt,
        pbkdf2=account.pbkdf2,
        client_id=new_client_id(),
        kid=to_b64u(kid),
        current=bundle,
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """A station's way in; its keys are the affair of `proofs`, which renew them."""

    account: Account
    client_id: str


class Accounts:
    """All ways in, as they are on disk; the broker is told after each change."""

    def __init__(self, broker: Broker, kept: Iterable[StationAccount]) -> None:
        self.hub_password = new_password()
        self._broker = broker
        self._hub = new_account(HUB, self.hub_password)
        self._ways = {account.station: _way(account) for account in kept}
        self._told = True

    def __contains__(self, station: str) -> bool:
        """Whether a station has a way in."""
        return station in self._ways

    def all(self) -> list[Account]:
        """Return what the broker must know: the stations and ourselves, whose password is new with every start."""
        return [self._hub, *(way.account for way in self._ways.values())]

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
        self._ways[account.station] = _way(account)
        self._told = False

    async def drop(self, station: str) -> None:
        """Throw a station off whose account is gone from the disk, and forget what was queued for it."""
        way = self._ways.pop(station, None)
        self._told = False
        await self.tell()
        if way is not None:
            try:
                await self._broker.forget(station, way.client_id)
            except BrokerFailed as error:  # its queue stays, and nobody can ever fetch it
                event(log, "not-forgotten", logging.WARNING, station=station, why=str(error))

    async def tell(self) -> None:
        """Let the broker know, unless it does; raises BrokerFailed, and the next `tell` tries again."""
        if not self._told:
            await self._broker.apply(self.all())
            self._told = True


def _way(account: StationAccount) -> _Way:
    return _Way(Account(account.station, account.bcrypt, account.pbkdf2), account.client_id)
