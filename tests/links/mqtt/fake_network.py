"""A network that is not there: it writes down what a session wants and answers as the test says."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.mqtt.session import MqttSession
from agent.links.mqtt.settings import MqttSettings

SETTINGS = MqttSettings("s1", "me", (("127.0.0.1", 1),), "me", "secret", "id", None)


class FakeNetwork:
    """The verbs of the network."""

    def __init__(self) -> None:
        self.session: MqttSession
        self.did: list[str] = []
        self.acked: list[int] = []
        self.echoes = True
        self.takes = True
        self.codes = ["Granted QoS 1"]
        self._last = 0

    def publish(self, topic: str, payload: bytes) -> int:
        self.did.append("publish")
        number = self._number()
        if self.takes:
            self._soon(self.session.taken, number)
        if self.echoes:
            self._soon(self.session.arrived, message(1000 + number, payload, sender="me"))
        return number

    def subscribe(self, topic: str) -> int:
        return self._answered("subscribe", [ReasonCode(PacketTypes.SUBACK, self.codes.pop(0))])

    def unsubscribe(self, topic: str) -> int:
        self.codes.append("Granted QoS 1")
        return self._answered("unsubscribe", [])

    def ack(self, mid: int) -> None:
        self.acked.append(mid)

    def _answered(self, what: str, codes: list[ReasonCode]) -> int:
        self.did.append(what)
        number = self._number()
        self._soon(self.session.granted, number, codes)
        return number

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _soon(self, fact: Callable[..., None], *told: object) -> None:
        asyncio.get_running_loop().call_soon(fact, *told)


def message(mid: int, payload: bytes, sender: str = "other", qos: int = 1, to: str = "me") -> MQTTMessage:
    """A message as paho hands it over."""
    one = MQTTMessage(mid, f"nmr/1/s1/to/{to}/{sender}".encode())
    one.payload, one.qos = payload, qos
    return one


def with_session(walk: Callable[[MqttSession, FakeNetwork], Coroutine[Any, Any, None]]) -> None:
    """Run `walk` with a session on a fake network."""

    async def run() -> None:
        network = FakeNetwork()
        network.session = MqttSession(SETTINGS, network)  # type: ignore[arg-type]
        await walk(network.session, network)

    asyncio.run(run())
