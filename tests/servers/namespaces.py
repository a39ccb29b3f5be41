"""Two networks with a router between them that lets nothing pass: what they share is the router's public address."""

#   near 10.77.1.2 ──── 10.77.1.1 router 10.77.2.1 ──── 10.77.2.2 far        each a network namespace
#                       PUBLIC, where servers listen

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PUBLIC = "11.7.7.7"
"""Not a private address, so that a TURN server relays to it as to any in the world; nobody is asked for it outside."""
_NEW_NET = 0x40000000

_WALL = "table inet wall {\n chain pass {\n  type filter hook forward priority 0\n  policy drop\n }\n}\n"
_LOSS = (
    "table inet loss {\n chain arrive {\n  type filter hook input priority 0\n"
    "  meta l4proto udp numgen random mod 100 < %d counter drop\n }\n}\n"
)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A computer with a network of its own, by its name for `ip netns`."""

    name: str

    @property
    def around(self) -> tuple[str, ...]:
        """What stands before a command that shall run there."""
        return ("ip", "netns", "exec", self.name)

    def run(self, *command: str, told: str = "") -> str:
        """Run a command there; what it printed."""
        return _run(*self.around, *command, told=told)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let this thread open its sockets there; where a socket was opened, there it stays."""
        with Path("/proc/thread-self/ns/net").open() as here, Path(f"/run/netns/{self.name}").open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())


@dataclass(frozen=True, slots=True)
class Networks:
    """The two computers and what lies between them."""

    near: Namespace
    far: Namespace
    router: Namespace

    def join(self) -> None:
        """Let the router pass everything on from now on."""
        self.router.run("nft", "delete", "table", "inet", "wall")
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def lose(self, percent: int) -> None:
        """Lose so many of a hundred datagrams that arrive at either, by chance."""
        for side in (self.near, self.far):
            side.run("nft", "-f", "-", told=_LOSS % percent)

    def lost(self) -> int:
        """How many were lost so far."""
        told = [side.run("nft", "list", "table", "inet", "loss") for side in (self.near, self.far)]
        return sum(int(count) for text in told for count in re.findall(r"packets (\d+)", text))


@contextmanager
def two_networks() -> Iterator[Networks]:
    """Make them, and take them away again; skips where that is not possible."""
    if why := _missing():
        pytest.skip(why)
    made = [Namespace(f"nmr-{os.getpid()}-{part}") for part in ("near", "far", "router")]
    networks = Networks(*made)
    with ExitStack() as stack:
        for one in made:
            try:
                _run("ip", "netns", "add", one.name)
            except OSError as error:
                pytest.skip(f"no network namespace can be made here: {error}")
            stack.callback(_run, "ip", "netns", "delete", one.name)
            one.run("ip", "link", "set", "lo", "up")
        networks.router.run("nft", "-f", "-", told=_WALL)
        networks.router.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        networks.router.run("ip", "address", "add", f"{PUBLIC}/32", "dev", "lo")
        for number, side in enumerate((networks.near, networks.far), start=1):
            _wire(side, networks.router, number)
        yield networks


def _wire(side: Namespace, router: Namespace, number: int) -> None:
    ends = ["name", "net", "netns", side.name, "type", "veth", "peer", "name", f"net{number}", "netns", router.name]
    _run("ip", "link", "add", *ends)
    for place, end, host in ((side, "net", 2), (router, f"net{number}", 1)):
        place.run("ip", "address", "add", f"10.77.{number}.{host}/24", "dev", end)
        place.run("ip", "link", "set", end, "up")
    side.run("ip", "route", "add", "default", "via", f"10.77.{number}.1")


def _missing() -> str:
    """What this computer lacks, or nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "networks of its own need root on Linux"
    lacks = [program for program in ("ip", "nft", "sysctl") if shutil.which(program) is None]
    return f"{', '.join(lacks)} not installed" if lacks else ""


def _run(*command: str, told: str = "") -> str:
    done = subprocess.run(command, input=told, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _enter(file: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file, _NEW_NET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def around(place: Namespace | None) -> Sequence[str]:
    """What stands before a command that shall run there, or here."""
    return () if place is None else place.around
