"""The tray over D-Bus, as a panel without pixels sees it."""

import asyncio
import gc
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import psutil
import pytest
from dbus_fast.aio import MessageBus

from agent.ui.icons import Picture
from agent.ui.tray import sni
from agent.ui.tray.sni import SniTray
from agent.ui.view import Entry, IconState, TrayView
from tests.servers.desktop import Bus
from tests.servers.tray_host import MENU, TrayHost, tray_host
from tests.servers.waiting import eventually

VIEW = TrayView(
    IconState.OK,
    0,
    "No More Running\nAll links <up> & well",
    (
        Entry("kitchen", "Page the kitchen", intent="page kitchen", default=True),
        Entry("people", "Page a person", submenu=(Entry("ben", "Ben_2", intent="page ben"), Entry("eve", "Eve"))),
        Entry("line", ""),
        Entry("quiet", "Do not disturb", intent="quiet", checked=False),
        Entry("edit", "New order", intent="new", enabled=False),
        Entry("quit", "Quit", intent="quit"),
    ),
)


@dataclass
class Scene:
    """A tray on a desk and the panel that shows it."""

    tray: SniTray
    panel: TrayHost
    address: str
    intents: list[object] = field(default_factory=list)


@asynccontextmanager
async def scene(bus: Bus, view: TrayView = VIEW) -> AsyncIterator[Scene]:
    connection = await MessageBus(bus.address).connect()
    async with tray_host(bus.address) as panel:
        tray = SniTray(connection)
        made = Scene(tray, panel, bus.address)
        tray.show(view)
        await tray.start(made.intents.append)
        try:
            yield made
        finally:
            await tray.stop()
            connection.disconnect()


def with_entry(entry: Entry, at: int = 0) -> TrayView:
    """VIEW with another entry in that place."""
    return replace(VIEW, menu=(*VIEW.menu[:at], entry, *VIEW.menu[at + 1 :]))


