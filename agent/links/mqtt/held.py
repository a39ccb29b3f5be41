"""The messages of QoS 1 that came and are not accepted yet: each handed up once and acknowledged once."""

from collections.abc import Callable
from functools import partial

from paho.mqtt.client import MQTTMessage

from agent.links.mqtt.network import Network


class Held:
    """What the broker believes to be on its way to us; used in the event loop only."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._messages: dict[int, MQTTMessage] = {}
        self._closed = False

    def __len__(self) -> int:
        """How many are not accepted yet."""
        return len(self._messages)

    def hold(self, message: MQTTMessage) -> Callable[[], None] | None:
        """Keep a message and return how to accept it; None if it only repeats one that is still held.

        NATS repeats what is not accepted in time. Were the repetition handed up too, its `accept` could come when the
        broker has given the same number to another message, and acknowledge that one unseen.
        """
        held = self._messages.get(message.mid)
        if held is not None and held.topic == message.topic and held.payload == message.payload:
            return None
        self._messages[message.mid] = message
        return partial(self._accept, message)

    def close(self) -> None:
        """Acknowledge nothing any more: the broker brings it again."""
        self._closed = True

    def _accept(self, message: MQTTMessage) -> None:
        if not self._closed and self._messages.get(message.mid) is message:
            del self._messages[message.mid]
            self._network.ack(message.mid)
