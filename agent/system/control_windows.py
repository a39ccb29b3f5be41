"""Both ends of the control socket on Windows: a named pipe."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

assert sys.platform == "win32"

import _winapi  # noqa: E402 - mypy stops reading at the line above on other systems

_AT_ONCE = 65536
_PATIENCE_MS = 10_000  # to wait for an agent that does not read
_PIPE_BUSY, _BROKEN_PIPE, _NOT_CONNECTED = 231, 109, 233


class PipeStream:
    """The calling end, with overlapped reads and writes.

    A pipe opened as a plain file does one thing at a time: while a read waits, a write on the same handle waits too,
    and a window that watches could never ask for anything.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._reading: _winapi.Overlapped | None = None

    def send(self, content: bytes) -> None:
        """Write all of it; raises OSError when the other end is gone or does not read."""
        while content:
            writing, _ = _winapi.WriteFile(self._handle, content, overlapped=True)
            if _winapi.WaitForMultipleObjects([writing.event], False, _PATIENCE_MS) == _winapi.WAIT_TIMEOUT:
                writing.cancel()
            written, _ = writing.GetOverlappedResult(True)
            if not written:
                raise TimeoutError("the agent does not read")
            content = content[written:]

    def receive(self, seconds: float | None) -> bytes | None:
        """What came, b"" at the end, None if nothing came in time; the read then goes on until the next call."""
        try:
            if self._reading is None:
                self._reading, _ = _winapi.ReadFile(self._handle, _AT_ONCE, overlapped=True)
            wait = _winapi.INFINITE if seconds is None else int(seconds * 1000)
            if _winapi.WaitForMultipleObjects([self._reading.event], False, wait) == _winapi.WAIT_TIMEOUT:
                return None
            done, self._reading = self._reading, None
            done.GetOverlappedResult(True)
            return bytes(done.getbuffer() or b"")
        except OSError as failure:
            self._reading = None
            if failure.winerror in (_BROKEN_PIPE, _NOT_CONNECTED):
                return b""
            raise

    def fileno(self) -> int:
        """No number that Tk or select could wait for."""
        return -1

    def close(self) -> None:
        """Let go of it."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._handle:
            _winapi.CloseHandle(self._handle)
            self._handle = 0


def open_stream(address: str) -> PipeStream:
    """Connect to the agent at `address`; raises OSError if none listens there."""
    while True:
        try:
            handle = _winapi.CreateFile(
                address,
                _winapi.GENERIC_READ | _winapi.GENERIC_WRITE,
                0,
                _winapi.NULL,
                _winapi.OPEN_EXISTING,
                _winapi.FILE_FLAG_OVERLAPPED,
                _winapi.NULL,
            )
        except OSError as failure:
            if failure.winerror != _PIPE_BUSY:
                raise
            _winapi.WaitNamedPipe(address, _PATIENCE_MS)
        else:
            return PipeStream(handle)


async def listen(
    address: str, met: "Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]", longest_line: int
) -> "Callable[[], Awaitable[None]]":
    """Call `met` with every connection until the returned function is called.

    The default rights of a pipe let other users read at most, and who cannot write cannot ask.
    """
    import asyncio

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=longest_line), met)

    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.ProactorEventLoop)
    (server,) = await loop.start_serving_pipe(protocol, address)

    async def stop() -> None:
        server.close()

    return stop
