"""A computer to install on and throw away: somebody's file system with a sheet over it that takes every change."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.servers.programs import until

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What it needs of its own: a sheet (in memory), processes, devices, and the places that are empty after a start.
_MAKE = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
mkdir "$2/changes" "$2/work" "$2/all"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/changes,workdir=$2/work" "$2/all"
mount -t proc proc "$2/all/proc"
mount --rbind /dev "$2/all/dev"
mount -t tmpfs tmpfs "$2/all/run"
mount -t tmpfs -o mode=1777 tmpfs "$2/all/tmp"
echo ready
exec cat
"""


def why_not() -> str:
    """Why there can be none here; "" if there can."""
    if os.name == "nt" or os.geteuid() != 0:
        return "only root may make a computer to throw away"
    lacking = [name for name in ("unshare", "nsenter", "dpkg-deb", "strip") if shutil.which(name) is None]
    return f"not here: {', '.join(lacking)}" if lacking else ""


class Computer:
    """What `system` is, until it is left; network and clock are this computer's. Everything in it ends with it."""

    def __init__(self, system: Path, folder: Path) -> None:
        self._system, self._folder = system, folder
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._folder.mkdir()
        self._holder = subprocess.Popen(
            [
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                _MAKE,
                "sh",
                self._system,
                self._folder,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self._end()
            raise OSError("no file system can be laid over another one here")
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._inside = children.read_text().split()[0]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def run(self, *command: str, user: str = "root", told: bytes = b"") -> str:
        """Run a command to its end and return what it printed; raises AssertionError with that if it fails."""
        done = self.tried(*command, user=user, told=told)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def tried(self, *command: str, user: str = "root", told: bytes = b"") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, whatever that is."""
        done = subprocess.run(
            self._around(user, {}, *command), input=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100
        )
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(errors="replace"))

    def start(
        self, *command: str, user: str, log: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a program and return what stands for it; what it prints goes to the file `log` in there."""
        told = ["sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, *command]
        program = subprocess.Popen(
            self._around(user, env or {}, *told),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(program)
        return program

    def end(self, program: "subprocess.Popen[bytes]") -> None:
        """Ask a started program to end, as systemd does, and wait until it has."""
        for inside in psutil.Process(program.pid).children():
            inside.terminate()
        program.wait(30)

    def write(self, path: str, content: bytes) -> None:
        """Write a file in there."""
        self.run("sh", "-c", 'cat > "$1"', "sh", path, told=content)

    def read(self, path: str) -> str:
        """The text of a file in there."""
        return self.run("cat", path)

    def has(self, path: str) -> bool:
        """Whether a file or folder is in there."""
        return self.tried("test", "-e", path).returncode == 0

    def changes(self) -> set[str]:
        """Every path that was made, changed or taken away since the start."""
        found = subprocess.run(
            ["nsenter", "--target", self._inside, "--mount", "find", self._folder / "changes", "-printf", "/%P\\n"],
            stdout=subprocess.PIPE,
            check=True,
        )
        return set(found.stdout.decode(errors="replace").splitlines())

    def _around(self, user: str, env: Mapping[str, str], *command: str) -> list[str | Path]:
        """A command as `user` has it after a login on this computer."""
        home = "/root" if user == "root" else f"/home/{user}"
        own = {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": home, "DEBIAN_FRONTEND": "noninteractive", **env}
        if user != "root":
            own.setdefault("XDG_RUNTIME_DIR", f"/run/user/{user}")
        become: list[str] = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        into: list[str | Path] = [
            "nsenter",
            "--target",
            self._inside,
            "--mount",
            "--pid",
            "chroot",
            self._folder / "all",
        ]
        return [*into, *become, "env", "-i", *(f"{name}={value}" for name, value in own.items()), *command]

    def _end(self) -> None:
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait()
        end = time.monotonic() + 10
        for program in self._started:
            program.wait(max(0.1, end - time.monotonic()))
        until(lambda: not os.path.ismount(self._folder), "the end of its file system")
        self._folder.rmdir()
