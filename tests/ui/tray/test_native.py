"""A tray in another thread: what crosses, and what a broken one may do to the agent (nothing)."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest

from agent.ui.icons import Panel, Picture
from agent.ui.tray import native
from agent.ui.tray.menu import Menu
from agent.ui.tray.native import NativeTray
from agent.ui.view import Entry, IconState, TrayView
from tests.servers.waiting import eventually

VIEW = TrayView(IconState.OK, 0, "All well", (Entry("ring", "Ring & run", intent="ring"), Entry("info", "Info")))


class FakeIcon:
    """An icon with a loop of its own, as the systems have them."""

    def __init__(self, name: str, title: str, menu: Menu) -> None:
        self.name, self.title, self.menu = name, title, menu
        self.picture: Picture | None = None
        self.visible = False
        self.worn = 0
        self.thread = threading.get_ident()
        self._deeds: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    @property
    def present(self) -> bool:
        return self.visible

    def wear(self, picture: Picture) -> None:
        assert threading.get_ident() == self.thread
        self.picture = picture
        self.worn += 1

    def soon(self, deed: Callable[[], None]) -> None:
        self._deeds.put(deed)

    def run(self, setup: Callable[[Any], None]) -> None:
        setup(self)
        while deed := self._deeds.get():
            deed()

    def stop(self) -> None:
        self._deeds.put(None)

    def press(self, label: str) -> None:
        """Click an entry, in the icon's thread as the systems do."""
        item = next(item for item in self.menu if item.text == label)
        self.soon(lambda: item(self))


class Made:
    """Makes icons and keeps the last."""

    icon: FakeIcon

    def __call__(self, name: str, title: str, menu: Menu) -> FakeIcon:
        self.icon = FakeIcon(name, title, menu)
        return self.icon


def test_the_icon_lives_in_a_thread_of_its_own_and_ends_with_the_tray() -> None:
    async def run() -> None:
        made = Made()
        tray = NativeTray(made)
        tray.show(VIEW)
        await tray.start(lambda _: None)
        await eventually(lambda: tray.registered)
        assert made.icon.thread != threading.get_ident()
        assert made.icon.picture == Picture(IconState.OK)
        assert (made.icon.title, [item.text for item in made.icon.menu]) == ("All well", ["Ring & run", "Info"])
        await tray.stop()
        assert not tray.registered
        assert made.icon.thread not in {thread.ident for thread in threading.enumerate()}

    asyncio.run(run())


def test_a_click_arrives_in_the_event_loop() -> None:
    async def run() -> None:
        made, clicks = Made(), list[tuple[object, int]]()
        tray = NativeTray(made)
        tray.show(VIEW)
        await tray.start(lambda intent: clicks.append((intent, threading.get_ident())))
        made.icon.press("Info")  # informs only
        made.icon.press("Ring & run")
        await eventually(lambda: clicks)
        assert clicks == [("ring", threading.get_ident())]
        await tray.stop()

    asyncio.run(run())


def test_updates_reach_the_icon_in_its_own_thread_and_not_more_often_than_it_bears() -> None:
    async def run() -> None:
        made = Made()
        tray = NativeTray(made)
        await tray.start(lambda _: None)
        for count in range(500):
            tray.show(TrayView(IconState.ATTENTION, count, f"{count} pages", VIEW.menu))
            await asyncio.sleep(0)
        await eventually(lambda: made.icon.title == "499 pages")
        assert made.icon.worn <= 4
        await tray.stop()

    asyncio.run(run())


def test_only_what_changed_is_drawn_again() -> None:
    async def run() -> None:
        made = Made()
        tray = NativeTray(made)
        tray.show(VIEW)
        await tray.start(lambda _: None)
        menu = made.icon.menu
        tray.show(TrayView(VIEW.icon, VIEW.count, "Still well", VIEW.menu))
        await eventually(lambda: made.icon.title == "Still well")
        assert made.icon.menu is menu
        assert made.icon.worn == 1
        await tray.stop()

    asyncio.run(run())


def test_the_icon_follows_the_theme_of_the_panel() -> None:
    async def run() -> None:
        made, panel = Made(), Panel.DARK
        tray = NativeTray(made, lambda: panel)
        tray.show(VIEW)
        await tray.start(lambda _: None)
        assert made.icon.picture == Picture(IconState.OK, 0, Panel.DARK)
        panel = Panel.LIGHT
        tray.show(TrayView(VIEW.icon, VIEW.count, "Anything", VIEW.menu))
        await eventually(lambda: made.icon.picture == Picture(IconState.OK, 0, Panel.LIGHT))
        await tray.stop()

    asyncio.run(run())


def test_labels_and_tooltips_fit_what_the_system_takes() -> None:
    async def run() -> None:
        made = Made()
        tray = NativeTray(made, escape=lambda text: text.replace("&", "&&"))
        tray.show(TrayView(IconState.OK, 0, "x" * 300, VIEW.menu))
        await tray.start(lambda _: None)
        assert [item.text for item in made.icon.menu] == ["Ring && run", "Info"]
        assert len(made.icon.title) == 127
        await tray.stop()

    asyncio.run(run())


class Broken(FakeIcon):
    """Fails where it is told to."""

    fails_in = ""

    def _fail(self, where: str) -> None:
        if self.fails_in == where:
            raise OSError(where)

    def run(self, setup: Callable[[Any], None]) -> None:
        self._fail("run")
        super().run(setup)

    def soon(self, deed: Callable[[], None]) -> None:
        self._fail("soon")
        super().soon(deed)

    def wear(self, picture: Picture) -> None:
        self._fail("wear")
        super().wear(picture)

    def stop(self) -> None:
        super().stop()
        self._fail("stop")

    def __setattr__(self, name: str, value: object) -> None:
        if name == "visible" and value:
            self._fail("visible")
        super().__setattr__(name, value)


@pytest.mark.parametrize("where", ["make", "run", "visible", "wear", "soon", "stop"])
def test_a_broken_icon_hurts_nobody(where: str, caplog: pytest.LogCaptureFixture) -> None:
    def make(name: str, title: str, menu: Menu) -> Broken:
        if where == "make":
            raise ImportError(where)
        icon = Broken(name, title, menu)
        icon.fails_in = where
        return icon

    async def run() -> None:
        tray = NativeTray(make)
        await tray.start(lambda _: None)
        assert tray.registered == (where in {"soon", "stop"})
        tray.show(VIEW)
        await eventually(lambda: tray._pace._waiting is None)
        await tray.stop()

    asyncio.run(run())
    assert where in caplog.text


def test_an_icon_that_never_comes_up_holds_the_agent_for_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "START_SECONDS", 0.05)
    monkeypatch.setattr(native, "STOP_SECONDS", 0.05)
    hang = threading.Event()

    def make(name: str, title: str, menu: Menu) -> FakeIcon:
        hang.wait(10)
        return FakeIcon(name, title, menu)

    async def run() -> None:
        tray = NativeTray(make)
        await tray.start(lambda _: None)
        assert not tray.registered
        await tray.stop()

    asyncio.run(asyncio.wait_for(run(), 8))
    hang.set()
