"""Opens the Tk window as a child process; a second request raises the one that is open."""

import asyncio
import logging
import subprocess
import sys

from agent.system.log import event

log = logging.getLogger(__name__)


class WindowChild:
    """At most one window of this agent."""

    def __init__(self, control_address: str) -> None:
        self._address = control_address
        self._child: asyncio.subprocess.Process | None = None

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
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            event(log, "window-failed", logging.ERROR, error=str(error))

    async def close(self) -> None:
        """End the window with the agent."""
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()
            await self._child.wait()
