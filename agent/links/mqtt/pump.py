"""Moves packets between paho and its socket; this is what runs in the network thread."""

# Not paho's own loop_forever: its select() fails above file number 1,023, which a hub with a thousand stations passes,
# it wakes up every second for nothing, and it makes a system call for every packet that is to be sent.

import contextlib
import socket
import ssl
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, DefaultSelector
from typing import TYPE_CHECKING

from paho.mqtt.client import Client, error_string
from paho.mqtt.enums import MQTTErrorCode

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

KEEPALIVE_S = 20
TICK_S = KEEPALIVE_S / 4
"""How often the thread looks at the keep-alive while nothing else happens, seconds."""

WHY = {
    MQTTErrorCode.MQTT_ERR_SUCCESS: "the connection was lost",
    MQTTErrorCode.MQTT_ERR_CONN_LOST: "the connection was lost",
    MQTTErrorCode.MQTT_ERR_KEEPALIVE: "the broker does not answer any more",
    MQTTErrorCode.MQTT_ERR_PROTOCOL: "the broker does not speak MQTT 3.1.1",
}


class Pump:
    """Turns until the socket is closed, or `leave` is called. `wake` and `leave` are for the other thread."""

    def __init__(self) -> None:
        self._stay = True
        self._waker, self._woken = socket.socketpair()
        self._asked = False

    def wake(self) -> None:
        """Look at what is to be sent; one byte, however many packets there are."""
        if not self._asked:
            self._asked = True
            with contextlib.suppress(OSError):  # the pump has ended
                self._waker.send(b"\0")

    def leave(self) -> None:
        """End without a goodbye."""
        self._stay = False
        self._asked = False
        self.wake()

    def run(self, mqtt: Client) -> str:
        """Move packets until the connection is gone; return why."""
        rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        with DefaultSelector() as selector:
            selector.register(self._woken, EVENT_READ)
            for readable in self._ready(mqtt, selector):
                rc = self._turn(mqtt, readable=readable) or rc
        return WHY.get(rc) or error_string(rc)

    def close(self) -> None:
        """Give the sockets back, once `run` has returned."""
        self._waker.close()
        self._woken.close()

    def _ready(self, mqtt: Client, selector: BaseSelector) -> Iterator[bool]:
        """Yield for each turn whether there is something to read, as long as the connection lives."""
        link = mqtt.socket()
        interest = EVENT_READ
        if link is not None:
            selector.register(link, interest)
        while self._stay and link is not None and mqtt.socket() is link:
            wanted = EVENT_READ | (EVENT_WRITE if mqtt.want_write() else 0)
            if wanted != interest:
                interest = wanted
                selector.modify(link, interest)
            decrypted = _decrypted(link)
            ready = {key.fileobj for key, _ in selector.select(0 if decrypted else TICK_S)}
            if self._woken in ready:
                self._woken.recv(16)
                self._asked = False  # only now: what is queued from here on sends the next byte
            yield decrypted or link in ready

    def _turn(self, mqtt: Client, *, readable: bool) -> MQTTErrorCode:
        if readable and (rc := mqtt.loop_read()):
            return rc
        if mqtt.want_write() and (rc := mqtt.loop_write()):
            return rc
        return mqtt.loop_misc()


def _decrypted(link: "SocketLike") -> bool:
    """Whether TLS holds bytes that the selector cannot see."""
    return isinstance(link, ssl.SSLSocket) and link.pending() > 0
