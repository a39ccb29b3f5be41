"""Both ends of the control pipe, the lock and the places, tried by Python for Windows; one line for each promise."""

import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from agent.domain.errors import BadInput, Unavailable
from agent.system.control import ControlLine, connect
from agent.system.control_server import ControlServer, Say
from agent.system.lock import ProfileLock
from agent.system.paths import Profile


class Agent:
    """A control server in its own thread that echoes, refuses, watches and quits."""

    def __init__(self, profile: Profile, lock: ProfileLock) -> None:
        self.profile = profile
        self.lock = lock
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))
        self.thread.start()
        assert self.ready.wait(20)

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        async with ControlServer(self.profile.control_address, self.lock, self.answer):
            self.ready.set()
            await self.stopping.wait()

    async def answer(self, do: str, with_: dict[str, Any], say: Say) -> object:
        match do:
            case "refuse":
                raise BadInput("No", "way")
            case "watch":
                self.say = say
                say({"event": "state", "state": {"n": 0}})
                await asyncio.Event().wait()
            case "quit":
                self.stopping.set()
        return with_


def promise(name: str, kept: object) -> None:
    sys.stdout.write(f"{'kept' if kept else 'BROKEN'} {name}\n")
    sys.stdout.flush()


def refused(line: ControlLine, do: str, **with_: object) -> BaseException | None:
    try:
        line.request(do, within=0.5, **with_)
    except (BadInput, Unavailable) as error:
        return error
    return None


def alone(profile: Profile) -> ProfileLock:
    promise("places", Profile.default().config_file.is_relative_to(Path(os.environ["APPDATA"])))
    try:
        connect(profile)
    except Unavailable as error:
        promise("absent", error.exit_code == 69)
    lock, other = ProfileLock(profile.lock_file), ProfileLock(profile.lock_file)
    promise("lock", lock.acquire() and not other.acquire() and other.owner() == os.getpid())
    return lock


def together(agent: Agent) -> None:
    one, other = connect(agent.profile), connect(agent.profile)
    promise("two clients", one.request("echo", n="ä") == {"n": "ä"} and other.request("echo", n=2) == {"n": 2})
    promise("error", isinstance(refused(one, "refuse"), BadInput))
    promise("watch", next(one.watch()) == {"n": 0})
    promise("silence", isinstance(refused(one, "watch"), Unavailable))
    promise("write while a read waits", one.request("echo", n=3) == {"n": 3})
    agent.loop.call_soon_threadsafe(agent.say, {"event": "state", "state": {"n": 1, "fill": "x" * 2_000_000}})
    states: list[dict[str, Any]] = []
    end = time.monotonic() + 20
    while not any(len(state.get("fill", "")) == 2_000_000 for state in states) and time.monotonic() < end:
        states += [line["state"] for line in one.ready() if "event" in line]
    promise("large state", states and states[-1]["n"] == 1)
    promise("long line", isinstance(refused(other, "echo", n="x" * 100_000), BadInput))
    promise("after a long line", other.request("echo", n=4) == {"n": 4})
    connect(agent.profile).close()
    promise("quit", other.request("quit") == {})
    agent.thread.join(20)
    promise("end", isinstance(refused(one, "echo"), Unavailable) and not agent.thread.is_alive())
    one.close()
    other.close()


if __name__ == "__main__":
    places = Profile.at(tempfile.mkdtemp())
    places.create()
    held = alone(places)
    together(Agent(places, held))
    held.release()
    promise("lock let go", ProfileLock(places.lock_file).acquire())
