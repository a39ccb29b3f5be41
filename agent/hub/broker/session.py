"""One short MQTT visit to our own broker: proves that it lets people in, and clears the session of a client id."""

# CONNECT  10 <length> 0004 "MQTT" 04 c2 <keep alive:2> <client id> <user> <password>     c2: user, password, clean
# CONNACK  20 02 <session present> <0 accepted | 4 bad password | 5 not authorised>
# strings have a two-byte length before them; DISCONNECT is e0 00

import asyncio
import contextlib
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

_CONNACK = 0x20


class Refused(Exception):
    """The broker answered, and does not want us."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where to knock and as whom."""

    host: str
    port: int
    authority: Path
    user: str
    password: str


async def visit(visitor: Visitor, client_id: str, patience: float = 5.0) -> None:
    """Connect as `client_id` with a clean session and leave again; raises OSError, TimeoutError or Refused.

    Whatever the broker kept for this client id is gone afterwards, and who used it just now is off.
    """
    context = ssl.create_default_context(cafile=str(visitor.authority))
    context.check_hostname = False  # we knock at our own address; that it is our site's certificate is enough
    async with asyncio.timeout(patience):
        reader, writer = await asyncio.open_connection(visitor.host, visitor.port, ssl=context)
        try:
            writer.write(_connect(client_id, visitor.user, visitor.password))
            answer = await reader.readexactly(4)
            if answer[0] != _CONNACK or answer[3] != 0:
                raise Refused(f"the broker answered {answer.hex()}")
            writer.write(b"\xe0\x00")
            await writer.drain()
            await reader.read()  # until the broker has closed: only then is the session surely gone
        except asyncio.IncompleteReadError as error:
            raise Refused("the broker hung up") from error
        finally:
            writer.transport.abort()


async def knock(visitor: Visitor) -> None:
    """Visit again and again until the broker lets us in."""
    while True:
        with contextlib.suppress(OSError, TimeoutError, Refused):
            return await visit(visitor, secrets.token_urlsafe(16))
        await asyncio.sleep(0.01)


def _connect(client_id: str, user: str, password: str) -> bytes:
    body = _text("MQTT") + b"\x04\xc2\x00\x3c" + _text(client_id) + _text(user) + _text(password)
    length = len(body)
    head = bytes([length]) if length < 128 else bytes([length % 128 | 128, length // 128])  # noqa: PLR2004 - 7 bits a byte
    return b"\x10" + head + body


def _text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2, "big") + data
