"""A line to a server that can fall silent without anybody noticing, drip, and be cut, from any thread."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from typing import Any

_PIECE = 1 << 16


class Line:
    """Listens on `port` and carries everything to `target`, until it is silenced, cut or closed.

    With `ours` and `theirs` it speaks TLS on both sides itself, so that what it does happens inside of TLS.
    """

    def __init__(self, target: int, ours: ssl.SSLContext | None = None, theirs: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._target, self._ours, self._theirs = target, ours, theirs
        self._piece, self._pause = _PIECE, 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self.port: int = self._do(self._listen())

    def silence(self) -> None:
        """Carry nothing more, in either direction, and close nothing; connections are still taken."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def resume(self) -> None:
        """Carry everything again, also what waited."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def drip(self, piece: int = 3, pause: float = 0.02) -> None:
        """From the server carry only so many bytes at a time from now on, with a pause (seconds) behind each."""
        self._piece, self._pause = piece, pause

    def pour(self) -> None:
        """Carry at full speed again."""
        self._piece, self._pause = _PIECE, 0.0

    def cut(self) -> None:
        """Break the connections that are open; new ones are taken."""
        self._do(self._break_all())

    def close(self) -> None:
        """Cut, and listen no more; closing twice does nothing."""
        if self._loop.is_closed():
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=self._ours)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        await self._break_all()

    async def _break_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        ends = [writer]
        try:
            name = "localhost" if self._theirs else None
            far = await asyncio.open_connection("127.0.0.1", self._target, ssl=self._theirs, server_hostname=name)
            ends.append(far[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pour(reader, far[1], dripping=False))
                group.create_task(self._pour(far[0], writer, dripping=True))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass  # one side hung up, or we cut it
        finally:
            self._tasks.discard(task)
            for end in ends:
                end.transport.abort()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, dripping: bool) -> None:
        while data := await source.read(_PIECE):
            await self._flowing.wait()
            piece, pause = (self._piece, self._pause) if dripping else (_PIECE, 0.0)
            for at in range(0, len(data), piece):
                sink.write(data[at : at + piece])
                await sink.drain()
                if pause:
                    await asyncio.sleep(pause)
        raise EOFError
