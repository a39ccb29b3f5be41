"""The hub as a service: it says when it is up, and ends in order whenever it is told to, also while it starts."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.hub.broker.orphan import birth
from agent.system.paths import Profile
from tests.servers.ports import free_port
from tests.servers.programs import until

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform == "win32", reason="systemd is a matter of Linux"),
]


def start(folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    profile = Profile.at(folder)
    profile.create()
    profile.hub_config_file.write_text(
        f'[hub]\nsite = "s1"\nlisten = "127.0.0.1"\nhttp_port = {free_port()}\nmqtt_port = {free_port()}\n'
    )
    with (folder / "out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "agent", "--profile", str(folder), "hub", "run"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **environment},
        )


def test_systemd_hears_of_its_life_and_its_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(30)
        hub = start(tmp_path / "hub", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        try:
            assert heard.recv(4096).startswith(b"READY=1\nSTATUS=site s1, https://")
            assert [heard.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            hub.send_signal(signal.SIGTERM)
            while (words := heard.recv(4096)) == b"WATCHDOG=1":
                pass
            assert words == b"STOPPING=1"
            assert hub.wait(30) == 0
        finally:
            hub.kill()
            hub.wait()


def test_a_start_that_is_called_off_leaves_no_broker(tmp_path: Path) -> None:
    hub, note = start(tmp_path), Profile.at(tmp_path).hub_folder / "broker" / "nats.pid"
    try:
        until(note.exists, "the broker", 30)
        broker = int(note.read_text().split()[0])
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(30) == 0
        assert birth(broker) == 0
    finally:
        hub.kill()
        hub.wait()
