"""Promises of the notifier that speaks to the desktop's daemon over D-Bus."""

import asyncio
import html
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from agent.ui.notify.base import Notice, Shown, Urgency
from tests.servers.notification_daemon import DISMISSED, EXPIRED, NAME, PATH
from tests.servers.session_bus import Bus
from tests.ui.notify.nasty import CORPUS, as_body, as_title
from tests.ui.notify.stage import ANSWERS, page, run, shown_on, soon

TAKEN = Shown(ok=True, by="dbus")


def test_a_page_arrives_with_everything_the_standard_offers(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            assert await stage.notifier.show(page()) == TAKEN
            call = daemon.last
            assert (call.app, call.title, call.body) == ("No More Running", "Ben (kitchen) is paging", "Order 17")
            assert Path(call.icon).is_file()  # noqa: ASYNC240 - one look at a file hurts no test
            assert call.actions == [word for answer in ANSWERS for word in answer] + ["default", "Open"]
            assert call.expire == 0
            assert call.hints == {
                "urgency": 2,
                "desktop-entry": "no-more-running",
                "category": "im.received",
                "suppress-sound": True,
                "resident": True,
            }

    run(test())


def test_a_notice_that_does_not_insist_goes_away_by_itself(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page(urgency=Urgency.NORMAL))
            assert daemon.last.expire == -1
            assert daemon.last.hints["urgency"] == 1
            assert "resident" not in daemon.last.hints

    run(test())


def test_of_nasty_texts_the_daemon_gets_what_a_person_may_see_and_nothing_to_act_on(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            for number, text in enumerate(CORPUS):
                notice = Notice(f"page-{number}", text, text, (("accepted", text),))
                assert await stage.notifier.show(notice) == TAKEN
                call = daemon.last
                assert call.body == html.escape(as_body(text), quote=False)
                assert call.title == as_title(text)
                read = ET.fromstring(f"<x>{call.body}</x>")  # noqa: S314 - what a daemon would do
                assert (len(read), read.text or "") == (0, as_body(text))
                assert call.actions[::2] == ["accepted", "default"]
                assert set(call.hints) == {"urgency", "desktop-entry", "category", "suppress-sound"}

    run(test())


@pytest.mark.parametrize("capability", ["body-markup", "body-hyperlinks", "body-images"])
def test_a_daemon_that_owns_up_to_any_kind_of_markup_gets_escaped_text(bus: Bus, capability: str) -> None:
    async def test() -> None:
        async with shown_on(bus.address, ("body", capability)) as (daemon, stage):
            await stage.notifier.show(page(body="<b>5 & 6</b>"))
            assert daemon.last.body == "&lt;b&gt;5 &amp; 6&lt;/b&gt;"

    run(test())


def test_a_daemon_without_markup_gets_the_text_as_it_is(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address, ("body", "actions")) as (daemon, stage):
            await stage.notifier.show(page(body="5 < 6 & 7 > 6"))
            assert daemon.last.body == "5 < 6 & 7 > 6"

    run(test())


def test_a_daemon_without_actions_is_offered_none(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address, ("body", "body-markup")) as (daemon, stage):
            assert await stage.notifier.show(page()) == TAKEN
            assert daemon.last.actions == []

    run(test())


def test_each_button_reaches_the_agent_as_its_own_action(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            for action, _ in ANSWERS:
                await stage.notifier.show(page(f"page-{action}"))
                daemon.press(action)
            await soon(lambda: len(stage.happened) == 3, "three buttons")
            assert stage.happened == [(f"page-{action}", action) for action, _ in ANSWERS]

    run(test())


def test_a_click_on_the_body_opens(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            daemon.press("default", stays=True)
            await soon(lambda: stage.happened, "a click")
            assert stage.happened == [("page-1", "open")]

    run(test())


def test_a_button_pressed_before_the_daemon_told_the_number_is_not_lost(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            daemon.presses_at_once = "accepted"
            assert await stage.notifier.show(page()) == TAKEN
            await soon(lambda: stage.happened, "a button")
            assert stage.happened == [("page-1", "accepted")]

    run(test())


def test_an_action_that_was_not_offered_is_no_answer(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            daemon.press("reboot", stays=True)
            daemon.press("accepted", number=4711, stays=True)
            await stage.all_heard()
            assert stage.happened == []

    run(test())


def test_only_the_daemon_itself_can_press_a_button(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            other = await MessageBus(bus_address=bus.address).connect()
            forged = Message.new_signal(PATH, NAME, "ActionInvoked", "us", [daemon.last.number, "accepted"])
            forged.destination = stage.bus.unique_name
            await other.send(forged)
            await other.introspect("org.freedesktop.DBus", "/org/freedesktop/DBus")
            await stage.all_heard()
            other.disconnect()
            assert stage.happened == []

    run(test())


def test_what_a_person_closed_is_dismissed_and_what_the_system_closed_expired(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page("a"))
            daemon.end(DISMISSED)
            await stage.notifier.show(page("b"))
            daemon.end(EXPIRED)
            await soon(lambda: len(stage.happened) == 2, "two closed notices")
            assert stage.happened == [("a", "dismissed"), ("b", "expired")]

    run(test())


def test_what_we_close_ourselves_is_nobodys_doing(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            await stage.notifier.close("page-1")
            await stage.all_heard()
            assert daemon.closed == [daemon.last.number]
            assert daemon.open == {}
            assert stage.happened == []
            await stage.notifier.close("page-1")
            await stage.notifier.close("never shown")
            assert len(daemon.closed) == 1

    run(test())


def test_the_same_key_changes_the_notice_in_place(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            for number in range(5):
                await stage.notifier.show(page(body=f"Order {number}"))
            await stage.notifier.show(page("another"))
            assert [call.replaces for call in daemon.calls] == [0, 1, 1, 1, 1, 0]
            assert [call.body for call in daemon.open.values()] == ["Order 4", "Order 17"]

    run(test())


def test_changes_of_one_notice_that_come_at_once_stay_one_notice_in_their_order(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await asyncio.gather(*(stage.notifier.show(page(body=f"Order {number}")) for number in range(20)))
            assert [call.body for call in daemon.open.values()] == ["Order 19"]
            await asyncio.gather(stage.notifier.show(page("b")), stage.notifier.close("b"))
            assert len(daemon.open) == 1

    run(test())


def test_a_notice_that_was_closed_comes_back_as_a_new_one(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await stage.notifier.show(page())
            daemon.end(DISMISSED)
            await soon(lambda: stage.happened, "dismissal")
            await stage.notifier.show(page())
            assert daemon.last.replaces == 0
            daemon.press("accepted")
            await soon(lambda: len(stage.happened) == 2, "a button")
            assert stage.happened == [("page-1", "dismissed"), ("page-1", "accepted")]

    run(test())


def test_capabilities_are_asked_once(bus: Bus) -> None:
    async def test() -> None:
        async with shown_on(bus.address) as (daemon, stage):
            await asyncio.gather(*(stage.notifier.show(page(str(number))) for number in range(10)))
            assert daemon.asked == 1

    run(test())
