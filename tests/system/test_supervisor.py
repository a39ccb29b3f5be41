"""systemd hears that we are up, that we live and that we end; whoever did not ask hears nothing."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.system.supervisor import Supervisor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is a matter of Linux")


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The address as systemd gives it, and where its words come out."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@nmr-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(10)
        yield name, listening


def test_it_is_told_in_its_own_words(heard: tuple[str, socket.socket]) -> None:
    address, listening = heard
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    supervisor = Supervisor(environment)
    assert environment == {"HOME": "/"}
    supervisor.ready("site s1")
    assert listening.recv(4096) == b"READY=1\nSTATUS=site s1"

    async def walk() -> None:
        living = asyncio.create_task(supervisor.keep_alive())
        for _ in range(2):
            assert await asyncio.to_thread(listening.recv, 4096) == b"WATCHDOG=1"
        living.cancel()

    asyncio.run(walk())
    supervisor.stopping()
    words = b""
    while words != b"STOPPING=1":
        words = listening.recv(4096)
        assert words in (b"WATCHDOG=1", b"STOPPING=1")


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "no number"}, {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}])
def test_a_watchdog_that_is_not_for_us_is_not_fed(heard: tuple[str, socket.socket], more: dict[str, str]) -> None:
    address, listening = heard
    asyncio.run(asyncio.wait_for(Supervisor({"NOTIFY_SOCKET": address, **more}).keep_alive(), 5))
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(4096)


def test_nobody_there_is_no_error(tmp_path: Path) -> None:
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("x")
    Supervisor({}).ready("x")
    Supervisor({}).stopping()
