"""A site's broker for tests that are not asyncio themselves: the product's keeper in a thread of its own."""

import asyncio
import secrets
import shutil
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agent.hub.broker.base import Account, BrokerPlace, new_account
from agent.hub.broker.kept import KeptBroker
from agent.hub.broker.session import knock
from agent.hub.broker.tls import SiteTls

Result = TypeVar("Result")


class RunningBroker:
    """A broker with accounts whose passwords the test knows; `port` and `ca` are what a station needs."""

    def __init__(self, kind: str, folder: Path, site: str, settings: dict[str, Any]) -> None:
        self.site = site
        self.folder = folder
        self.passwords: dict[str, str] = {}
        self.ca = folder / "tls" / "ca.pem"
        self._accounts: dict[str, Account] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._thread.start()
        self.keeper = self.do(self._make(kind, settings))

    @property
    def port(self) -> int:
        """The TLS port."""
        return self.keeper.port

    @property
    def pid(self) -> int:
        """The broker's own process."""
        assert self.keeper._process
        return self.keeper._process.pid

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return bool(self.keeper._process and self.keeper._process.alive)

    def watch(self) -> Future[None]:
        """Let the keeper start the broker again when it dies; the future ends with `stop`."""
        return asyncio.run_coroutine_threadsafe(self.keeper.run(), self._loop)

    def wait_until_in(self, not_pid: int) -> None:
        """Wait until another process than `not_pid` lets connections in."""

        async def until_in() -> None:
            while self.pid == not_pid:
                await asyncio.sleep(0.005)
            await knock(self.keeper._visitor())

        self.do(until_in(), timeout=10)

    def do(self, work: Coroutine[Any, Any, Result], timeout: float = 30) -> Result:
        """Run `work` in the keeper's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def account(self, station: str, password: str | None = None) -> None:
        """Make an account, or give it a new password; `apply` tells the broker."""
        self.passwords[station] = password or secrets.token_urlsafe(24)
        self._accounts[station] = new_account(station, self.passwords[station])

    def drop(self, station: str) -> None:
        """Take an account away; `apply` tells the broker."""
        del self._accounts[station]

    def apply(self) -> None:
        """Tell the broker about the accounts."""
        self.do(self.keeper.apply(list(self._accounts.values())))

    def start(self) -> None:
        """Start, or start again after `stop`."""
        self.do(self.keeper.start(list(self._accounts.values())))

    def stop(self) -> None:
        """Stop the broker; its folder stays."""
        self.do(self.keeper.stop())

    def close(self) -> None:
        """Stop the broker and the thread; closing twice does nothing."""
        if self._loop.is_closed():
            return
        self.stop()
        self.do(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _make(self, kind: str, settings: dict[str, Any]) -> KeptBroker:
        from agent.hub.broker.mosquitto import MosquittoBroker
        from agent.hub.broker.nats import NatsBroker

        place = BrokerPlace(self.folder, "127.0.0.1", 0, ("localhost", "127.0.0.1"))
        engine = NatsBroker if kind == "nats" else MosquittoBroker
        return engine(self.site, place, SiteTls(self.folder / "tls"), **settings)


@contextmanager
def running_broker(
    kind: str, folder: Path, stations: Iterable[str] = (), *, site: str = "s1", **settings: Any
) -> Iterator[RunningBroker]:
    """A broker of `kind` (nats, mosquitto) with accounts for `hub` and `stations`; skips where it is not installed."""
    if kind == "mosquitto" and not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()):
        pytest.skip("mosquitto is not installed")
    broker = RunningBroker(kind, folder, site, settings)
    try:
        for station in ("hub", *stations):
            broker.account(station)
        broker.start()
        yield broker
    finally:
        broker.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    for task in others:
        with suppress(asyncio.CancelledError):
            await task
