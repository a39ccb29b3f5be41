"""Whoever stole the hub's password at the broker: hears what stations say to the hub, and answers as it likes."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
from msgspec import to_builtins
from paho.mqtt.enums import CallbackAPIVersion

from agent.domain.audience import Audience
from agent.domain.envelope import LIFE_MS, WANT_NOTHING, Envelope
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from agent.system.ids import new_id
from agent.wire.frame import read_body, sign_frame, take_apart
from agent.wire.keys import Identity
from agent.wire.seal import open_sealed, seal
from tests.walks.members import Members

Message = tuple[str, bytes]
"""Topic and payload."""
Says = Callable[[str, bytes], Iterable[Message]]


class Thief:
    """A client of the broker; `heard` is everything it heard, in order."""

    def __init__(self, port: int, topics: Iterable[str], says: Says = lambda *_: ()) -> None:
        self.heard: list[Message] = []
        self._topics, self._says, self._ready = tuple(topics), says, threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"thief-{new_id()}")
        self._client.username_pw_set(HUB, "stolen")
        self._client.on_message = lambda _, __, message: self._hear(message.topic, bytes(message.payload))
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(topic, 0) for topic in self._topics])
        assert self._ready.wait(10)

    def publish(self, topic: str, payload: bytes) -> None:
        """Say something, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def on(self, part: str) -> list[bytes]:
        """What came on topics that hold this."""
        return [payload for topic, payload in list(self.heard) if part in topic]

    def end(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))
        for answer, said in self._says(topic, payload):
            self._client.publish(answer, said, qos=1)


@contextmanager
def thief(port: int, topics: Iterable[str], says: Says = lambda *_: ()) -> Iterator[Thief]:
    """A thief that is gone afterwards."""
    one = Thief(port, topics, says)
    try:
        yield one
    finally:
        one.end()


def signed(members: Members, sender: str, to: str, type_: str, params: Parameters, want: int = WANT_NOTHING) -> bytes:
    """A sealed message of a member, whose keys the test has."""
    now, reader = round(time.time() * 1000), members.people[to]
    envelope = Envelope(
        v=1,
        site=members.site,
        id=new_id(),
        sender=sender,
        to=Audience("station", to).to_wire(),
        type=type_,
        at=now,
        exp=now + LIFE_MS[type_],
        re=None,
        want=want,
        prio=1,
        head=None,
        p={key: value for key, value in to_builtins(params).items() if value is not None},
    )
    return seal(sign_frame(envelope, members.people[sender]), members.site, reader.kid, reader.receive)


def opened(sealed: bytes, reader: Identity) -> tuple[Envelope, Parameters]:
    """What a sealed message says to whom it is for."""
    return read_body(take_apart(open_sealed(sealed, reader)).body)
