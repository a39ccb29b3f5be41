"""Programs of Python for Windows, run by wine on a test's own X server, in a prefix of their own."""

import os
import select
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

from tests.servers import wine_parts
from tests.servers.programs import Programs, until

ROOT = wine_parts.ROOT
SLOW = 60.0
"""Seconds a Windows program has to come up: the first of a prefix brings half a Windows with it."""

PAUSE = 0.02
"""Seconds between two looks whether a program has ended."""


class Running:
    """A Windows program and what it has said; its outputs are pipes, for Python does not start with them in a file."""

    def __init__(self, command: list[str | Path], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._said: list[bytes] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def said(self) -> str:
        """Everything so far."""
        return b"".join(self._said).decode(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    @property
    def megabytes(self) -> float:
        """Its resident memory in MiB, with what wine itself needs."""
        return psutil.Process(self.process.pid).memory_info().rss / (1 << 20)

    def wait(self, seconds: float = SLOW) -> int:
        """Its exit code; raises TimeoutError with what it said."""
        until(lambda: not self.alive, f"the end of a Windows program that said {self.said!r}", seconds)
        self._listener.join(5)
        return self.process.wait()

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.alive:
            self.process.kill()
        self.process.wait()
        self._listener.join(5)

    def _listen(self) -> None:
        """Read until the program has ended: the services of Windows, which it may have started, hold the pipe too."""
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while True:
                ended = not self.alive
                if select.select([pipe], [], [], PAUSE)[0]:
                    said = os.read(pipe.fileno(), 1 << 16)
                    if not said:
                        return
                    self._said.append(said)
                elif ended:
                    return


class Wine:
    """A Windows of one's own for the length of a block; `env` is what its programs need around them."""

    def __init__(self, env: Mapping[str, str], folder: Path, extra: wine_parts.Extra) -> None:
        self.python = wine_parts.python()
        libraries = wine_parts.libraries(extra)
        self._prefix = wine_parts.copied_prefix()
        self.drive_c = self._prefix / "drive_c"
        self._programs = Programs(folder)
        self._running: list[Running] = []
        self.env = {
            **{name: value for name, value in env.items() if name != "PYTHONDONTWRITEBYTECODE"},
            **wine_parts.environment(self._prefix),
            "PYTHONPATH": f"{self.path(ROOT)};{self.path(libraries)}",
            "LC_ALL": "C.UTF-8",  # in which arguments are handed over; Windows' own code page stays 1252
            "WINEPATH": self.path(libraries / "bin"),
            "PYTHONPYCACHEPREFIX": self.path(wine_parts.CACHE / "compiled"),
        }

    @staticmethod
    def missing() -> list[str]:
        """Programs this needs and does not find; a test that needs them skips and names them."""
        return [name for name in wine_parts.NEEDED if shutil.which(name) is None]

    @staticmethod
    def path(place: Path) -> str:
        r"""What Windows programs call a place of ours: `Z:\…`."""
        return "Z:" + str(place).replace("/", "\\")

    def __enter__(self) -> Self:
        # In the foreground it is a child that Programs can end, and with it ends whatever runs in the prefix.
        self._programs.start("wineserver", "wineserver", "--foreground", "--persistent", env=self.env)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for running in self._running:
            running.stop()
        self._programs.stop()
        wine_parts.remove_prefix(self._prefix)

    def start(self, *arguments: str) -> Running:
        """Start `python.exe ARGUMENTS`."""
        return self.start_program(self.python, *arguments)

    def start_program(self, program: str | Path, *arguments: str) -> Running:
        """Start a program of this Windows, or one of ours."""
        running = Running(["wine", program, *arguments], self.env)
        self._running.append(running)
        return running

    def run(self, *arguments: str, seconds: float = SLOW) -> Running:
        """Run `python.exe ARGUMENTS` to its end."""
        return self.run_program(self.python, *arguments, seconds=seconds)

    def run_program(self, program: str | Path, *arguments: str, seconds: float = SLOW) -> Running:
        """Run a program of this Windows, or one of ours, to its end."""
        running = self.start_program(program, *arguments)
        running.wait(seconds)
        return running


@contextmanager
def windows(env: Mapping[str, str], folder: Path, extra: wine_parts.Extra = "station") -> Iterator[Wine]:
    """A Windows with the libraries of a station, hub or test, or a skip that says why not; logs go into `folder`."""
    if missing := Wine.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        wine = Wine(env, folder, extra)
    except wine_parts.CannotFetch as error:
        pytest.skip(f"Python for Windows cannot be fetched: {error}")
    with wine:
        yield wine
