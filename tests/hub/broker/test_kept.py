"""A broker that dies again and again is started less and less often."""

import asyncio
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agent.hub.broker.base import Account, BrokerPlace
from agent.hub.broker.kept import KeptBroker
from agent.hub.broker.tls import SiteTls


class Mortal(KeptBroker):
    """An engine that is dead whenever one looks; `lives` says how long each life was, in seconds."""

    name: ClassVar[str] = "mortal"

    def __init__(self, folder: Path, lives: list[float]) -> None:
        super().__init__("s1", BrokerPlace(folder, "127.0.0.1", 1, ()), SiteTls(folder))
        self.lives = lives
        self.waited: list[float] = []

    def _write(self, accounts: Sequence[Account]) -> None:
        """It has no files."""

    def _command(self) -> list[str]:
        return []

    async def _load(self, accounts: Sequence[Account]) -> None:
        """It has nothing to load."""

    async def _restart(self, delay: float) -> None:
        self.waited.append(delay)
        self._ready_at = time.monotonic() - self.lives.pop(0)
        self._stopped = not self.lives


def waits(folder: Path, lives: list[float]) -> list[float]:
    async def watch() -> list[float]:
        mortal = Mortal(folder, lives)
        await mortal.run()
        return mortal.waited

    return asyncio.run(watch())


def test_waits_longer_each_time_but_never_more_than_half_a_minute(tmp_path: Path) -> None:
    waited = waits(tmp_path, [1.0] * 12)
    assert waited[:4] == [0.1, 0.2, 0.4, 0.8]
    assert waited[-1] == 30.0


def test_a_start_that_failed_is_no_life(tmp_path: Path) -> None:
    assert waits(tmp_path, [-math.inf] * 3) == [0.1, 0.2, 0.4]


def test_begins_anew_after_a_long_life(tmp_path: Path) -> None:
    assert waits(tmp_path, [1.0, 1.0, 3600.0, 1.0]) == [0.1, 0.2, 0.4, 0.1]
