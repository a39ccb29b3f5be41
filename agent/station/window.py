"""Opens the Tk window as a child process; a second request raises the one that is open."""

import asyncio
import logging
import re
import subprocess
import sys

from agent.system.log import event

FAULT = re.compile(r'\s+(File ".+", line \d+, in .+)|([\w.]+(?:Error|Exception))\b')
"""What of a traceback says where and what, without the words of orders and pages that no log may hold."""

NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""Windows would open a black console beside the window of an agent that has none itself."""

log = logging.getLogger(__name__)


class WindowChild:
    """At most one window of this agent."""

    def __init__(self, control_address: str) -> None:
        self._address = control_address
        self._child: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether a window runs."""
        return self._child is not None and self._child.returncode is None

    async def show(self, window: str) -> None:
        """Start the window; a failure is logged, the menu entry can be clicked again."""
        command = [sys.executable, "-m", "agent.ui.window", "--control", self._address, "--show", window]
        try:
            self._child = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                creationflags=NO_CONSOLE,
            )
        except OSError as error:
            event(log, "window-failed", logging.ERROR, error=str(error))
        else:
            self._listening = asyncio.create_task(_listen(self._child.stderr), name="faults of the window")

    async def close(self) -> None:
        """End the window with the agent."""
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()
            await self._child.wait()
        if self._listening is not None:
            await self._listening


async def _listen(stderr: asyncio.StreamReader | None) -> None:
    """Log the window's faults until it ends: Tk goes on after them, and nobody would know."""
    while stderr is not None and not stderr.at_eof():
        try:
            line = await stderr.readline()
        except ValueError:  # longer than asyncio keeps, so no line of a traceback
            continue
        if found := FAULT.match(line.decode(errors="replace")):
            event(log, "window-fault", logging.ERROR, at=found[1] or found[2])
