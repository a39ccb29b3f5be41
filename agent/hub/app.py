"""The hub's composition root: puts the parts together and keeps them running."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.domain.errors import NmrError
from agent.domain.events import LinkChanged
from agent.domain.names import HUB
from agent.hub.accounts import Accounts
from agent.hub.alarms import alarms
from agent.hub.broker.base import Broker, BrokerFailed
from agent.hub.broker.tls import SiteTls
from agent.hub.ending import listen_to_signals
from agent.hub.engine import Engine
from agent.hub.enrolment import Enrolment
from agent.hub.errands import Errands
from agent.hub.ground import Ground, alongside
from agent.hub.invites import Issued
from agent.hub.kept import load_kept, load_values
from agent.hub.letters import Letters
from agent.hub.mailboxes import Mailboxes
from agent.hub.metrics import Metrics
from agent.hub.office import Office
from agent.hub.papers import Site
from agent.hub.place import dialled, names_of
from agent.hub.publisher import Publisher
from agent.hub.recovery import KIND, Recovery, Restored
from agent.hub.relays import ice_of
from agent.hub.signaling.alone import hosts_of
from agent.hub.signaling.desk import Desk
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from agent.hub.tally import Tally
from agent.hub.web import WebServer, make_web
from agent.routing.policy import MAIL
from agent.system.clock import SiteClock
from agent.system.config.schema import HubConfig
from agent.system.control_server import ControlServer
from agent.system.ids import new_id
from agent.system.log import close_log, event, open_log
from agent.system.paths import Profile
from agent.system.supervisor import Supervisor

if TYPE_CHECKING:
    from agent.links.mail.own import OwnMailLink
    from agent.links.mail.settings import Recipient

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
    metrics: Metrics
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
    called_off = _call_off_on_signal()
    try:
        async with open_hub(profile, config) as running:
            listen_to_signals(running.ended.set)
            await _serve(running, ready)
    except asyncio.CancelledError:
        if not called_off.is_set():
            raise
        event(log, "start-called-off")
    finally:
        close_log(file)
    return 0


def _call_off_on_signal() -> asyncio.Event:
    """Cancel the task that runs, for a start that is called off shall leave no broker; returns what is set then."""
    starting, called_off = asyncio.current_task(), asyncio.Event()

    def call_off() -> None:
        called_off.set()
        if starting is not None:
            starting.cancel()

    listen_to_signals(call_off)
    return called_off


async def _serve(running: Running, ready: Callable[[dict[str, Any]], None] | None) -> None:
    """Say that we are up, and wait for the end."""
    gc.freeze()  # what was loaded stays: the collector need not walk through it while stations wait
    site, supervisor = running.site, Supervisor()
    event(log, "started", site=site.me.site, url=site.url, broker=running.broker.name)
    if ready is not None:
        ready(running.office.status())
    supervisor.ready(f"site {site.me.site}, {site.url}")
    living = asyncio.create_task(supervisor.keep_alive(), name="hub watchdog")
    await running.ended.wait()
    supervisor.stopping()
    event(log, "stopping")
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


@asynccontextmanager
async def open_hub(profile: Profile, config: HubConfig) -> AsyncIterator[Running]:
    """Run the hub of a profile while the context is open; raises NmrError where it cannot start."""
    profile.create()
    async with AsyncExitStack() as stack:
        ground = Ground.open(stack, profile, config.hub)
        accounts = await ground.start_broker(stack)
        running = await _connect(stack, ground, accounts)
        await stack.enter_async_context(running.web)
        control = ControlServer(profile.hub_control_address, ground.lock, running.office.answer)
        await stack.enter_async_context(control)
        yield running


async def _connect(stack: AsyncExitStack, ground: Ground, accounts: Accounts) -> Running:
    """Put core, ledger, enrolment and link together; return when stations can come."""
    clock, ended, errands, site = SiteClock(), asyncio.Event(), Errands(), ground.site()
    kept = load_kept(ground.store, ground.folder, ground.settings.site)
    ice = partial(ice_of, ground.settings)
    engine = Engine(ground.me, ground.store, kept, clock, ground.psk_life_ms, ice)
    stack.callback(engine.stop)
    limits, hosts = Limits(), hosts_of(names_of(ground.settings), ground.http_port)
    desk = Desk(Exchange(Gate(lambda: engine.core.ledger, hosts), os.urandom, limits), time.monotonic)
    engine.on_growth.append(desk.ledger_changed)
    publisher = await _begin_ledger(ground, engine, clock)
    recovery = _recover(ground, engine, publisher, accounts, errands)
    mailboxes = _note_mailboxes(ground, engine, clock, publisher, errands)
    enrolment = _open_door(ground, site, engine, accounts, clock, publisher)
    stack.push_async_callback(errands.settle)
    told = partial(alarms, engine.core, recovery, enrolment)
    metrics = _measure(ground, engine, recovery, told, clock)
    letters = Letters(enrolment, ground.me.site, start=errands.start, now=clock.now)
    mail = _mailbox(engine, ground, letters.recipient) if ground.settings.mail.enabled else None
    web = WebServer(make_web(enrolment, errands, desk, metrics), ground.listening, ground.tls, sockets=limits.sockets)
    office = Office(
        core=engine.core,
        enrolment=enrolment,
        recovery=recovery,
        alarms=told,
        errands=errands,
        ask=engine.ask,
        invite_hours=ground.settings.invite_hours,
        now=clock.now,
        facts=lambda: _facts(engine, ground, site, web, desk, letters),
        quit_=ended.set,
    )
    engine.start()
    await _open_link(stack, engine, ground, accounts)
    if mail is not None:
        _open_mailbox(stack, engine, mail, letters)
    alongside(stack, _tidy(engine, enrolment, mailboxes, web, ground.tls), "tidy")
    return Running(engine, ground.broker, accounts, web, enrolment, office, site, metrics, ended)


async def _begin_ledger(ground: Ground, engine: Engine, clock: SiteClock) -> Publisher:
    """Begin or take up the ledger."""
    publisher = Publisher(
        me=ground.me,
        store=ground.store,
        folder=ground.folder,
        ledger=lambda: engine.core.ledger,
        now=clock.now,
        new_id=new_id,
        appended=engine.appended,
        split=lambda: engine.core.forks.open,
    )
    await publisher.begin()
    return publisher


def _recover(ground: Ground, engine: Engine, publisher: Publisher, accounts: Accounts, errands: Errands) -> Recovery:
    """Take back what a restored hub has forgotten."""
    restored = next(iter(load_values(ground.store, KIND, Restored)), None)
    recovery = Recovery(
        restored, core=engine.core, publisher=publisher, accounts=accounts, store=ground.store, start=errands.start
    )
    engine.watchers.append(recovery.watch)
    return recovery


def _note_mailboxes(
    ground: Ground, engine: Engine, clock: SiteClock, publisher: Publisher, errands: Errands
) -> Mailboxes:
    """Write into the ledger who takes mail where."""
    own = ground.settings.mail.mailbox
    mailboxes = Mailboxes(own, core=engine.core, publisher=publisher, now=clock.now, start=errands.start)
    engine.watchers.append(mailboxes.watch)
    return mailboxes


def _measure(
    ground: Ground, engine: Engine, recovery: Recovery, told: Callable[[], list[str]], clock: SiteClock
) -> Metrics:
    """Count what happens from now on."""
    tally = Tally(engine.core.history)
    engine.watchers.append(tally.watch)
    return Metrics(
        engine=engine,
        tally=tally,
        broker=ground.broker,
        recovery=recovery,
        alarms=told,
        tls=ground.tls,
        folder=ground.folder,
        allowed=ground.settings.metrics_from,
        now=clock.now,
    )


def _open_door(
    ground: Ground, site: Site, engine: Engine, accounts: Accounts, clock: SiteClock, publisher: Publisher
) -> Enrolment:
    """Return what lets newcomers in."""
    return Enrolment(
        site=site,
        store=ground.store,
        accounts=accounts,
        publisher=publisher,
        core=engine.core,
        ask=engine.ask,
        tell=engine.handle,
        now=clock.now,
        life_ms=ground.psk_life_ms,
        kept=load_values(ground.store, "invite", Issued),
    )


async def _open_link(stack: AsyncExitStack, engine: Engine, ground: Ground, accounts: Accounts) -> None:
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
    alongside(stack, engine.keep(MqttLink(settings)), "link")
    try:
        await asyncio.wait_for(engine.connected.wait(), LINK_PATIENCE_S)
    except TimeoutError:
        why = "; ".join(link.why for link in engine.core.links.states.values())
        raise BrokerFailed("The hub does not reach its own broker", why or "It does not answer") from None


def _mailbox(engine: Engine, ground: Ground, also: Callable[[str], "Recipient | None"]) -> "OwnMailLink":
    """Return the way by mail, to members and to whoever `also` knows."""
    from agent.links.mail.own import OwnMailLink

    return OwnMailLink(
        ground.settings.mail,
        ground.me,
        secrets_folder=ground.folder,
        data_folder=ground.folder,
        ledger=lambda: engine.core.ledger,
        changed=lambda: engine.router.ways_changed(MAIL),
        troubled=lambda why: engine.handle(LinkChanged(MAIL, "up", why)),
        also=also,
    )


def _open_mailbox(stack: AsyncExitStack, engine: Engine, mail: "OwnMailLink", letters: Letters) -> None:
    """Be reached by mail, too, by newcomers as well; what is wrong with the mailbox keeps nobody else from coming."""
    letters.post = mail
    engine.on_growth.append(mail.look)
    alongside(stack, engine.keep(mail, letters.before(engine.router.arrived)), "mail")


async def _tidy(engine: Engine, enrolment: Enrolment, mailboxes: Mailboxes, web: WebServer, tls: SiteTls) -> None:
    """Forget what is old, use a renewed certificate, see that our mailbox is known; at once and every hour."""
    while True:
        engine.tidy()
        try:
            await enrolment.tidy()
            await mailboxes.begin()
            web.reload_certificate(tls)
        except (NmrError, OSError):
            log.exception("tidying failed")
        await asyncio.sleep(TIDY_S)


def _facts(engine: Engine, ground: Ground, site: Site, web: WebServer, desk: Desk, letters: Letters) -> dict[str, Any]:
    return {
        "url": site.url,
        "broker": ground.broker.name,
        "http_port": web.port,
        "mqtt_port": ground.broker.port,
        "refused": engine.router.refused,
        "open_rows": engine.router.open_rows,
        "signaling": desk.status(),
        "letters": dict(letters.counts),
    }
