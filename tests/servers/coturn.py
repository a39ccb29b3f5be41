"""A real coturn on free ports, configured by the example that comes with the product."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.servers.namespaces import Namespace, around
from tests.servers.ports import free_port
from tests.servers.programs import Programs, until

EXAMPLE = Path(__file__).resolve().parents[2] / "installer" / "linux" / "coturn.conf.example"
REALM, SECRET = "nmr.test", "a secret of the tests"
RELAYS = 20


class Coturn:
    """A server that runs; `secret` is what credentials are computed from."""

    def __init__(self, programs: Programs, port: int) -> None:
        self._programs, self.port, self.secret = programs, port, SECRET

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._programs.log("coturn")


@contextmanager
def running_coturn(
    folder: Path, *, loopback_peers: bool = False, address: str = "127.0.0.1", place: Namespace | None = None
) -> Iterator[Coturn]:
    """Run it with the example as it is, but for names and ports; skips where it is not installed.

    `loopback_peers` lets it relay between stations of this one computer, which the example denies. It listens and
    relays at `address`, on the computer `place`.
    """
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed")
    port, file, programs = free_port(), folder / "coturn.conf", Programs(folder)
    file.write_text(_configuration(folder, port, address, loopback_peers=loopback_peers))
    programs.start("coturn", *around(place), program, "-c", str(file), env={**os.environ, "HOME": str(folder)})
    try:
        until(lambda: _listens(place, address, port) or not programs.alive("coturn"), "coturn listens")
        assert programs.alive("coturn"), programs.log("coturn")
        yield Coturn(programs, port)
    finally:
        programs.stop()


def _configuration(folder: Path, port: int, address: str, *, loopback_peers: bool) -> str:
    text = EXAMPLE.read_text()
    lowest = _free_range(RELAYS)
    ours = {
        "static-auth-secret": SECRET,
        "realm": REALM,
        "listening-port": port,
        "min-port": lowest,
        "max-port": lowest + RELAYS - 1,
    }
    for name, value in ours.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert count == 1, f"the example has no line {name}"
    text = re.sub(r"^syslog$", "log-file=stdout\nsimple-log\nverbose", text, flags=re.MULTILINE)
    text += f"\nlistening-ip={address}\nrelay-ip={address}\nuserdb={folder / 'turndb'}\npidfile={folder / 'pid'}\n"
    return text + ("allow-loopback-peers\nallowed-peer-ip=127.0.0.1\n" if loopback_peers else "")


def _free_range(size: int) -> int:
    """The lowest of so many UDP ports in a row that nobody uses at this moment."""
    for lowest in range(49160, 60000, size):
        taken = []
        try:
            for port in range(lowest, lowest + size):
                taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                taken[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for one in taken:
                one.close()
        return lowest
    raise OSError("no free ports")


def _listens(place: Namespace | None, address: str, port: int) -> bool:
    with nullcontext() if place is None else place.entered(), socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0
