"""The tray icon by pystray's own back ends, in a thread of its own: Windows, and old trays on Linux."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

from agent.ui.icons import Panel, Picture
from agent.ui.tray.menu import Menu, build
from agent.ui.tray.pace import Pace
from agent.ui.view import IconState, TrayView

NAME = "no-more-running"
TITLE = "No More Running"
LONGEST_TOOLTIP = 127
"""Characters; Windows takes no more."""
START_SECONDS = 5.0
STOP_SECONDS = 2.0
GAP = 0.25
"""Seconds between updates: these back ends throw the whole menu away each time."""

log = logging.getLogger(__name__)


class NativeIcon(Protocol):
    """What we need of a pystray icon, and three things of our own."""

    title: str
    menu: Menu
    visible: bool

    @property
    def present(self) -> bool:
        """Whether the system has the icon."""

    def run(self, setup: Callable[[Any], None]) -> None:
        """Be the icon until `stop`; `setup` is called when it can be shown."""

    def stop(self) -> None:
        """Make `run` return."""

    def wear(self, picture: Picture) -> None:
        """Show `picture`."""

    def soon(self, deed: Callable[[], None]) -> None:
        """Do `deed` in the thread of the icon."""


class NativeTray:
    """A tray in another thread: views go there by `soon`, clicks come back by `call_soon_threadsafe`.

    Args:
        make: builds the icon from name, title and menu; it is called in the tray's thread.
        panel: tells what the icon lies on; asked at each update, since people change their theme.
        escape: guards what the system's menus would read as a mnemonic.
    """

    name = "native"

    def __init__(
        self,
        make: Callable[..., NativeIcon],
        panel: Callable[[], Panel] = lambda: Panel.ANY,
        escape: Callable[[str], str] = str,
    ) -> None:
        self._make, self._panel, self._escape = make, panel, escape
        self._view = TrayView(IconState.OFFLINE, 0, TITLE, ())
        self._shown: tuple[Picture, TrayView] | None = None
        self._pace = Pace(self._send, GAP)
        self._icon: NativeIcon | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settled = asyncio.Event()
        self._clicked: Callable[[object], None] | None = None

    @property
    def registered(self) -> bool:
        """Whether the system has the icon; none of them tells whether a person can see it."""
        return self._icon is not None and self._icon.present and bool(self._thread and self._thread.is_alive())

    async def start(self, clicked: Callable[[object], None]) -> None:
        """Put the icon up; returns when it is there or could not be made."""
        self._clicked, self._loop = clicked, asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="tray", daemon=True)
        self._thread.start()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            log.warning("no tray icon after %g s", START_SECONDS)

    def show(self, view: TrayView) -> None:
        """Draw `view` within a quarter of a second."""
        if view != self._view:
            self._view = view
            if self._clicked is not None:
                self._pace.ask()

    async def stop(self) -> None:
        """Take the icon away; returns when its thread ended or does not want to."""
        self._pace.drop()
        self._clicked = None
        if self._thread is not None:
            await asyncio.to_thread(self._end, self._thread)

    def _send(self) -> None:
        icon = self._icon
        if icon is None:
            return
        try:
            icon.soon(lambda: self._apply(icon))
        except Exception as error:  # noqa: BLE001 - back ends raise whatever their system does
            log.warning("the tray icon does not change: %s", error)

    def _end(self, thread: threading.Thread) -> None:
        try:
            if self._icon is not None:
                self._icon.stop()
        except Exception as error:  # noqa: BLE001 - back ends raise whatever their system does
            log.warning("the tray icon does not stop: %s", error)
        thread.join(STOP_SECONDS)

    # From here on in the thread of the tray.

    def _run(self) -> None:
        try:
            icon = self._make(NAME, title=TITLE, menu=Menu())
            self._apply(icon)
            self._icon = icon
            icon.run(setup=self._up)
        except Exception as error:  # noqa: BLE001 - back ends raise whatever their system does
            log.warning("no tray icon: %s", error)
        finally:
            self._cross(self._settled.set)

    def _up(self, icon: NativeIcon) -> None:
        try:
            icon.visible = True
        except Exception as error:  # noqa: BLE001 - back ends raise whatever their system does
            log.warning("no tray icon: %s", error)
        self._cross(self._settled.set)

    def _apply(self, icon: NativeIcon) -> None:
        view, before = self._view, self._shown
        picture = Picture(view.icon, view.count, self._panel())
        if before is None or picture != before[0]:
            icon.wear(picture)
        if before is None or view.tooltip != before[1].tooltip:
            icon.title = view.tooltip[:LONGEST_TOOLTIP]
        if before is None or view.menu != before[1].menu:
            icon.menu = build(view.menu, self._click, self._escape)
        self._shown = picture, view

    def _click(self, intent: object) -> None:
        if intent is not None:
            self._cross(lambda: self._clicked and self._clicked(intent))

    def _cross(self, deed: Callable[[], object]) -> None:
        """Have `deed` done in the event loop, if there still is one."""
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(deed)
        except RuntimeError:
            log.debug("the program ended before the tray")
