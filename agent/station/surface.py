"""What staff see and hear of a station: tray, notices, sound and window, behind one face that never fails."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.system.log import event
from agent.ui.notify.base import Notice, Notifier, Shown
from agent.ui.sound.base import Played, Player, Tone
from agent.ui.tray.base import Tray
from agent.ui.view import TrayView

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)


class Surface:
    """Chosen once at start; `clicked` gets a menu entry's intent, `happened` what a person did with a notice."""

    def __init__(self, tray: Tray, notifier: Notifier, player: Player) -> None:
        self.tray, self.notifier, self.player = tray, notifier, player
        self._sounding: asyncio.Task[Played] | None = None

    @classmethod
    async def choose(cls) -> "Surface":
        """Take the best this desktop has."""
        from agent.ui.notify.choose import choose_notifier
        from agent.ui.sound.choose import choose_player
        from agent.ui.tray.choose import choose_tray

        bus = await _bus()
        return cls(await choose_tray(bus), await choose_notifier(bus), await choose_player())

    async def start(self, clicked: Callable[[object], None], happened: Callable[[str, str], None]) -> None:
        """Put the icon up and listen."""
        await self.tray.start(clicked)
        await self.notifier.start(happened)

    async def stop(self) -> None:
        """Take everything away."""
        await self.player.stop()
        await self.notifier.stop()
        await self.tray.stop()

    def show(self, view: TrayView) -> None:
        """Draw the tray."""
        self.tray.show(view)

    async def present(self, notice: Notice, tone: Tone | None) -> Shown:
        """Show a notice and play its tone; ok when a person can see it, `why` says what is missing."""
        playing = asyncio.ensure_future(self.player.play(tone)) if tone is not None else None
        shown = await self.notifier.show(notice)
        event(log, "presented", key=notice.key, ok=shown.ok, by=shown.by, ns=time.time_ns())
        played = await playing if playing is not None else Played(ok=True, by="")
        if shown.ok and not played.ok:
            return Shown(ok=True, by=shown.by, why=f"no-sound: {played.why}")
        return shown

    async def tell(self, key: str, title: str, body: str = "") -> None:
        """Show a notice that is no page."""
        await self.notifier.show(Notice(key, title, body, opens=""))

    async def sound(self, tone: str) -> None:
        """Play one sound once."""
        await self.player.play(Tone(tone))

    async def hush(self) -> None:
        """Be quiet."""
        await self.player.stop()


async def _bus() -> "MessageBus | None":
    """The desktop's session bus, where there is such a thing."""
    if sys.platform != "linux":
        return None
    from agent.ui.session_bus import session_bus

    return await session_bus()
