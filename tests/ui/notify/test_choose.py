"""Promises of the choice of notifiers: the platform's order, the override, and a way on when one fails."""

import asyncio
import subprocess
import sys

import pytest
from dbus_fast.aio import MessageBus

from agent.domain.errors import BadConfiguration
from agent.ui.notify import choose
from agent.ui.notify.choose import choose_notifier
from tests.servers.notification_daemon import NotificationDaemon
from tests.servers.session_bus import Bus
from tests.ui.notify.stage import page


@pytest.mark.parametrize(("platform", "first"), [("linux", "dbus"), ("win32", "winrt"), ("freebsd", "plyer")])
def test_each_platform_begins_with_its_own(platform: str, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert asyncio.run(choose_notifier(None)).name == first


def test_the_environment_overrides_the_platform_and_the_argument_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choose.OVERRIDE, "silent")
    assert asyncio.run(choose_notifier(None)).name == "silent"
    assert asyncio.run(choose_notifier(None, force=" plyer , silent")).name == "plyer"


def test_an_unknown_name_is_told_to_the_person_who_wrote_it() -> None:
    with pytest.raises(BadConfiguration, match="“growl”"):
        asyncio.run(choose_notifier(None, force="growl"))


def test_a_notice_takes_the_bus_it_was_given(bus: Bus) -> None:
    async def test() -> None:
        async with NotificationDaemon(bus.address) as daemon:
            connection = await MessageBus(bus_address=bus.address).connect()
            notifier = await choose_notifier(connection)
            await notifier.start(lambda key, action: None)
            assert (await notifier.show(page())).by == "dbus"
            assert len(daemon.open) == 1
            await notifier.stop()
            assert daemon.open == {}
            connection.disconnect()

    asyncio.run(test())


def test_when_our_own_way_fails_plyer_shows_the_notice(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with NotificationDaemon(bus.address) as daemon:
            notifier = await choose_notifier(None)  # no bus, and none to be found
            monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
            monkeypatch.setattr(
                "agent.ui.notify.plyer._Checked.call",
                lambda command: subprocess.run(command, env=bus.env, check=True, stdin=subprocess.DEVNULL),
            )
            shown = await notifier.show(page())
            assert (shown.ok, shown.by, notifier.name) == (True, "plyer", "plyer")
            assert daemon.last.title == "Ben (kitchen) is paging"

    asyncio.run(test())


def test_with_no_way_at_all_every_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    shown = asyncio.run(_show_without_bus())
    assert not shown[0]
    assert shown[1].startswith("dbus: no session bus; plyer: ")


async def _show_without_bus() -> tuple[bool, str]:
    shown = await (await choose_notifier(None)).show(page())
    return shown.ok, shown.why


def test_choosing_loads_nothing_heavy() -> None:
    code = (
        "import asyncio, sys; from agent.ui.notify.choose import choose_notifier;"
        "asyncio.run(choose_notifier(None, force='winrt,plyer,silent'));"
        "sys.exit(', '.join({'dbus_fast', 'desktop_notifier', 'plyer', 'PIL'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "")
