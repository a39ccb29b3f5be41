"""A network that is not there: it writes down what a session wants and answers as the test says."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.mqtt.gated import GatedMqttSession
from agent.links.mqtt.session import MqttSession
from agent.links.mqtt.settings import MqttSettings

SETTINGS = MqttSettings("s1", "me", (("127.0.0.1", 1),), "me", "secret", "id", None)


class FakeNetwork:
    """The verbs of the network."""

    def __init__(self) -> None:
        self.session: MqttSession
        self.did: list[str] = []
        self.asked: list[tuple[str, int]] = []
        self.acked: list[int] = []
        self.echoes = True
        self.takes = True
        self.codes = ["Granted QoS 1"]
        """The answers to the next SUBSCRIBEs; UNSUBSCRIBE adds one."""
        self._last = 0

    def publish(self, topic: str, payload: bytes) -> int:
        self.did.append("publish")
        number = self._number()
        if self.takes:
            self._soon(self.session.taken, number)
        if self.echoes:
            self._soon(self.session.arrived, message(1000 + number, payload, sender="me"))
        return number

    def subscribe(self, topic: str, qos: int) -> int:
        self.asked.append((topic, qos))
        return self._answered("subscribe", [ReasonCode(PacketTypes.SUBACK, self.codes.pop(0))])

    def unsubscribe(self, topic: str) -> int:
        self.codes.append("Granted QoS 1")
        return self._answered("unsubscribe", [])

    async def stop(self) -> None:
        self.did.append("stop")

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
    """A letter to an inbox as paho hands it over."""
    return message_on(f"nmr/1/s1/to/{to}/{sender}", payload, qos, mid)


def message_on(topic: str, payload: bytes, qos: int = 0, mid: int = 0) -> MQTTMessage:
    """The same on any topic."""
    one = MQTTMessage(mid, topic.encode())
    one.payload, one.qos = payload, qos
    return one


def with_session(
    walk: Callable[[GatedMqttSession, FakeNetwork], Coroutine[Any, Any, None]],
    *,
    gated: bool = False,
    station: str = "me",
) -> None:
    """Run `walk` with a session on a fake network, whose inbox is open unless `gated`."""

    async def run() -> None:
        network, settings = FakeNetwork(), replace(SETTINGS, station=station)
        session = GatedMqttSession(settings, network, every=0.02, within=0.05)  # type: ignore[arg-type]
        network.session = session
        if not gated:
            session.hand_over()
        await walk(session, network)

    asyncio.run(run())
