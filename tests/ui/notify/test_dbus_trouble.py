"""Promises of the D-Bus notifier when daemons refuse, hang, die and return, or the bus itself breaks."""

import asyncio

import pytest
from dbus_fast.aio import MessageBus

from agent.ui.notify.base import Shown, Urgency
from agent.ui.notify.dbus import DbusNotifier
from tests.servers.notification_daemon import CAPABILITIES, NAME, NotificationDaemon
from tests.servers.session_bus import Bus
from tests.ui.notify.stage import page, run, shown_on, soon, staged

TAKEN = Shown(ok=True, by="dbus")


def test_another_daemon_is_asked_anew_and_gets_no_old_numbers(bus: Bus) -> None:
    async def test() -> None:
        async with staged(bus.address) as stage:
            async with NotificationDaemon(bus.address):
                await stage.notifier.show(page(urgency=Urgency.NORMAL))
            async with NotificationDaemon(bus.address, ("body",)) as second:
                await stage.all_heard()
                await stage.notifier.show(page(body="5 & 6", urgency=Urgency.NORMAL))
                assert (second.asked, second.last.replaces) == (1, 0)
                assert (second.last.body, second.last.actions) == ("5 & 6", [])

    run(test())


def test_pages_still_open_are_shown_again_when_a_daemon_comes_back(bus: Bus) -> None:
    async def test() -> None:
        async with staged(bus.address) as stage:
            async with NotificationDaemon(bus.address):
                await stage.notifier.show(page("a", "old"))
                await stage.notifier.show(page("a", "new"))
                await stage.notifier.show(page("b", urgency=Urgency.NORMAL))
                await stage.notifier.show(page("c"))
                await stage.notifier.close("c")
            async with NotificationDaemon(bus.address) as second:
                await soon(lambda: second.calls, "the open page")
                await stage.all_heard()
                assert [call.body for call in second.calls] == ["new"]
                second.press("accepted")
                await soon(lambda: stage.happened, "its button")
                assert stage.happened == [("a", "accepted")]

    run(test())


def test_a_daemon_that_starts_in_the_same_moment_is_not_missed(bus: Bus) -> None:
    async def test() -> None:
        for _ in range(20):
            async with staged(bus.address) as stage, NotificationDaemon(bus.address):
                assert await stage.notifier.show(page()) == TAKEN

    run(test())


def test_without_a_daemon_the_reason_is_told_at_once(bus: Bus) -> None:
    async def test() -> None:
        async with staged(bus.address) as stage:
            shown = await stage.notifier.show(page())
            assert (shown.ok, shown.by) == (False, "dbus")
            assert NAME in shown.why
            await stage.notifier.close("page-1")

    run(test())


def test_without_a_bus_nothing_is_raised() -> None:
    async def test() -> None:
        notifier = DbusNotifier(None)
        await notifier.start(lambda key, action: None)
        assert await notifier.show(page()) == Shown(ok=False, by="dbus", why="no session bus")
        await notifier.close("page-1")
        await notifier.stop()

    run(test())


def test_a_daemon_that_refuses_is_quoted(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            daemon.refuses = "too many notifications"
            assert await stage.notifier.show(page()) == Shown(ok=False, by="dbus", why="too many notifications")
            daemon.refuses = ""
            assert await stage.notifier.show(page()) == TAKEN

    run(test())


def test_a_hung_daemon_costs_one_time_out_and_not_one_for_each_page(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address, timeout=0.2) as (daemon, stage):
            daemon.answering.clear()
            now = asyncio.get_running_loop().time
            start = now()
            shown = await asyncio.gather(*(stage.notifier.show(page(str(number))) for number in range(300)))
            assert not any(one.ok for one in shown)
            assert now() - start < 2  # sixteen at once, each waiting for itself, would take four
            assert {one.why.split(" within")[0] for one in shown} <= {
                "the notification daemon did not answer",
                "the notification daemon does not answer",
            }

    run(test())


def test_what_a_hung_daemon_shows_after_all_is_taken_away_again(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address, timeout=0.1) as (daemon, stage):
            daemon.answering.clear()
            assert not (await stage.notifier.show(page())).ok
            daemon.answering.set()
            await soon(lambda: daemon.closed, "the late notice to be closed")
            assert daemon.open == {}
            assert await stage.notifier.show(page()) == TAKEN, "a daemon that answers is asked again at once"

    run(test())


def test_a_bus_that_breaks_is_a_reason_and_not_an_error(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            daemon.answering.clear()
            waiting = asyncio.create_task(stage.notifier.show(page("b")))
            await asyncio.sleep(0)
            bus.programs.end("dbus")
            assert not (await waiting).ok
            assert await stage.notifier.show(page("c")) == Shown(ok=False, by="dbus", why="the session bus is gone")
            await stage.notifier.close("page-1")

    run(test())


def test_a_lost_connection_is_made_anew_and_known_notices_stay_known(bus: Bus) -> None:
    async def test() -> None:
        async with NotificationDaemon(bus.address) as daemon:
            made: list[MessageBus] = []

            async def connect() -> MessageBus:
                made.append(await MessageBus(bus_address=bus.address).connect())
                return made[-1]

            happened: list[tuple[str, str]] = []
            notifier = DbusNotifier(await connect(), reconnect=connect)
            await notifier.start(lambda key, action: happened.append((key, action)))
            await notifier.show(page())
            made[0].disconnect()
            await made[0].wait_for_disconnect()  # type: ignore[no-untyped-call]
            assert await notifier.show(page(body="changed")) == TAKEN
            assert daemon.last.replaces == 1
            daemon.press("accepted")
            await soon(lambda: happened, "a button")
            assert (happened, len(made)) == ([("page-1", "accepted")], 2)
            await notifier.stop()
            made[1].disconnect()

    run(test())


def test_a_burst_does_not_break_the_connection(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            shown = await asyncio.gather(*(stage.notifier.show(page(str(number))) for number in range(2000)))
            assert all(one.ok for one in shown)
            assert len(daemon.open) == 2000
            await stage.notifier.stop()
            assert stage.bus.connected
            assert daemon.open == {}

    asyncio.run(test())


def test_stopping_closes_our_notices_and_leaves_the_bus_to_others(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page("a"))
            await stage.notifier.show(page("b"))
            number = daemon.last.number
            await stage.notifier.stop()
            assert (daemon.open, stage.bus.connected) == ({}, True)
            daemon.press("accepted", number)
            await stage.all_heard()
            assert stage.happened == []

    run(test())


def test_a_listener_that_fails_does_no_harm(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with NotificationDaemon(bus.address, CAPABILITIES) as daemon:
            connection = await MessageBus(bus_address=bus.address).connect()
            heard: list[str] = []

            def fails(key: str, action: str) -> None:
                heard.append(action)
                raise ValueError(key)

            notifier = DbusNotifier(connection)
            await notifier.start(fails)
            daemon.presses_at_once = "accepted"
            assert await notifier.show(page()) == TAKEN
            daemon.press("later", stays=True)
            await soon(lambda: heard == ["accepted"], "the button")
            assert "nobody could take" in caplog.text
            connection.disconnect()

    run(test())
