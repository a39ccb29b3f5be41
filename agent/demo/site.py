"""A site of processes in one folder: started in order, stopped by process id, nothing else touched."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from agent.domain.errors import NmrError, Unavailable
from agent.domain.names import HUB
from agent.system.control import ControlLine, connect, connect_to
from agent.system.os_keyring import CHOICE, TURNED_OFF
from agent.system.paths import Profile

T = TypeVar("T")

NO_KEYRING = {CHOICE: TURNED_OFF[0]}
"""A station that is thrown away leaves nothing in anybody's keyring."""

START_S = 30.0
END_S = 10.0


class Site:
    """One hub and some stations, each with a profile of its own below `folder`."""

    def __init__(self, folder: Path, broker: str = "nats", station_module: str = "agent") -> None:
        self._folder, self._broker, self._station_module = folder, broker, station_module
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    def profile(self, name: str) -> Profile:
        """The profile of the hub or of a station."""
        return Profile.at(self._folder / name)

    def start_hub(self) -> dict[str, Any]:
        """Start the hub on free ports; returns what it says when it is up."""
        profile = self.profile("hub")
        profile.config_folder.mkdir(parents=True, exist_ok=True)
        http_port, mqtt_port = free_ports(2)
        profile.hub_config_file.write_text(
            f'[hub]\nsite = "demo"\nlisten = "127.0.0.1"\nnames = ["127.0.0.1", "localhost"]\n'
            f'http_port = {http_port}\nmqtt_port = {mqtt_port}\nbroker = "{self._broker}"\nstun = ""\n'
        )
        program = self._start(HUB, "hub", "run", "--json")
        line = program.stdout.readline() if program.stdout else b""
        if not line:
            raise Unavailable("The hub did not start", self._log("hub"))
        found: dict[str, Any] = json.loads(line)
        return found

    def enrol(self, name: str, person: str, *roles: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Invite a station and let it enrol; returns {site, station, person}."""
        with connect_to(self.profile("hub").hub_control_address) as hub:
            made = hub.request("hub.invite", person=person, roles=list(roles), station=name)
        invite = self._folder / f"{name}.invite.json"
        invite.write_text(json.dumps(made["invite"]))
        done = subprocess.run(
            [*self._command(name), "enrol", str(invite), "--json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=START_S,
            env={**os.environ, **NO_KEYRING, **(env or {})},
        )
        if done.returncode:
            raise NmrError("A station could not enrol", (done.stdout + done.stderr).decode(errors="replace"))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def start_station(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Start an agent; returns when it is connected."""
        program = self._start(name, "run", env=env)
        until(lambda: self._answers(name, program), f"station {name}")

    def pid(self, name: str) -> int:
        """The process id of the hub or a station."""
        return self._programs[name].pid

    def kill(self, name: str) -> None:
        """End one program without a word, as a power cut would."""
        program = self._programs.pop(name)
        program.kill()
        _wait(program)

    @contextmanager
    def talk(self, name: str) -> Iterator[ControlLine]:
        """Speak to a station's agent."""
        with connect(self.profile(name)) as line:
            yield line

    def stop(self) -> None:
        """End what was started, last first."""
        for name, program in reversed(self._programs.items()):
            profile = self.profile(name)
            _ask_to_end(profile.hub_control_address if name == HUB else profile.control_address, program)
            _wait(program)
        self._programs.clear()

    def _answers(self, name: str, program: subprocess.Popen[bytes]) -> bool:
        if program.poll() is not None:
            raise Unavailable(f"Station {name} did not start", self._log(name))
        try:
            with self.talk(name) as line:
                status = line.request("status")
                return bool(status["state"] == "ok" and status["roles"])  # it knows itself: the ledger has come
        except Unavailable:
            return False

    def _start(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.out").open("ab") as errors:
            program = subprocess.Popen(
                [*self._command(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(env or {})},
            )
        self._programs[name] = program
        return program

    def _command(self, name: str) -> list[str]:
        module = "agent" if name == HUB else self._station_module
        return [sys.executable, "-m", module, *self.profile(name).arguments()]

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.out").read_text(errors="replace")[-2000:]


def _wait(program: subprocess.Popen[bytes]) -> None:
    """Wait for an end, and make one where none comes."""
    try:
        program.wait(END_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
    if program.stdout:
        program.stdout.close()


def _ask_to_end(address: str, program: subprocess.Popen[bytes]) -> None:
    """Politely on its socket, for Windows has no other way, and a hub that is cut off there leaves its broker."""
    try:
        with connect_to(address) as line:
            line.request("quit")
    except NmrError:
        program.terminate()


def until(condition: Callable[[], T], what: str, within: float = START_S) -> T:
    """Return the first truthy value of `condition`; raises Unavailable naming `what` when time is up."""
    end = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > end:
            raise Unavailable(f"{what} took too long", f"It was not there within {within:.0f} seconds.")
        time.sleep(0.02)
    return found


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on just now."""
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
