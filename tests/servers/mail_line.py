"""A line to a server that can fall silent without anybody noticing, and can be cut, from any thread."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from tests.links.relay import Relay, relay


class Line:
    """Listens on `port` and carries everything to `target`, until it is silenced, cut or closed."""

    def __init__(self, target: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self._context = relay(target)
        self._relay: Relay = self._do(self._context.__aenter__())
        self.port = self._relay.port

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._relay.connections

    def silence(self) -> None:
        """Carry nothing more, in either direction, and close nothing; connections are still taken."""
        self._loop.call_soon_threadsafe(self._relay.freeze)

    def resume(self) -> None:
        """Carry everything again, also what waited."""
        self._loop.call_soon_threadsafe(self._relay.thaw)

    def cut(self) -> None:
        """Break the connections that are open; new ones are taken."""
        self._do(self._relay.close())

    def close(self) -> None:
        """Cut, and listen no more; closing twice does nothing."""
        if self._loop.is_closed():
            return
        self._do(self._context.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
