"""Both ends of the control socket on Linux: a Unix socket that only its owner may open."""

import contextlib
import os
import select
import socket
import stat
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

assert sys.platform != "win32"

_AT_ONCE = 65536
_PATIENCE = 10.0  # seconds to wait for an agent that does not read
_LAST_TURNS = 4  # of the loop: to set up, meet, refuse and drop a connection accepted just before; asyncio cannot later
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class UnixStream:
    """The calling end; one thread may wait in `receive` while another one sends."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._arrival = select.poll()  # a time limit on the socket itself would be the sender's too
        self._arrival.register(opened, select.POLLIN)

    def send(self, content: bytes) -> None:
        """Write all of it; raises OSError when the other end is gone or does not read."""
        self._socket.sendall(content)

    def receive(self, seconds: float | None) -> bytes | None:
        """What came, b"" at the end, None if nothing came in time."""
        if not self._arrival.poll(None if seconds is None else seconds * 1000):
            return None
        return self._socket.recv(_AT_ONCE)

    def fileno(self) -> int:
        """The descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def open_stream(address: str) -> UnixStream:
    """Connect to the agent at `address`; raises OSError if none of this user listens there."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.settimeout(_PATIENCE)
        opened.connect(address)
        if not _is_ours(opened):
            raise PermissionError(f"{address} belongs to somebody else")
    except OSError:
        opened.close()
        raise
    return UnixStream(opened)


async def listen(
    address: str, met: "Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]", longest_line: int
) -> "Callable[[], Awaitable[None]]":
    """Call `met` with every connection of this user until the returned function is called.

    Removes the socket a dead agent left, so the caller must hold the profile's lock.
    """
    import asyncio

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _is_ours(writer.get_extra_info("socket")):
            met(reader, writer)
        else:
            writer.transport.abort()

    bound = _bound(address)
    server = await asyncio.start_unix_server(meet, sock=bound, limit=longest_line)

    async def stop() -> None:
        asyncio.get_running_loop().remove_reader(bound)
        for _ in range(_LAST_TURNS):
            await asyncio.sleep(0)
        server.close()
        with contextlib.suppress(FileNotFoundError):
            os.remove(address)  # noqa: PTH107 - pathlib costs the window 5 ms

    return stop


def _bound(address: str) -> socket.socket:
    if os.path.lexists(address) and stat.S_ISSOCK(os.lstat(address).st_mode):
        os.remove(address)  # noqa: PTH107 - pathlib costs the window 5 ms
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # so that there is no moment in which others may open it
    try:
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    finally:
        os.umask(mask)
    return opened


def _is_ours(opened: socket.socket) -> bool:
    """Whether the process at the other end runs as this user."""
    credentials = opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return bool(user == os.getuid())
