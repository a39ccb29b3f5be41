"""A program that tells a test what happens to it, line by line."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.servers.waiting import eventually


class Speaking:
    """A running program and what it said so far."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._heard = b""

    @property
    def lines(self) -> list[str]:
        """What it said, a line each."""
        return self._heard.decode(errors="replace").splitlines()

    async def said(self, line: str, seconds: float = 30) -> None:
        """Wait until the program says `line`; raises TimeoutError with all it said."""
        try:
            await eventually(lambda: line in self.lines, seconds)
        except TimeoutError:
            raise TimeoutError(f"{line!r} not within {seconds} s, but {self.lines}") from None

    def hear(self, pipe: int) -> None:
        """Take what came through the pipe; stop listening at its end."""
        heard = os.read(pipe, 65536)
        self._heard += heard
        if not heard:
            asyncio.get_running_loop().remove_reader(pipe)


@asynccontextmanager
async def speaking(*command: str, env: Mapping[str, str]) -> AsyncIterator[Speaking]:
    """Run `command` for the length of the block; both its outputs are what it says."""
    # A pipe, never a file: Python under wine does not start with its output in a file.
    pipe, stderr = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=stderr) as process:  # noqa: ASYNC220 - it starts at once
        assert process.stdout is not None
        loop, program = asyncio.get_running_loop(), Speaking(process.pid)
        loop.add_reader(process.stdout, program.hear, process.stdout.fileno())
        try:
            yield program
        finally:
            loop.remove_reader(process.stdout)
            process.kill()
