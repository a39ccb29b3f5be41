"""A real broker with a crowd of stations, of which every test takes two nobody has used."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.links.base import HUB, GatedLink, Link
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from tests.links.taking import SOON_S
from tests.servers.broker import RunningBroker, running_broker
from tests.servers.programs import until as wait_until

CROWD = 120


class Crowd:
    """The broker of a module of tests."""

    def __init__(self, broker: RunningBroker) -> None:
        self.broker = broker
        self._fresh = iter([f"s{number}" for number in range(CROWD)])

    def scene(self) -> "MqttScene":
        """Two stations; the broker runs, whatever the test before did to it."""
        if not self.broker.alive:
            self.broker.start()
        return MqttScene(self.broker, next(self._fresh), next(self._fresh))


class MqttScene:
    """The scene of the contract, on a broker."""

    def __init__(self, broker: RunningBroker, a: str, b: str) -> None:
        self.broker, self.a, self.b = broker, a, b
        self._names = {station: secrets.token_urlsafe(16) for station in (a, b, HUB)}
        self._linked: set[str] = set()

    def settings(self, who: str, **changes: Any) -> MqttSettings:
        """What enrolment would have given to station `who`, but for the changes."""
        address = ("127.0.0.1", self.broker.port)
        password, ca = self.broker.passwords[who], self.broker.ca.read_bytes()
        enrolled = MqttSettings(self.broker.site, who, (address,), who, password, self._names[who], ca)
        return replace(enrolled, **changes)

    def link(self, station: str) -> Link:
        self._linked.add(station)
        return MqttLink(self.settings(station))

    def gated(self, station: str) -> GatedLink:
        self._linked.add(station)
        return MqttLink(self.settings(station), gated=True)

    def stranger(self, station: str) -> Link:
        return MqttLink(self.settings(station, password="wrong"))

    def cut(self) -> None:
        self._until_written()
        os.kill(self.broker.pid, signal.SIGKILL)
        self.broker.do(self.broker.keeper._until_dead(SOON_S))

    def mend(self) -> None:
        self.broker.start()

    def _until_written(self) -> None:
        """Mosquitto writes a session seconds after it began, or when asked, and does not promise one it has not."""
        if self.broker.keeper.name == "mosquitto":
            os.kill(self.broker.pid, signal.SIGUSR1)
            file = self.broker.folder / "mosquitto" / "mosquitto.db"
            names = [self._names[station].encode() for station in self._linked]
            wait_until(lambda: file.exists() and all(name in file.read_bytes() for name in names), "mosquitto's file")


@contextmanager
def crowd(kind: str, folder: Path, **settings: Any) -> Iterator[Crowd]:
    """A broker of `kind`; skips where it is not installed."""
    with running_broker(kind, folder, [f"s{number}" for number in range(CROWD)], **settings) as broker:
        yield Crowd(broker)
