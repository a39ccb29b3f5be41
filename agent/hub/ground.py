"""What a hub stands on before anybody hears of it: lock, database, keys, port and broker."""

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from agent.domain.envelope import DAY_MS
from agent.domain.errors import NmrError, TryLater
from agent.hub.accounts import Accounts
from agent.hub.broker.base import Broker, BrokerPlace
from agent.hub.broker.choose import choose_broker
from agent.hub.broker.tls import SiteTls
from agent.hub.kept import load_accounts
from agent.hub.keys import HubKeys, load_keys
from agent.hub.papers import Site
from agent.hub.place import dialled, in_url, names_of
from agent.hub.web import open_port
from agent.routing import rows
from agent.system.config.schema import Hub
from agent.system.files import private_folder
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.store import Store
from agent.wire.keys import Identity


@dataclass(slots=True)
class Ground:
    """Everything is let go of when the stack it was opened on is closed."""

    folder: Path
    settings: Hub
    lock: ProfileLock
    store: Store
    keys: HubKeys
    me: Identity
    tls: SiteTls
    listening: socket.socket
    broker: Broker

    @classmethod
    def open(cls, stack: AsyncExitStack, profile: Profile, settings: Hub) -> "Ground":
        """Take the lock, the store, the keys and the port."""
        folder, lock = private_folder(profile.hub_folder), ProfileLock(profile.hub_lock_file)
        if not lock.acquire():
            raise TryLater("The hub is running already", f"Process {lock.owner()} has {folder}", code="hub-running")
        stack.callback(lock.release)
        store = _open_store(folder)
        stack.callback(store.close)
        keys = load_keys(folder, settings.site, new=not store.read(rows.KEPT, ("ledger",)))
        listening = stack.enter_context(open_port(settings.listen, settings.http_port, folder / "http.port"))
        tls, broker = SiteTls(folder / "tls"), _choose(settings, folder)
        return cls(folder, settings, lock, store, keys, keys.identity(), tls, listening, broker)

    async def start_broker(self, stack: AsyncExitStack) -> Accounts:
        """Start the broker, let it be started again whenever it dies; returns the accounts it has."""
        accounts = Accounts(self.broker, load_accounts(self.store))
        await self.broker.start(accounts.all())
        stack.push_async_callback(self.broker.stop)
        alongside(stack, self.broker.run(), "broker")
        return accounts

    @property
    def http_port(self) -> int:
        """Where enrolment and signaling listen."""
        port: int = self.listening.getsockname()[1]
        return port

    @property
    def psk_life_ms(self) -> int:
        """How long a station's key is good."""
        return self.settings.psk_days * DAY_MS

    def site(self) -> Site:
        """Return where stations find us."""
        names, port = names_of(self.settings), self.http_port
        brokers = tuple((name, self.broker.port) for name in names)
        return Site(self.me, f"https://{in_url(names[0])}:{port}", brokers, self.tls.ca_pem, self.settings.mail.mailbox)


def _open_store(folder: Path) -> Store:
    """Open the database; a damaged one is no reason to begin a second history."""
    store = Store.open(folder / "hub.sqlite3", rows.MIGRATIONS)
    if store.set_aside is None:
        return store
    store.close()
    raise NmrError(
        "The hub's database is damaged",
        f"It was set aside as {store.set_aside}. Put the newest backup in its place, as {folder / 'hub.sqlite3'}",
        code="store-damaged",
    )


def _choose(settings: Hub, folder: Path) -> Broker:
    names = names_of(settings)
    place = BrokerPlace(folder / "broker", settings.listen, settings.mqtt_port, (*names, dialled(settings.listen)))
    own = settings.mosquitto_program != Hub().mosquitto_program
    program = settings.mosquitto_program if own else ""  # not configured: it also looks where PATH does not lead
    return choose_broker(settings.broker, settings.site, place, SiteTls(folder / "tls"), program=program)


def alongside(stack: AsyncExitStack, work: Coroutine[None, None, None], name: str) -> None:
    """Run a coroutine until the stack is closed."""
    task = asyncio.create_task(work, name=f"hub {name}")

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
