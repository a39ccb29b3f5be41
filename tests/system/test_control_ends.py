"""Both ends of the control socket: whose it is, what a dead agent leaves, and how an end notices the other's."""

import asyncio
import json
import logging
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from agent.domain.errors import Unavailable
from agent.system.control import ControlLine, connect, ends
from agent.system.control_server import ControlServer, Say
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from tests.system.control_stage import Agent, running, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Unix end; the pipe has its own tests")


def test_without_an_agent_the_user_is_told_how_to_start_it(profile: Profile) -> None:
    profile.create()
    with pytest.raises(Unavailable) as raised:
        connect(profile)
    assert (raised.value.exit_code, raised.value.message) == (69, "Start it with: nmr run")


def test_a_socket_left_by_a_dead_agent_is_no_agent_and_is_replaced(profile: Profile) -> None:
    profile.create()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(profile.control_address)
    assert Path(profile.control_address).is_socket()
    with pytest.raises(Unavailable):
        connect(profile)
    with running(profile) as agent, connect(agent.profile) as line:
        assert line.request("echo", n=1) == {"n": 1}
    assert not Path(profile.control_address).exists()


def test_what_is_no_socket_is_never_removed(profile: Profile) -> None:
    profile.create()
    precious = Path(profile.control_address)
    precious.write_text("precious", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be opened"), running(profile):
        pass
    assert precious.read_text(encoding="utf-8") == "precious"


def test_without_the_lock_no_server_starts(profile: Profile) -> None:
    profile.create()

    async def answer(do: str, with_: dict[str, Any], say: Say) -> object:
        return None

    async def start() -> None:
        async with ControlServer(profile.control_address, ProfileLock(profile.lock_file), answer):
            pass

    with pytest.raises(AssertionError, match="lock"):
        asyncio.run(start())


def test_the_socket_is_open_to_its_owner_only(agent: Agent) -> None:
    assert stat.S_IMODE(Path(agent.profile.control_address).stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_hung_up_on_even_where_the_folder_let_him_in() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with running(Profile.at(folder / "p")) as agent, socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(10)
            for place in (folder, folder / "p", folder / "p/run"):
                place.chmod(0o755)
            Path(agent.profile.control_address).chmod(0o777)
            os.seteuid(65534)  # what the system writes down about who connects
            try:
                stranger.connect(agent.profile.control_address)
            finally:
                os.seteuid(0)
            assert stranger.recv(10) == b""
    finally:
        shutil.rmtree(folder)


def test_a_socket_of_somebody_else_is_not_talked_to(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    with pytest.raises(Unavailable):
        connect(agent.profile)


def test_when_the_agent_stops_everybody_is_told(profile: Profile) -> None:
    with running(profile) as agent:
        asker, follower = connect(profile), connect(profile)
        states = follower.watch()
        next(states)
        assert asker.request("quit") == {}
    with asker, follower:
        with pytest.raises(Unavailable, match="has stopped"):
            next(states)
        with pytest.raises(Unavailable):
            asker.request("echo")
        with pytest.raises(Unavailable):
            asker.ready()
    assert agent.loop.is_closed()


def test_lines_that_came_before_the_end_are_not_lost(profile: Profile) -> None:
    with running(profile) as agent:
        line = connect(profile)
        line.post("echo", n=1)
        line.post("quit")
        wait_until(agent.stopping.is_set)
    with line:
        assert [one["result"] for one in line.ready()] == [{"n": 1}, {}]
        with pytest.raises(Unavailable):
            line.ready()


def test_a_silent_agent_is_not_waited_for_longer_than_asked(line: ControlLine) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        line.request("sleep", within=0.2)
    assert 0.15 < time.monotonic() - started < 5


def test_debug_logging_tells_nothing_about_contents(line: ControlLine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        line.request("echo", note="a secret note")
    assert "secret" not in caplog.text


def test_one_thread_waits_while_another_one_asks(agent: Agent) -> None:
    stream = ends().open_stream(agent.profile.control_address)
    got: SimpleQueue[bytes] = SimpleQueue()

    def wait() -> None:
        while content := stream.receive(None):
            got.put(content)

    waiting = threading.Thread(target=wait)
    waiting.start()
    for number in range(20):
        stream.send(b'{"id": %d, "do": "echo"}\n' % number)
        assert json.loads(got.get(timeout=10))["id"] == number
    agent.loop.call_soon_threadsafe(agent.stopping.set)
    waiting.join(10)
    assert not waiting.is_alive()
    stream.close()


def test_the_calling_end_loads_nothing_heavy() -> None:
    check = (
        "import sys; before = set(sys.modules); import agent.system.control, agent.system.control_unix;"
        " print(sorted({'asyncio', 'typing', 'msgspec', 'dataclasses', 'pathlib', 'logging', 'threading'}"
        " & (set(sys.modules) - before)))"
    )
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert told.stdout.strip() == "[]", told.stderr
