"""One broker process: started without a terminal, watched, ended politely or at all costs."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.hub.broker.base import BrokerFailed

_PATIENCE = 15.0  # seconds; NATS with 300 sessions takes 11 to leave, and killing it is safe too


class Process:
    """A child of ours. Its output goes to a file, so that a full pipe can never stop a broker."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @classmethod
    async def launch(cls, command: Sequence[str], output: Path) -> "Process":
        """Start `command` in a group of its own, so that Ctrl-C in the hub's terminal ends the hub first."""
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        try:
            with output.open("wb") as file:
                child = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                    creationflags=flags,
                )
        except OSError as error:
            raise BrokerFailed("The broker program cannot be started", f"{command[0]}: {error}") from error
        return cls(child)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as this loop has heard."""
        return self._child.returncode is None

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await self._child.wait()

    def signal(self, number: int) -> None:
        """Send a signal; one who has just died does not mind."""
        try:
            self._child.send_signal(number)
        except ProcessLookupError:
            return

    async def stop(self) -> None:
        """Ask it to end, wait 15 s, then end it."""
        if not self.alive:
            return
        try:
            self._child.terminate()
            await asyncio.wait_for(self._child.wait(), _PATIENCE)
        except ProcessLookupError:
            await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()