def test_the_panel_gets_name_state_pictures_and_tooltip(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            assert made.tray.registered
            shown = await made.panel.properties()
            assert shown["Category"] == "Communications"
            assert shown["Id"] == "no-more-running"
            assert shown["Title"] == "No More Running"
            assert shown["Status"] == "Active"
            assert shown["ItemIsMenu"] is False
            assert shown["ToolTip"][2:] == ("No More Running", "All links &lt;up&gt; &amp; well")
            assert [tuple(pixmap) for pixmap in shown["IconPixmap"]] == list(Picture(IconState.OK).pixmaps())

    asyncio.run(run())


def test_the_panel_reads_the_menu_as_the_view_has_it(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            menu = await made.panel.menu()
            lines = [(line.text, line.enabled, line.checked) for line in menu.children]
            assert lines == [
                ("Page the kitchen", True, None),
                ("Page a person", True, None),
                (None, True, None),
                ("Do not disturb", True, False),
                ("New order", False, None),
                ("Quit", True, None),
            ]
            assert [line.text for line in menu.find("Page a person").children] == ["Ben_2", "Eve"]

    asyncio.run(run())


def test_a_click_hands_back_the_intent_also_below_a_submenu(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            await made.panel.click("Page a person", "Ben_2")
            await made.panel.click("Quit")
            await eventually(lambda: made.intents == ["page ben", "quit"])

    asyncio.run(run())


def test_a_left_click_is_the_default_entry(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            await made.panel.activate()
            await eventually(lambda: made.intents == ["page kitchen"])

    asyncio.run(run())


def test_greyed_entries_and_entries_that_only_inform_cannot_be_clicked(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            for labels in (("New order",), ("Page a person", "Eve"), ("Page a person",)):
                await made.panel.click(*labels)
            await made.panel.click("Quit")
            await eventually(lambda: made.intents)
            assert made.intents == ["quit"]

    asyncio.run(run())


def test_a_greyed_default_entry_is_not_what_a_left_click_does(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus, with_entry(replace(VIEW.menu[0], enabled=False))) as made:
            await made.panel.activate()
            await made.panel.click("Quit")
            await eventually(lambda: made.intents)
            assert made.intents == ["quit"]

    asyncio.run(run())


def test_a_late_click_on_an_entry_that_is_gone_hits_nothing_else(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            number = (await made.panel.menu()).find("Page the kitchen").id
            made.tray.show(with_entry(Entry("bar", "Page the bar", intent="page bar")))
            assert (await made.panel.menu()).children[0].text == "Page the bar"
            await made.panel.click_id(number)
            await made.panel.click("Quit")
            await eventually(lambda: made.intents)
            assert made.intents == ["quit"]

    asyncio.run(run())


def test_other_words_reach_an_open_menu_without_closing_it(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            made.panel.signals.clear()
            made.tray.show(with_entry(replace(VIEW.menu[0], text="Taken by Ben")))
            await eventually(lambda: made.panel.signals)
            assert made.panel.signals == {"ItemsPropertiesUpdated": 1}

    asyncio.run(run())


def test_a_panel_that_opens_the_menu_sees_what_changed_just_now(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            made.tray.show(with_entry(Entry("a", "A")))
            await eventually(lambda: made.panel.signals.get("LayoutUpdated"))
            made.tray.show(with_entry(Entry("b", "B")))  # would wait for a tenth of a second
            assert await made.panel.ask("/MenuBar", MENU, "AboutToShow", "i", 0) is True
            assert (await made.panel.menu()).children[0].text == "B"
            assert await made.panel.ask("/MenuBar", MENU, "AboutToShow", "i", 0) is False

    asyncio.run(run())


def test_unanswered_pages_ask_for_attention(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            made.tray.show(replace(VIEW, icon=IconState.ATTENTION, count=2))
            await eventually(lambda: made.panel.signals.get("NewStatus"))
            shown = await made.panel.properties()
            assert shown["Status"] == "NeedsAttention"
            expected = list(Picture(IconState.ATTENTION, 2).pixmaps())
            assert [tuple(pixmap) for pixmap in shown["AttentionIconPixmap"]] == expected
            made.tray.show(VIEW)
            await eventually(lambda: made.panel.signals.get("NewStatus") == 2)
            assert (await made.panel.properties())["Status"] == "Active"

    asyncio.run(run())


def test_a_burst_of_changes_is_few_signals_and_ends_in_the_last(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            made.panel.signals.clear()
            began = time.monotonic()
            for number in range(500):
                made.tray.show(
                    TrayView(
                        IconState.ATTENTION,
                        number % 12,
                        f"{number} pages",
                        (Entry("a", f"{number} pages", default=True),),
                    )
                )
                await asyncio.sleep(0)
            await eventually(lambda: made.panel.signals.get("NewToolTip"))
            assert (await made.panel.menu()).children[0].text == "499 pages"
            assert (await made.panel.properties())["ToolTip"][2] == "499 pages"
            allowed = 2 + (time.monotonic() - began) / 0.1
            assert max(made.panel.signals.values()) <= allowed

    asyncio.run(run())


def test_ten_updates_a_second_reach_the_panel_however_many_there_are(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:
            made.panel.signals.clear()
            end = time.monotonic() + 0.55
            number = 0
            while time.monotonic() < end:
                number += 1
                made.tray.show(replace(VIEW, tooltip=str(number)))
                await asyncio.sleep(0.001)
            assert number > 100
            assert 4 <= made.panel.signals["NewToolTip"] <= 7

    asyncio.run(run())


def test_a_fault_in_what_a_click_does_leaves_the_tray_alive(bus: Bus) -> None:
    async def run() -> None:
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
        async with scene(bus) as made:

            def clicked(_intent: object) -> None:
                raise ValueError("fault in the core")

            made.tray._clicked = clicked
            await made.panel.click("Quit")
            await eventually(lambda: faults)
            made.tray._clicked = made.intents.append
            await made.panel.click("Quit")
            await eventually(lambda: made.intents == ["quit"])

    asyncio.run(run())


def test_an_icon_whose_bus_is_lost_comes_back_on_a_new_connection(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sni, "AGAIN_S", 0.01)

    async def run() -> None:
        first, second = [await MessageBus(bus.address).connect() for _ in range(2)]
        answers: list[MessageBus | None] = [None, second]
        intents: list[object] = []
        tray = SniTray(first, reconnect=lambda: asyncio.sleep(0, answers.pop(0)))
        tray.show(VIEW)
        async with tray_host(bus.address) as panel:
            await tray.start(intents.append)
            assert first._sock
            first._sock.shutdown(socket.SHUT_RDWR)
            await eventually(lambda: not tray.registered)
            await eventually(lambda: tray.registered)
            tray.show(replace(VIEW, tooltip="back"))
            await eventually(lambda: "NewToolTip" in panel.signals)
            await panel.click("Quit")
            await eventually(lambda: intents == ["quit"])
            await tray.stop()
            await eventually(lambda: not panel.items)
        second.disconnect()

    asyncio.run(run())


def test_the_tray_loads_no_toolkit_no_x_library_and_no_drawing_library() -> None:
    code = (
        "import sys, agent.ui.tray.sni; loaded = {name.split('.')[0] for name in sys.modules};"
        "print(*(loaded & {'gi', 'Xlib', 'PIL', 'tkinter'}))"
    )
    child = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, env={}, text=True)
    assert (child.stdout, child.stderr) == ("\n", "")


def test_memory_stays_flat_over_thousands_of_updates(bus: Bus) -> None:
    async def run() -> None:
        async with scene(bus) as made:

            def draw(number: int) -> None:
                entries = tuple(Entry(f"order {number + at}", f"Order {number + at}", intent=at) for at in range(20))
                count = number % 10
                made.tray._view = TrayView(IconState.ATTENTION, count, f"{number}", entries)
                made.tray._draw()

            async def burst(start: int) -> int:
                for number in range(start, start + 500):
                    draw(number)
                    if number % 20 == 0:
                        await made.panel.menu()
                gc.collect()
                return psutil.Process().memory_info().rss

            await burst(0)
            before = await burst(500)
            after = max([await burst(1000 + 500 * at) for at in range(4)])
            assert after - before < 1024 * 1024

    asyncio.run(run())
