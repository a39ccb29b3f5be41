"""A TCP relay in the test's own loop: counts connections, and can fall silent without closing anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Relay:
    """Stands before a server; `port` is where it listens."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.connections = 0
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """Swallow nothing, pass nothing: a cable that is cut without anybody noticing."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again, what waited too."""
        self._flowing.set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it ends."""
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pour(reader, far_writer))
                group.create_task(self._pour(far_reader, writer))
        except* (OSError, EOFError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()
        raise EOFError

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def relay(target: int, host: str = "127.0.0.1") -> AsyncIterator[Relay]:
    """A relay before port `target` of this machine, listening at `host`."""
    between = Relay(target)
    server = await asyncio.start_server(between.meet, host, 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        await between.close()
        await server.wait_closed()
