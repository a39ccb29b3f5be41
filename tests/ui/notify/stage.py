"""A notifier in front of an imagined desktop: what it was asked to show, and what people did with it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dbus_fast.aio import MessageBus

from agent.ui.notify.base import Notice, Urgency
from agent.ui.notify.dbus import DbusNotifier
from tests.servers.notification_daemon import CAPABILITIES, NotificationDaemon

ANSWERS = (("accepted", "On my way"), ("later", "In 5 minutes"), ("declined", "Not now"))


def page(key: str = "page-1", body: str = "Order 17", urgency: Urgency = Urgency.CRITICAL) -> Notice:
    """A notice such as a page makes."""
    return Notice(key, "Ben (kitchen) is paging", body, ANSWERS, urgency)


def run(test: Coroutine[None, None, None]) -> None:
    """Run one test in a loop that complains about slow steps and forgotten tasks."""
    asyncio.run(test, debug=True)


async def soon(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Return as soon as `condition` holds; raise TimeoutError naming `what` when it does not within `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(0.002)


@dataclass
class Stage:
    """A notifier on its own bus connection; `happened` is what it told the agent, in order."""

    bus: MessageBus
    notifier: DbusNotifier
    happened: list[tuple[str, str]] = field(default_factory=list)

    async def all_heard(self) -> None:
        """Return when every signal sent so far has arrived: the bus keeps the order of what it passes on."""
        await self.bus.introspect("org.freedesktop.DBus", "/org/freedesktop/DBus")


@asynccontextmanager
async def staged(address: str, timeout: float = 2.0) -> AsyncIterator[Stage]:
    """A notifier that was started, on the bus at `address`."""
    bus = await MessageBus(bus_address=address).connect()
    stage = Stage(bus, DbusNotifier(bus, timeout=timeout))
    await stage.notifier.start(lambda key, action: stage.happened.append((key, action)))
    try:
        yield stage
    finally:
        await stage.notifier.stop()
        if bus.connected:
            bus.disconnect()


@asynccontextmanager
async def shown_on(
    address: str, capabilities: tuple[str, ...] = CAPABILITIES, timeout: float = 2.0
) -> AsyncIterator[tuple[NotificationDaemon, Stage]]:
    """A daemon and a notifier that has met it."""
    async with NotificationDaemon(address, capabilities) as daemon, staged(address, timeout) as stage:
        yield daemon, stage
