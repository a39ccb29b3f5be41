"""The tray icon on Linux: a StatusNotifierItem served from the agent's own loop, behind pystray's Icon."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from dbus_fast import DBusFastError
from dbus_fast.aio import MessageBus

from agent.ui.icons import Picture
from agent.ui.tray import dbusmenu, item
from agent.ui.tray.menu import BareIcon, build, default_entry
from agent.ui.tray.pace import Pace
from agent.ui.tray.registration import Registration
from agent.ui.view import IconState, TrayView

NAME = "no-more-running"
TITLE = "No More Running"
AGAIN_S = 2.0
"""Seconds between the loss of the bus, or a failure, and the next attempt."""

log = logging.getLogger(__name__)


class Icon(BareIcon):  # type: ignore[misc] # pystray has no types
    """pystray's icon on the bus, for whatever panel listens; it lives in the caller's loop and needs no `run()`.

    `activated` is called on a left click, `fresh` before a panel opens the menu.
    """

    HAS_NOTIFICATION = False

    def __init__(self, activated: Callable[[], None], fresh: Callable[[], None]) -> None:
        self.item = item.Item(NAME, TITLE, activated)
        self.dbusmenu = dbusmenu.DBusMenu(clicked=lambda entry: entry(self), fresh=fresh)
        super().__init__(NAME, icon=Picture(IconState.OFFLINE), title=TITLE, menu=())

    def __del__(self) -> None:
        """Not as pystray has it: it would hide the icon here, on a bus that may be closed."""

    def _wear(self, *, visible: bool) -> None:
        self.item.wear(item.Face(self.icon, self.title, visible))

    def _show(self) -> None:
        self._wear(visible=True)

    def _hide(self) -> None:
        self._wear(visible=False)

    def _update_icon(self) -> None:
        self._wear(visible=self.visible)
        self._icon_valid = True

    def _update_title(self) -> None:
        self._wear(visible=self.visible)

    def _update_menu(self) -> None:
        self.dbusmenu.replace(self.menu)


class SniTray:
    """A tray over D-Bus. It waits for a panel when there is none yet.

    Args:
        bus: the session bus.
        reconnect: gives a new one when the old one is lost; without it the icon stays away then.
    """

    name = "sni"

    def __init__(self, bus: MessageBus, *, reconnect: Callable[[], Awaitable[MessageBus | None]] | None = None) -> None:
        self._pace = Pace(self._draw)
        self._view = TrayView(IconState.OFFLINE, 0, TITLE, ())
        self._clicked: Callable[[object], None] | None = None
        self._reconnect = reconnect
        self._staying: asyncio.Task[None] | None = None
        self._live_on(bus)

    def _live_on(self, bus: MessageBus) -> None:
        """Nothing of an icon is carried over: what is exported stays tied to the bus it was exported on."""
        self._bus = bus
        self._registration = Registration(bus)
        self._icon = Icon(self._activate, self._pace.flush)

    @property
    def registered(self) -> bool:
        """Whether a panel shows the icon right now."""
        return self._registration.registered

    async def start(self, clicked: Callable[[object], None]) -> None:
        """Put the icon up, now or when a panel comes; `clicked` gets the entry's intent, in the event loop."""
        self._clicked = clicked
        await self._put_up()
        if self._reconnect is not None:
            self._staying = asyncio.create_task(self._stay(self._reconnect), name="tray")

    async def _put_up(self) -> None:
        try:
            self._draw()
            self._icon.visible = True
            self._bus.export(item.PATH, self._icon.item)
            self._bus.export(dbusmenu.PATH, self._icon.dbusmenu)
            await self._registration.start()
        except (OSError, ValueError, DBusFastError) as error:
            log.warning("no tray icon: %s", error)

    async def _stay(self, reconnect: Callable[[], Awaitable[MessageBus | None]]) -> None:
        """Put the icon up again whenever the bus was lost."""
        while True:
            with contextlib.suppress(Exception):  # whatever it was lost by: it is lost
                await asyncio.shield(self._bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
            log.warning("the session bus is lost, and the tray icon with it: connecting again")
            await asyncio.sleep(AGAIN_S)
            while (bus := await reconnect()) is None:
                await asyncio.sleep(AGAIN_S)
            self._live_on(bus)
            await self._put_up()

    def show(self, view: TrayView) -> None:
        """Draw `view` within a tenth of a second."""
        if view != self._view:
            self._view = view
            if self._clicked is not None:
                self._pace.ask()

    async def stop(self) -> None:
        """Take the icon away; the bus stays open for others."""
        if self._staying is not None:
            self._staying.cancel()
        self._pace.drop()
        self._clicked = None
        if self._bus.connected:
            self._icon.visible = False
            self._bus.unexport(item.PATH)
            self._bus.unexport(dbusmenu.PATH)
        await self._registration.stop()

    def _draw(self) -> None:
        if not self._bus.connected:
            return
        view = self._view
        self._icon.icon = Picture(view.icon, view.count)
        self._icon.title = view.tooltip
        self._icon.menu = build(view.menu, self._click)

    def _activate(self) -> None:
        entry = default_entry(self._view.menu)
        if entry is not None:
            self._click(entry.intent)

    def _click(self, intent: object) -> None:
        # Later, so that the panel has its answer first and a fault in the deed is the loop's, not the bus's.
        if self._clicked is not None and intent is not None:
            asyncio.get_running_loop().call_soon(self._clicked, intent)
