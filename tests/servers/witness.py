"""A notification daemon on a private bus in its own thread: what was really put before a person, by its own count."""

import asyncio
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from tests.servers.notification_daemon import NotificationDaemon
from tests.servers.session_bus import Bus


class Witness:
    """Counts how often each page was shown; `env` is for the agent that shows."""

    def __init__(self) -> None:
        self._bus = Bus()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="witness", daemon=True)
        self._daemon: NotificationDaemon

    @property
    def env(self) -> dict[str, str]:
        """What the agent needs to find this daemon, and nothing else to show or play on."""
        address = self._bus.env["DBUS_SESSION_BUS_ADDRESS"]
        return {"DBUS_SESSION_BUS_ADDRESS": address, "NMR_TRAY": "silent", "NMR_SOUND": "silent"}

    def shown(self) -> Counter[str]:
        """How often each page, known by its note, was put before a person; ringing again later counts too."""
        pages = [call for call in list(self._daemon.calls) if "Is Paging" in call.title]
        return Counter(page.body.split("\n")[0] for page in pages)

    def calls(self) -> int:
        """How often the daemon was asked for anything: a fault that waits for the next page looks at this."""
        return len(self._daemon.calls)

    def __enter__(self) -> Self:
        self._bus.__enter__()
        self._thread.start()
        self._daemon = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    async def _open(self) -> NotificationDaemon:
        return await NotificationDaemon(self._bus.env["DBUS_SESSION_BUS_ADDRESS"]).__aenter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        closing = self._daemon.__aexit__(kind, error, at)
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._bus.__exit__(kind, error, at)
