"""The hub's composition root: puts the parts together and keeps them running."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.domain.errors import NmrError, TryLater
from agent.domain.names import HUB
from agent.hub.accounts import Accounts, StationAccount
from agent.hub.broker.base import Broker, BrokerFailed, BrokerPlace
from agent.hub.broker.choose import choose_broker
from agent.hub.broker.tls import SiteTls
from agent.hub.engine import Engine
from agent.hub.enrolment import Enrolment
from agent.hub.errands import Errands
from agent.hub.invites import Issued
from agent.hub.kept import load_kept, load_values
from agent.hub.keys import HubKeys, load_keys
from agent.hub.office import Office
from agent.hub.papers import Site
from agent.hub.place import dialled, in_url, names_of
from agent.hub.publisher import Publisher
from agent.hub.web import WebServer, make_web, open_port
from agent.routing import rows
from agent.system.clock import SiteClock
from agent.system.config_schema import Hub, HubConfig
from agent.system.control_server import ControlServer
from agent.system.files import private_folder
from agent.system.ids import new_id
from agent.system.lock import ProfileLock
from agent.system.log import close_log, event, open_log
from agent.system.paths import Profile
from agent.system.store import Store
from agent.wire.keys import Identity

log = logging.getLogger(__name__)

LINK_PATIENCE_S = 20.0
TIDY_S = 3600.0


@dataclass(slots=True)
class Running:
    """A hub with everything around it."""

    engine: Engine
    broker: Broker
    accounts: Accounts
    web: WebServer
    enrolment: Enrolment
    office: Office
    site: Site
    ended: asyncio.Event


async def run_hub(profile: Profile, config: HubConfig, *, ready: Callable[[dict[str, Any]], None] | None = None) -> int:
    """Run the hub until SIGTERM, Ctrl-C or `quit`; returns its exit code, raises NmrError where it cannot start.

    `ready` is called once stations can come, with the hub's status (see office).
    """
    profile.create()
    settings = config.log
    file = open_log(
        profile.log_folder, "hub", level=settings.level, keep_files=settings.keep_files, megabytes=settings.megabytes
    )
    try:
        async with open_hub(profile, config) as running:
            _listen_to_signals(running.ended.set)
            gc.freeze()  # what was loaded stays: the collector need not walk through it while stations wait
            event(log, "started", site=config.hub.site, url=running.site.url, broker=running.broker.name)
            if ready is not None:
                ready(running.office.status())
            await running.ended.wait()
            event(log, "stopping")
    finally:
        close_log(file)
    return 0


@asynccontextmanager
async def open_hub(profile: Profile, config: HubConfig) -> AsyncIterator[Running]:
    """Run the hub of a profile while the context is open; raises NmrError where it cannot start."""
    profile.create()
    async with AsyncExitStack() as stack:
        ground = _Ground.open(stack, profile, config.hub)
        accounts = await ground.start_broker(stack)
        running = await _connect(stack, ground, accounts)
        await stack.enter_async_context(running.web)
        control = ControlServer(profile.hub_control_address, ground.lock, running.office.answer)
        await stack.enter_async_context(control)
        yield running


@dataclass(slots=True)
class _Ground:
    """What a hub stands on, before anybody hears of it."""

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
    def open(cls, stack: AsyncExitStack, profile: Profile, settings: Hub) -> "_Ground":
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
        accounts = Accounts(self.broker, load_values(self.store, "account", StationAccount))
        await self.broker.start(accounts.all())
        stack.push_async_callback(self.broker.stop)
        _alongside(stack, self.broker.run(), "broker")
        return accounts

    def site(self) -> Site:
        """Return where stations find us."""
        names, port = names_of(self.settings), self.listening.getsockname()[1]
        brokers = tuple((name, self.broker.port) for name in names)
        return Site(self.me, f"https://{in_url(names[0])}:{port}", brokers, self.tls.ca_pem)


async def _connect(stack: AsyncExitStack, ground: _Ground, accounts: Accounts) -> Running:
    """Put core, ledger, enrolment and link together; return when stations can come."""
    clock, ended, errands, site = SiteClock(), asyncio.Event(), Errands(), ground.site()
    engine = Engine(ground.me, ground.store, load_kept(ground.store, ground.folder, ground.settings.site), clock)
    stack.callback(engine.stop)
    publisher = Publisher(
        me=ground.me,
        store=ground.store,
        folder=ground.folder,
        ledger=lambda: engine.core.ledger,
        now=clock.now,
        new_id=new_id,
        appended=engine.appended,
    )
    await publisher.begin()
    enrolment = Enrolment(
        site=site,
        store=ground.store,
        accounts=accounts,
        publisher=publisher,
        ledger=lambda: engine.core.ledger,
        genesis=lambda: engine.core.frames[0],
        now=clock.now,
        kept=load_values(ground.store, "invite", Issued),
    )
    stack.push_async_callback(errands.settle)
    web = WebServer(make_web(enrolment, errands), ground.listening, ground.tls)
    office = Office(
        core=engine.core,
        enrolment=enrolment,
        errands=errands,
        invite_hours=ground.settings.invite_hours,
        now=clock.now,
        facts=lambda: _facts(engine, ground.broker, site, web),
        quit_=ended.set,
    )
    engine.start()
    await _open_link(stack, engine, ground, accounts)
    _alongside(stack, _tidy(engine, enrolment, web, ground.tls), "tidy")
    return Running(engine, ground.broker, accounts, web, enrolment, office, site, ended)


async def _open_link(stack: AsyncExitStack, engine: Engine, ground: _Ground, accounts: Accounts) -> None:
    """Be the station "hub" at our own broker; raises BrokerFailed if it does not let us in."""
    from agent.links.mqtt.link import MqttLink
    from agent.links.mqtt.settings import MqttSettings

    settings = MqttSettings(
        site=ground.settings.site,
        station=HUB,
        addresses=((dialled(ground.settings.listen), ground.broker.port),),
        user=HUB,
        password=accounts.hub_password,
        client_id=ground.keys.client_id,
        ca_pem=ground.tls.ca_pem,
    )
    _alongside(stack, engine.keep(MqttLink(settings)), "link")
    try:
        await asyncio.wait_for(engine.connected.wait(), LINK_PATIENCE_S)
    except TimeoutError:
        why = "; ".join(link.why for link in engine.core.links.states.values())
        raise BrokerFailed("The hub does not reach its own broker", why or "It does not answer") from None


async def _tidy(engine: Engine, enrolment: Enrolment, web: WebServer, tls: SiteTls) -> None:
    """Forget what is old, use a renewed certificate; at once and every hour."""
    while True:
        engine.tidy()
        try:
            await enrolment.tidy()
            web.reload_certificate(tls)
        except (NmrError, OSError):
            log.exception("tidying failed")
        await asyncio.sleep(TIDY_S)


def _facts(engine: Engine, broker: Broker, site: Site, web: WebServer) -> dict[str, Any]:
    return {
        "url": site.url,
        "broker": broker.name,
        "http_port": web.port,
        "mqtt_port": broker.port,
        "refused": engine.router.refused,
        "open_rows": engine.router.open_rows,
    }


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


def _alongside(stack: AsyncExitStack, work: Any, name: str) -> None:
    """Run a coroutine until the stack is closed."""
    task = asyncio.create_task(work, name=f"hub {name}")

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


def _listen_to_signals(quit_: Callable[[], None]) -> None:
    """End cleanly on SIGTERM and Ctrl-C; Windows knows only the latter."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(quit_))
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, quit_)
