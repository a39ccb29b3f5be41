"""The least of MQTT 3.1.1 that loads a broker without costing much itself: packets made before, written in one go."""

import socket
import ssl
import struct
import threading
from collections.abc import Sequence

from agent.system.credentials import Credentials

# CONNECT 0x10, CONNACK 0x20, PUBLISH 0x30 | qos << 1, PUBACK 0x40, SUBSCRIBE 0x82, SUBACK 0x90: one byte, then the
# length of the rest in groups of seven bits, lowest first; texts behind their length in two bytes.
CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90
QOS_1 = 0x02
KEEP_ALIVE_S = 600


class RawMqtt:
    """One connection of a station; `payloads` fills with what arrives (by QoS 0: nothing to answer)."""

    def __init__(self, credentials: Credentials, topic: str) -> None:
        context = ssl.create_default_context(cadata=credentials.ca_pem)
        plain = socket.create_connection(credentials.brokers[0], 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname=credentials.brokers[0][0])
        self.payloads: list[bytes] = []
        self._begun = bytearray()
        names = (credentials.client_id, credentials.station, credentials.password)
        flags = b"\x04\xc2" + struct.pack("!H", KEEP_ALIVE_S)
        self._socket.sendall(packet(CONNECT, text("MQTT") + flags + b"".join(map(text, names))))
        self._expect(CONNACK)
        self._socket.sendall(packet(SUBSCRIBE, struct.pack("!H", 1) + text(topic) + b"\x00"))
        self._expect(SUBACK)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def publish(self, packets: Sequence[bytes]) -> None:
        """Write packets made by `publish_packet`."""
        self._socket.sendall(b"".join(packets))

    def close(self) -> None:
        """Hang up."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(10)
        self._socket.close()

    def _expect(self, kind: int) -> None:
        while not (found := self._packets(self._socket.recv(4096))):
            pass
        assert found[0][0] & 0xF0 == kind & 0xF0, found

    def _read(self) -> None:
        while content := self._receive():
            for kind, body in self._packets(content):
                if kind & 0xF0 == PUBLISH:
                    self.payloads.append(body[2 + struct.unpack_from("!H", body)[0] :])

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(1 << 16)
        except OSError:
            return b""

    def _packets(self, content: bytes) -> list[tuple[int, bytes]]:
        """The whole packets that have come by now."""
        self._begun += content
        found, at = list[tuple[int, bytes]](), 0
        while (size := _size(self._begun, at + 1)) is not None:
            start, length = size
            if start + length > len(self._begun):
                break
            found.append((self._begun[at], bytes(self._begun[start : start + length])))
            at = start + length
        del self._begun[:at]
        return found


def publish_packet(topic: str, number: int, payload: bytes) -> bytes:
    """One PUBLISH with QoS 1; `number` is 1 to 65535."""
    return packet(PUBLISH | QOS_1, text(topic) + struct.pack("!H", number) + payload)


def packet(kind: int, body: bytes) -> bytes:
    """A packet with its length."""
    size, length = bytearray(), len(body)
    while True:
        length, group = divmod(length, 128)
        size.append(group | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(size) + body


def text(value: str) -> bytes:
    """A text behind its length."""
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def _size(content: bytearray, at: int) -> tuple[int, int] | None:
    """Where a body starts and how long it is, None if that has not all come."""
    length = 0
    for shift in range(4):
        if at + shift >= len(content):
            return None
        length |= (content[at + shift] & 0x7F) << (7 * shift)
        if not content[at + shift] & 0x80:
            return at + shift + 1, length
    raise ValueError("no MQTT")
