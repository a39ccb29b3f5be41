"""A process that does what it is asked on standard input, and a message that tells how long it travelled."""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

_HEAD = struct.Struct(">QQ")


async def obey(deed: Callable[..., Awaitable[Any]]) -> None:
    """Do `deed(do, **details)` for each line {"do", …}; answer each with {"ok"} or {"error"}, until the input ends."""
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        try:
            answer = {"ok": await deed(**json.loads(line))}
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def message(number: int, size: int) -> bytes:
    """A message that carries its number and this moment."""
    return _HEAD.pack(number, time.monotonic_ns()).ljust(size, b".")


class Taken:
    """The messages that came: their numbers in order, and how many milliseconds each was on its way."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.took_ms: list[float] = []
        self.last_ns = 0
        self._more = asyncio.Event()

    def take(self, content: bytes) -> None:
        """Note one; all processes of one computer share the clock."""
        self.last_ns = time.monotonic_ns()
        number, begun = _HEAD.unpack_from(content)
        self.numbers.append(number)
        self.took_ms.append((self.last_ns - begun) / 1e6)
        self._more.set()

    async def all(self, count: int, within: float = 50.0) -> dict[str, object]:
        """Wait for so many and forget them: {numbers, took_ms, last_ns}; those that came, if more do not come."""
        try:
            async with asyncio.timeout(within):
                while len(self.numbers) < count:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pass
        told = {"numbers": self.numbers, "took_ms": self.took_ms, "last_ns": self.last_ns}
        self.numbers, self.took_ms = [], []
        return told


async def paced(number: int, begun: float, every_s: float) -> None:
    """Wait until it is time for message `number`."""
    if every_s:
        await asyncio.sleep(max(0.0, begun + number * every_s - time.monotonic()))


def figure(text: str) -> None:
    """Say what was measured on the way of a test; pytest -rP or -s shows it."""
    print(text)  # noqa: T201 - for whoever looks
