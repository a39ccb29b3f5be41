"""A guarded program on Linux: a group of its own with limits, and its orphans are the guard's children."""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

assert sys.platform != "win32"

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)
_STATE, _PARENT = 0, 1  # words of /proc/<pid>/stat after the name in brackets
MORE_PROCESSES = 256
"""Processes and threads the account may have besides those it has when a task begins; the system does not ask root."""


class GuardedProgram:
    """One started program; `memory_bytes` is the address space of each of its processes."""

    def __init__(self, command: Sequence[str], folder: str, around: dict[str, str], memory_bytes: int) -> None:
        system = ctypes.CDLL(None)
        system.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        processes = _threads_of(os.getuid()) + MORE_PROCESSES

        def limit() -> None:
            system.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            for what, most in (
                (resource.RLIMIT_AS, memory_bytes),
                (resource.RLIMIT_NPROC, processes),
                (resource.RLIMIT_CORE, 0),
            ):
                _, hard = resource.getrlimit(what)
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(what, (least, least))

        self._reaping = threading.Lock()
        self._reaped = False
        self.popen = subprocess.Popen(
            command, cwd=folder, env=around, stdin=subprocess.PIPE, process_group=0,
            preexec_fn=limit,  # noqa: PLW1509 - the guard has no other thread yet
        )  # fmt: skip
        # In another thread: this one may hold the lock that `end` needs, just when the signal interrupts it.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=self.end, daemon=True).start())

    def ask(self) -> None:
        """Ask its group to end."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """End it and its group; what left the group ends when `wait` sees that it has ended itself."""
        self._signal(signal.SIGKILL)

    def wait(self) -> tuple[int, int]:
        """When nothing of it is left: its exit code, and the most memory one of its processes had, in bytes."""
        os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT)
        self.end()  # before its number is free for another group
        with self._reaping:
            _, status, used = os.wait4(self.popen.pid, 0)
            self._reaped = True
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        _end_orphans()
        return self.popen.returncode, used.ru_maxrss << 10

    def _signal(self, number: int) -> None:
        with self._reaping:
            if not self._reaped:
                _send(os.killpg, self.popen.pid, number)
                if os.getpgid(self.popen.pid) != self.popen.pid:  # it went over to another group
                    _send(os.kill, self.popen.pid, number)


def _send(how: Callable[[int, int], None], to: int, number: int) -> None:
    """Send a signal; what has ended, or became another account's (sudo), gets none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(to, number)


def _end_orphans() -> None:
    """End all children, and theirs, which become ours when their parents end."""
    while True:
        for pid in _children():
            _send(os.kill, pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    """Our children that have not ended."""
    own = os.getpid()
    for pid in _processes():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
            if int(words[_PARENT]) == own and words[_STATE] != "Z":
                yield pid


def _threads_of(account: int) -> int:
    """How many threads the account has: that is what the system counts."""
    found = 0
    for pid in _processes():
        with contextlib.suppress(OSError):
            place = f"/proc/{pid}"
            if os.stat(place).st_uid == account:  # noqa: PTH116 - a thousand of them, and Path takes its time
                found += len(os.listdir(f"{place}/task"))  # noqa: PTH208 - as above
    return found


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - as above
