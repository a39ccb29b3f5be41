"""A program that tells a test what happens to it, line by line."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.servers.waiting import eventually


class Speaking:
    """A running program and what it said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    async def said(self, line: str, seconds: float = 10) -> None:
        """Wait until the program says `line`; raises TimeoutError with all it said."""
        try:
            await eventually(lambda: line in self.lines, seconds)
        except TimeoutError:
            raise TimeoutError(f"{line!r} not within {seconds} s, but {self.lines}") from None

    async def listen(self) -> None:
        """Keep what it says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").strip())


@asynccontextmanager
async def speaking(*command: str, env: Mapping[str, str]) -> AsyncIterator[Speaking]:
    """Run `command` for the length of the block; both its outputs are what it says."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        # a pipe, never a file: Python under wine does not start with its output in a file
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    program = Speaking(process)
    listening = asyncio.create_task(program.listen())
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        listening.cancel()
        await asyncio.wait({listening})
