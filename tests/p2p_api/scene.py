"""Users of the API in this process or in one of their own, at a signaling server of a demo site."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from agent import p2p_api
from agent.demo.p2p_site import P2pSite, p2p_site
from tests.links.taking import until

ROOT = Path(__file__).resolve().parents[2]

LONE = """
import asyncio
import sys
from agent.p2p_api import close_all_p2p_connections, initialize_p2p_listener, send_message_to_user

async def main():
    async def on_open(peer_id):
        print("open", peer_id, flush=True)

    async def on_message(sender_id, message):
        print("came", message, flush=True)
        await send_message_to_user("bob", sender_id, message.upper())

    await initialize_p2p_listener("bob", {"on_datachannel_open": on_open, "on_message": on_message})
    print("ready", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    while not ended.is_set():
        await asyncio.sleep(1)
    await close_all_p2p_connections()

asyncio.run(main())
"""
"""A listener as a program of its own, which just waits and answers in capitals."""


class User:
    """One user in this process, and what its handlers heard."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = 0
        self.opened: list[str] = []
        self.came: list[tuple[str, str]] = []

    async def listen(self, **more: Callable[..., object]) -> None:
        """Initialise it."""
        own: dict[str, Callable[..., object]] = {
            "on_connection_ready": self._ready,
            "on_datachannel_open": self._open,
            "on_message": self._message,
        }
        await p2p_api.initialize_p2p_listener(self.name, {**own, **more})

    async def connect(self, peer: str) -> None:
        """Open a channel."""
        await p2p_api.connect_to_user(self.name, peer)

    async def say(self, peer: str, message: str) -> None:
        """Send a message."""
        await p2p_api.send_message_to_user(self.name, peer, message)

    async def _ready(self) -> None:
        self.ready += 1

    async def _open(self, peer_id: str) -> None:
        self.opened.append(peer_id)

    async def _message(self, sender_id: str, message: str) -> None:
        self.came.append((sender_id, message))


@asynccontextmanager
async def at_site(folder: Path, *users: str) -> AsyncIterator[P2pSite]:
    """A site, and this program told of it; at the end all is closed."""
    async with p2p_site(folder, *users) as site:
        p2p_api.configure(*site.profiles, signaling=site.url)
        try:
            yield site
        finally:
            await p2p_api.close_all_p2p_connections()
            p2p_api.configure()


class Lone:
    """The program of bob."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """What it prints next."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            return (await self.process.stdout.readline()).decode().strip()

    async def leave(self) -> None:
        """Let it close everything and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await asyncio.wait_for(self.process.wait(), 15) == 0


@asynccontextmanager
async def lone(site: P2pSite, folder: Path) -> AsyncIterator[Lone]:
    """Bob in a process of its own, ready; killed at the end."""
    with (folder / "bob.errors").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LONE, cwd=ROOT, env={**os.environ, **site.environment()},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        try:
            found = Lone(process)
            assert await found.line() == "ready", (folder / "bob.errors").read_text()
            yield found
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


def held() -> tuple[int, int, int]:
    """Tasks, file descriptors and threads of this process."""
    return len(asyncio.all_tasks()), sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()


def run(walk: Coroutine[None, None, None], seconds: float = 60) -> None:
    """Walk in an event loop of its own, and not for ever."""
    asyncio.run(asyncio.wait_for(walk, seconds))


__all__ = ["Lone", "User", "at_site", "held", "lone", "run", "until"]
