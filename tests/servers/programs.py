"""Programs a test starts: output to files, standard input empty, stopped by pid and nothing else."""

import atexit
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

WAIT = 45.0
"""Seconds after which a condition that never came true is an error."""

_GUARD = 'while read -r pid; do pids="$pids $pid"; done; kill -KILL $pids'
"""A shell that waits for the end of its input, that is of us, however that comes, and then ends what we started."""


def until(condition: Callable[[], object], what: str, seconds: float = WAIT) -> None:
    """Return as soon as `condition` holds; raise TimeoutError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)


class Programs:
    """The programs one test resource started, with their logs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    def start(
        self, name: str, *command: str, env: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start `command`; its output goes to NAME.log. It ends with this process, even if that is killed."""
        with (self.folder / f"{name}.log").open("ab") as log:
            program = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                pass_fds=pass_fds,
                start_new_session=True,
            )
        self._running[name] = program
        self._watch(program.pid)
        return program

    def _watch(self, pid: int) -> None:
        if self._guard is None:
            quiet = subprocess.DEVNULL
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD], stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
            )
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{pid}\n".encode())
        self._guard.stdin.flush()

    def log(self, name: str) -> str:
        """What the program wrote so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def alive(self, name: str) -> bool:
        """Whether the program still runs."""
        return name in self._running and self._running[name].poll() is None

    def end(self, name: str) -> None:
        """Stop one program: politely, and after a second without ceremony."""
        program = self._running.pop(name, None)
        if program is None:
            return
        program.terminate()
        try:
            program.wait(timeout=1)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()

    def stop(self) -> None:
        """Stop all of them, last started first."""
        for name in reversed(list(self._running)):
            self.end(name)
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        atexit.unregister(self.stop)
