"""What the checks look at: the profile, what can be read of it, and the running agent's own word."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.domain.bundle import Bundle
from agent.domain.errors import NmrError
from agent.station.doctor.trial import Trial, try_broker
from agent.station.doctor.visit import Visit, visit
from agent.system.beside import beside
from agent.system.config.load import Loaded, load
from agent.system.config.schema import Config
from agent.system.control import connect
from agent.system.credentials import Credentials, load_credentials
from agent.system.paths import Profile
from agent.system.psk_file import KeyUnusable, look_at_bundle
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, load_key

STATUS_S = 3.0
"""So long the running agent has for an answer, seconds."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The running agent's Status; without one `why` is the code of the error that came instead."""

    status: dict[str, Any] | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What lies in the secrets folder, or why it cannot be used; `open_to_others` names what is not private."""

    credentials: Credentials | None = None
    bundle: Bundle | None = None
    error: NmrError | None = None
    bundle_error: KeyUnusable | None = None
    open_to_others: str = ""


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker's address, what a visit there showed, and what logging in brought, if it could be tried."""

    host: str
    port: int
    visit: Visit
    trial: Trial | None


class Sight:
    """Read once, looked at by all checks; `wall` is this computer's clock, `sound` whether it may be loud."""

    def __init__(
        self,
        profile: Profile,
        agent: Agent,
        settings: Loaded[Config],
        secrets: Secrets,
        *,
        wall: Callable[[], float] = time.time,
        sound: bool = True,
    ) -> None:
        self.profile, self.agent, self.settings, self.secrets = profile, agent, settings, secrets
        self.wall, self.sound = wall, sound
        self._hub: asyncio.Task[Visit] | None = None
        self._brokers: asyncio.Task[list[Broker]] | None = None

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self.settings.config

    @property
    def status(self) -> dict[str, Any]:
        """The running agent's Status; empty without one."""
        return self.agent.status or {}

    @property
    def only_mail(self) -> bool:
        """Whether this station has its mailbox and nothing else, so that no port of the site need be in reach."""
        link = self.config.link
        return link.mail.enabled and not (link.mqtt.enabled or link.p2p.enabled)

    async def hub(self) -> Visit | None:
        """What a visit to the hub's own port showed; None without credentials or with mail alone. It is asked once."""
        credentials = self.secrets.credentials
        if credentials is None or self.only_mail:
            return None
        if self._hub is None:
            from agent.station.enrolment.https import hub_place

            place = hub_place(credentials.url)
            ca = credentials.ca_pem
            self._hub = asyncio.ensure_future(beside(lambda: visit(place.host, place.port, ca, wall=self.wall)))
        return await asyncio.shield(self._hub)

    async def brokers(self) -> list[Broker]:
        """What each broker's address shows; empty without credentials. Each is asked once."""
        if self.secrets.credentials is None or not self.config.link.mqtt.enabled:
            return []
        if self._brokers is None:
            self._brokers = asyncio.ensure_future(self._look_at_brokers(self.secrets.credentials))
        return await asyncio.shield(self._brokers)

    async def _look_at_brokers(self, credentials: Credentials) -> list[Broker]:
        own = self.config.link.mqtt.addresses
        addresses = [_address(text) for text in own] or list(credentials.brokers)
        return list(await asyncio.gather(*(self._look_at(credentials, *address) for address in addresses)))

    async def _look_at(self, credentials: Credentials, host: str, port: int) -> Broker:
        seen = await beside(lambda: visit(host, port, credentials.ca_pem, http=False, wall=self.wall))
        trial = None if seen.fault else await beside(lambda: try_broker(credentials, host, port))
        return Broker(host, port, seen, trial)


async def take_sight(profile: Profile, *, wall: Callable[[], float] = time.time, sound: bool = True) -> Sight:
    """Read everything that can be read of a profile; raises nothing because of what is wrong there."""
    agent, secrets = await asyncio.gather(beside(lambda: ask_agent(profile)), beside(lambda: read_secrets(profile)))
    return Sight(profile, agent, load(profile), secrets, wall=wall, sound=sound)


def ask_agent(profile: Profile) -> Agent:
    """What the running agent says of itself."""
    try:
        with connect(profile) as line:
            return Agent(line.request("status", STATUS_S))
    except NmrError as error:
        return Agent(None, error.code)


def read_secrets(profile: Profile) -> Secrets:
    """What enrolment left. A folder that others may enter is not read: reading would close it."""
    folder = profile.secrets_folder
    if sys.platform != "win32" and folder.is_dir() and folder.stat().st_mode & 0o077:
        return Secrets(open_to_others=str(folder))
    try:
        key = load_key(folder)
        credentials = load_credentials(folder, key)
    except SecretsUnreadable as error:
        return Secrets(error=error)
    except OSError as error:
        return Secrets(error=SecretsUnreadable("The keys of this station cannot be used", str(error)))
    if credentials is None:
        return Secrets()
    return _with_bundle(profile, credentials, key)


def _with_bundle(profile: Profile, credentials: Credentials, key: WrappingKey | None) -> Secrets:
    try:
        bundle = look_at_bundle(profile.secrets_folder, credentials.site, credentials.station, key)
    except KeyUnusable as error:
        return Secrets(credentials, bundle_error=error)
    return Secrets(credentials, bundle)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
