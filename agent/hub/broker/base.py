"""What keeping a broker means, whichever engine it is: it runs, and only the site's stations may use it."""

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.domain.errors import Unavailable

HUB = "hub"  # the station name of the hub, the one account that may read and write everything

_STATION = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_BCRYPT = re.compile(r"\$2a\$\d\d\$[./A-Za-z0-9]{53}")
_PBKDF2 = re.compile(r"\$7\$[1-9]\d{0,5}\$[+/A-Za-z0-9]+=*\$[+/A-Za-z0-9]{86}==")

# Passwords are random and at least 192 bits long, so nobody guesses them and slow hashing would only punish us:
# at bcrypt cost 11 a thousand stations need 105 s of the broker's time to come back after a restart, at cost 4 two.
_BCRYPT_COST = 4
_PBKDF2_ROUNDS = 101  # what mosquitto_passwd itself uses


class BrokerFailed(Unavailable):
    """The broker does not start, or refuses what it was told; `message` carries its own words."""

    default_code = "broker-failed"


@dataclass(frozen=True, slots=True)
class Account:
    """One station's way in: what each engine needs to check its password, never the password itself."""

    station: str
    bcrypt: str
    pbkdf2: str


@dataclass(frozen=True, slots=True)
class BrokerPlace:
    """Where a broker lives: its folder, the address it listens on, and the names stations know it by.

    `port` 0 means: choose a free one once and remember it in the folder.
    `names` are the DNS names and IP addresses in the certificate; localhost is always one of them.
    """

    folder: Path
    host: str
    port: int
    names: tuple[str, ...]


class Broker(Protocol):
    """Keeps one broker process running for a site."""

    @property
    def name(self) -> str:
        """`nats` or `mosquitto`."""

    @property
    def port(self) -> int:
        """The TLS port for MQTT, known once `start` has returned."""

    @property
    def starts(self) -> int:
        """How often its process was started."""

    async def start(self, accounts: Sequence[Account]) -> None:
        """Start the broker for these accounts and return when it lets one in; raises BrokerFailed."""

    async def apply(self, accounts: Sequence[Account]) -> None:
        """Replace the accounts while others stay connected; who is gone or changed is off within a second.

        Raises BrokerFailed, and then the accounts of before still stand.
        """

    async def run(self) -> None:
        """Start the broker again whenever it dies, until cancelled or stopped."""

    async def stop(self) -> None:
        """End the broker; what was queued stays in the folder."""

    async def forget(self, station: str, client_id: str) -> None:
        """Drop the session and the queue of a station that never returns; raises BrokerFailed."""


def new_account(station: str, password: str) -> Account:
    """The account of `station` for a random `password` of at least 192 bits; raises BrokerFailed for a bad name."""
    account = Account(station, nats_verifier(password), mosquitto_verifier(password))
    check([account])
    return account


def nats_verifier(password: str) -> str:
    """What NATS keeps of a password: bcrypt."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_BCRYPT_COST, prefix=b"2a")).decode()


def mosquitto_verifier(password: str) -> str:
    """What a Mosquitto 2 password file keeps: `$7$<rounds>$<salt>$<PBKDF2-HMAC-SHA512>`, both in base64."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    return f"$7${_PBKDF2_ROUNDS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def check(accounts: Sequence[Account]) -> None:
    """Raise BrokerFailed unless every account can stand in a broker's file as it is, and none twice.

    Names and verifiers become lines of configuration, so a stray line break would be a right given away.
    """
    for account in accounts:
        if not _STATION.fullmatch(account.station):
            raise BrokerFailed("This station name cannot be used", f"{account.station!r} is no station name")
        if not _BCRYPT.fullmatch(account.bcrypt) or not _PBKDF2.fullmatch(account.pbkdf2):
            raise BrokerFailed("This account cannot be used", f"The password check of {account.station} is malformed")
    if len({account.station for account in accounts}) != len(accounts):
        raise BrokerFailed("An account is there twice", "Each station has exactly one account")
