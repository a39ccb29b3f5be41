"""A screen of its own, the stand-in for the agent, and the real window driven by its keyboard."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import time_ns
from typing import Self

import psutil
import pytest

from agent.ui.window.model.shapes import State
from tests.servers.desktop import Desktop
from tests.servers.programs import until
from tests.ui.window import sample
from tests.ui.window.stand_in import StandIn

ROOT = Path(__file__).parents[3]
MAIN = "^No More Running$"


class Opened:
    """The window in a process of its own; keys go to whatever has the focus."""

    def __init__(self, screen: Desktop, agent: StandIn, show: str = "orders") -> None:
        self.screen, self.agent, self.show = screen, agent, show
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "agent.ui.window", "--control", self.agent.address, "--show", self.show]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.screen.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            until(lambda: self.screen.find_window(MAIN), "the window")
            if self.show != "new-order":  # there the form gets the keyboard
                self.sees(MAIN)
                until(lambda: self.agent.watchers, "the first watch")
        except TimeoutError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.stderr is not None
        with self._process.stderr as complaints:
            said = complaints.read().decode()
        self._process.wait()
        assert not said, said

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def sees(self, title: str) -> None:
        """Wait until a window with this title is on screen and has the keyboard."""
        until(lambda: self.screen.find_window(title) in self._focused(title), f"the window {title}")

    def sees_no(self, title: str) -> None:
        """Wait until no window with this title is on screen."""
        until(lambda: self.screen.find_window(title) is None, f"the end of the window {title}")

    def place(self, title: str) -> tuple[int, ...]:
        """Left, top, width and height of a window, in pixels."""
        shown = self.screen._run("xdotool", "getwindowgeometry", "--shell", str(self.screen.find_window(title)))
        found = dict(line.split("=") for line in shown.decode().split())
        return tuple(int(found[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def _focused(self, title: str) -> list[int | None]:
        found = self.screen.find_window(title)
        focus = self.screen._run("xdotool", "getactivewindow").split()
        return [int(focus[0])] if found is not None and focus else []

    def key(self, *keys: str) -> None:
        """Press keys one after another."""
        self.screen.key(*keys)

    def presses(self, key: str, do: str) -> dict[str, object]:
        """What comes with the first request of this kind; for a key that meets a window still drawing itself."""
        self.screen.press_key(key, lambda: self.agent.said(do), f"the request {do}")
        return self.agent.said(do)[0]

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.screen.type(text)

    def asked(self, do: str) -> dict[str, object]:
        """What came with the first request of this kind, waited for."""
        until(lambda: self.agent.said(do), f"the request {do}")
        return self.agent.said(do)[0]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """What is done inside changes the screen; go on when it stands still again."""
        self.until_still()
        before = self.screen.pixels().tobytes()
        yield
        until(lambda: self.screen.pixels().tobytes() != before, "a change on screen")
        self.until_still()

    def until_still(self) -> None:
        """Wait until what is on screen no longer changes, and the window has done nothing between two looks.

        The screen alone may stand still because the window waits for its turn on a busy computer.
        """
        before: list[object] = [None]

        def still() -> bool:
            now = self.screen.pixels().tobytes(), self._turns()
            same, before[0] = now == before[0], now
            return same

        until(still, "a screen that stands still")

    def _turns(self) -> object:
        """How often the window's process got the processor; something new as long as it has it or waits for it."""
        try:
            process = psutil.Process(self._process.pid)
            return process.num_ctx_switches() if process.status() == psutil.STATUS_SLEEPING else object()
        except psutil.NoSuchProcess:
            return None


@pytest.fixture(scope="session")
def screen() -> Iterator[Desktop]:
    """A screen with a window manager and nothing else."""
    if missing := Desktop.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(panel=False, sound=False, notify=None) as started:
        yield started


@pytest.fixture
def evening() -> State:
    """The state the agent tells first; a test may change it before it opens the window."""
    return sample.evening(time_ns() // 1_000_000)


@pytest.fixture
def open_window(screen: Desktop, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Opens the window on a state; everything is closed at the end, and nothing may have been complained about."""
    with ExitStack() as open_things:

        def open_on(state: State, show: str = "orders") -> Opened:
            agent = open_things.enter_context(StandIn(tmp_path, state))
            return open_things.enter_context(Opened(screen, agent, show))

        yield open_on
