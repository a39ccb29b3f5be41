"""How the icon stays known to panels that come and go, and to a bus that dies."""

import asyncio

import pytest
from dbus_fast import DBusError
from dbus_fast.aio import MessageBus

from agent.ui.tray.sni import SniTray
from agent.ui.view import Entry, IconState, TrayView
from tests.servers.desktop import Bus
from tests.servers.tray_host import tray_host
from tests.servers.waiting import eventually

VIEW = TrayView(IconState.OK, 0, "All well", (Entry("quit", "Quit", intent="quit"),))


def test_the_icon_comes_back_when_the_panel_starts_again(bus: Bus) -> None:
    async def run() -> None:
        connection = await MessageBus(bus.address).connect()
        tray = SniTray(connection)
        await tray.start(lambda _: None)
        assert not tray.registered
        for _ in range(3):
            async with tray_host(bus.address) as panel:
                await eventually(lambda: tray.registered)
                assert len(panel.items) == 1
            await eventually(lambda: not tray.registered)
        await tray.stop()
        connection.disconnect()

    asyncio.run(run())


def test_a_watcher_without_a_panel_shows_nothing_until_one_comes(bus: Bus) -> None:
    async def run() -> None:
        async with tray_host(bus.address, host=False) as panel:
            connection = await MessageBus(bus.address).connect()
            tray = SniTray(connection)
            await tray.start(lambda _: None)
            assert len(panel.items) == 1
            assert not tray.registered
            panel.watcher.host = True
            panel.watcher.host_registered()
            await eventually(lambda: tray.registered)
            await tray.stop()
            connection.disconnect()

    asyncio.run(run())


def test_stop_takes_the_icon_away_and_leaves_the_bus_to_others(bus: Bus) -> None:
    async def run() -> None:
        async with tray_host(bus.address) as panel:
            connection = await MessageBus(bus.address).connect()
            tray = SniTray(connection)
            await tray.start(lambda _: None)
            name = panel.items[0]
            await tray.stop()
            await eventually(lambda: not panel.items)
            assert connection.connected
            assert not tray.registered
            panel.items.append(name)
            with pytest.raises(DBusError):
                await panel.properties()
            again = SniTray(connection)
            panel.items.clear()
            await again.start(lambda _: None)
            assert again.registered
            await again.stop()
            connection.disconnect()

    asyncio.run(run())


def test_a_bus_that_goes_away_hurts_nobody(bus: Bus) -> None:
    async def run() -> None:
        async with tray_host(bus.address):
            connection = await MessageBus(bus.address).connect()
            tray = SniTray(connection)
            await tray.start(lambda _: None)
            connection.disconnect()
            await eventually(lambda: not tray.registered)
            tray.show(VIEW)
            await asyncio.sleep(0.15)  # long enough for the update to be due
            await tray.stop()

    asyncio.run(run())


def test_a_tray_on_a_dead_bus_starts_and_stops_without_a_word(bus: Bus) -> None:
    async def run() -> None:
        connection = await MessageBus(bus.address).connect()
        connection.disconnect()
        tray = SniTray(connection)
        await asyncio.wait_for(tray.start(lambda _: None), 10)
        assert not tray.registered
        tray.show(VIEW)
        await asyncio.wait_for(tray.stop(), 10)

    asyncio.run(run())
