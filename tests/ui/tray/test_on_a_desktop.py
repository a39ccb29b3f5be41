"""The tray on a real panel: seen and clicked by pixels, as staff do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from dbus_fast.aio import MessageBus

from agent.ui.icons import Panel, Picture
from agent.ui.tray.sni import SniTray
from agent.ui.view import Entry, IconState, TrayView
from tests.servers.desktop import Desktop
from tests.servers.sight import find_icon, middle, open_menu, settled, vanished
from tests.servers.waiting import eventually

pytestmark = pytest.mark.desktop

MENU = (
    Entry("kitchen", "Page the kitchen", intent="page kitchen", default=True),
    Entry("bar", "Page the bar_2", intent="page bar"),
    Entry("quiet", "Do not disturb", intent="quiet", checked=True),
    Entry("new", "New order", intent="new", enabled=False),
)
VIEW = TrayView(IconState.OK, 0, "No More Running\nAll links up", MENU)
STATES = {
    "ok": VIEW,
    "degraded": TrayView(IconState.DEGRADED, 0, "Mail only", MENU),
    "offline": TrayView(IconState.OFFLINE, 0, "Nobody can be reached", MENU),
    "attention": TrayView(IconState.ATTENTION, 3, "3 pages wait", MENU),
    "attention-many": TrayView(IconState.ATTENTION, 12, "12 pages wait", MENU),
}


@pytest.fixture(scope="module", params=["dark", "light"])
def themed(request: pytest.FixtureRequest) -> Iterator[Desktop]:
    """A desktop of each theme without what the tray does not need."""
    if missing := Desktop.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(theme=request.param, notify=None, sound=False) as started:
        yield started


@asynccontextmanager
async def tray(desktop: Desktop, view: TrayView, clicked: Callable[[object], None]) -> AsyncIterator[SniTray]:
    bus = await MessageBus(desktop.env["DBUS_SESSION_BUS_ADDRESS"]).connect()
    made = SniTray(bus)
    made.show(view)
    await made.start(clicked)
    try:
        yield made
    finally:
        await made.stop()
        bus.disconnect()


def test_a_right_click_opens_the_menu_and_a_click_there_arrives(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append):
            icon = await find_icon(themed, empty)
            menu = await open_menu(themed, icon)
            themed.screenshot(f"tray-menu-{themed.theme}")
            await asyncio.to_thread(themed.click, *middle(menu, rows=4, row=1))
            await eventually(lambda: intents == ["page bar"])
        await vanished(themed, empty)

    asyncio.run(run())


def test_a_greyed_entry_does_nothing(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append):
            icon = await find_icon(themed, empty)
            menu = await open_menu(themed, icon)
            await asyncio.to_thread(themed.click, *middle(menu, rows=4, row=3))
            await asyncio.to_thread(themed.click, *middle(menu, rows=4, row=2))
            await eventually(lambda: intents)
            assert intents == ["quiet"]
        await vanished(themed, empty)

    asyncio.run(run())


def test_an_open_menu_stays_open_and_changes_its_words(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append) as made:
            icon = await find_icon(themed, empty)
            menu = await open_menu(themed, icon)
            before = themed.pixels().crop(menu)
            taken = Entry("kitchen", "Taken by Ben", intent="page kitchen", default=True)
            for text in ("Sending", "On the device", "Ringing", "Taken by Ben"):
                made.show(TrayView(IconState.OK, 0, text, (Entry("kitchen", text, intent=1), *MENU[1:])))
                await asyncio.sleep(0.11)  # as fast as updates go to the panel
            made.show(TrayView(IconState.OK, 0, "Taken", (taken, *MENU[1:])))
            changed = await settled(lambda: themed.pixels().crop(menu), before)
            assert changed[3] <= (menu[3] - menu[1]) / 2, "more than the first entry changed: the menu closed"
            themed.screenshot(f"tray-menu-changed-{themed.theme}")
            await asyncio.to_thread(themed.click, *middle(menu, rows=4, row=0))
            await eventually(lambda: intents == ["page kitchen"])
        await vanished(themed, empty)

    asyncio.run(run())


def test_a_left_click_is_the_default_entry(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append):
            icon = await find_icon(themed, empty)
            await asyncio.to_thread(themed.click, *icon)
            await eventually(lambda: intents == ["page kitchen"])
        await vanished(themed, empty)

    asyncio.run(run())


def test_the_icon_survives_a_restart_of_the_panel(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append) as made:
            await find_icon(themed, empty)
            await asyncio.to_thread(themed.stop_panel)
            await eventually(lambda: not made.registered)
            await asyncio.to_thread(themed.start_panel)
            await eventually(lambda: made.registered)
            icon = await find_icon(themed, empty)
            await asyncio.to_thread(themed.click, *icon)
            await eventually(lambda: intents == ["page kitchen"])
        await vanished(themed, empty)

    asyncio.run(run())


def test_a_flood_of_changes_leaves_the_panel_alive_and_right(themed: Desktop) -> None:
    async def run() -> None:
        intents: list[object] = []
        empty = themed.panel_strip()
        async with tray(themed, VIEW, intents.append) as made:
            icon = await find_icon(themed, empty)
            for number in range(1000):
                entries = tuple(Entry(f"{number} {at}", f"Order {number + at}", intent=at) for at in range(number % 9))
                made.show(TrayView(IconState.ATTENTION, number % 12, f"{number}", (*entries, *MENU)))
                await asyncio.sleep(0.001)
            made.show(VIEW)
            await eventually(partial(shows, themed, Picture(IconState.OK)))
            menu = await open_menu(themed, icon)
            await asyncio.to_thread(themed.click, *middle(menu, rows=4, row=1))
            await eventually(lambda: intents == ["page bar"])
            assert themed.programs.alive("panel")
        await vanished(themed, empty)

    asyncio.run(run())


def test_every_state_can_be_seen_on_the_panel(themed: Desktop) -> None:
    async def run() -> None:
        empty = themed.panel_strip()
        async with tray(themed, VIEW, lambda _: None) as made:
            x, y = await find_icon(themed, empty)
            for name, view in STATES.items():
                made.show(view)
                await eventually(partial(shows, themed, Picture(view.icon, view.count, Panel.ANY)))
                shot = themed.screenshot(f"tray-{name}-{themed.theme}")
                shown = themed.pixels().crop((x - 30, y - 15, x + 15, y + 15))
                shown.resize((shown.width * 6, shown.height * 6), 0).save(shot.with_suffix(".zoom.png"))
        await vanished(themed, empty)

    asyncio.run(run())


def shows(desktop: Desktop, picture: Picture) -> bool:
    """Whether the icon's main colour is on the panel, or nearly: panels scale."""
    colours = picture.image(22).getcolors(10_000) or []
    _, main = max((count, colour) for count, colour in colours if isinstance(colour, tuple) and colour[3] == 255)
    there = [
        colour
        for _, colour in desktop.panel_strip().convert("RGB").getcolors(10_000) or []
        if isinstance(colour, tuple)
    ]
    return any(all(abs(one - other) < 16 for one, other in zip(colour, main[:3], strict=True)) for colour in there)
