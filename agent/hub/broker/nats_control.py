"""Talking to the embedded NATS server on its loopback port: load changes, throw somebody off, set limits."""

# NATS' own text protocol, lines end with CR LF:
#   ← INFO {"server_id": …}
#   → CONNECT {"user", "pass", …}      → SUB <inbox> 1      → PUB <subject> <inbox> <bytes> then the payload
#   ← MSG <inbox> 1 <bytes> then the payload      ← PING → PONG      ← -ERR '…'

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.hub.broker.base import BrokerFailed

_LARGEST_ANSWER = 2**22  # bytes; a list of 5000 connections needs about half of it
_PATIENCE = 10.0


class Control:
    """An open connection as one user; requests one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server_id: str) -> None:
        self.server_id = server_id
        self._reader = reader
        self._writer = writer
        self._inbox = f"_INBOX.{secrets.token_hex(8)}"

    def log_in(self, user: str, password: str) -> None:
        """Say who we are and where answers go."""
        who = json.dumps({"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "nmr"})
        self._writer.write(f"CONNECT {who}\r\nSUB {self._inbox} 1\r\n".encode())

    async def ask(self, subject: str, question: object = None) -> dict[str, object]:
        """Ask the server and return its answer; raises BrokerFailed if it refuses or says nothing."""
        payload = b"" if question is None else json.dumps(question).encode()
        self._writer.write(f"PUB {subject} {self._inbox} {len(payload)}\r\n".encode() + payload + b"\r\n")
        try:
            async with asyncio.timeout(_PATIENCE):
                answer: dict[str, object] = json.loads(await self._answer())
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            raise BrokerFailed("The broker does not answer the hub", f"{subject}: {error!r}") from error
        if fault := answer.get("error"):
            words = fault.get("description", fault) if isinstance(fault, dict) else fault
            raise BrokerFailed("The broker refused a change", f"{words}")
        return answer

    async def _answer(self) -> bytes:
        while line := await self._reader.readline():
            if line.startswith(b"MSG"):
                return (await self._reader.readexactly(int(line.split()[-1]) + 2))[:-2]
            if line.startswith(b"PING"):
                self._writer.write(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                raise BrokerFailed("The broker refused the hub", line.decode().strip())
        raise ConnectionResetError("the broker hung up")


@asynccontextmanager
async def control(port: int, user: str, password: str) -> AsyncIterator[Control]:
    """Open a connection on the loopback port; raises BrokerFailed."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LARGEST_ANSWER)
    except OSError as error:
        raise BrokerFailed("The broker does not answer the hub", str(error)) from error
    try:
        it = Control(reader, writer, await _server_id(reader))
        it.log_in(user, password)
        yield it
    finally:
        writer.close()


async def _server_id(reader: asyncio.StreamReader) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return str(json.loads((await reader.readline()).removeprefix(b"INFO "))["server_id"])
    except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise BrokerFailed("The broker does not answer the hub", f"{error!r}") from error


async def reload(system: Control) -> None:
    """Load the configuration file; raises BrokerFailed with file, line and reason, and the old one stays."""
    await system.ask(f"$SYS.REQ.SERVER.{system.server_id}.RELOAD")


async def kick(system: Control, user: str) -> None:
    """Throw off every connection of `user`."""
    server = f"$SYS.REQ.SERVER.{system.server_id}"
    answer = await system.ask(f"{server}.CONNZ", {"auth": True, "user": user, "limit": 1024})
    data = answer.get("data")
    connections = data.get("connections") if isinstance(data, dict) else None
    for connection in connections or ():
        await system.ask(f"{server}.KICK", {"cid": connection["cid"]})


async def limit_stream(site: Control, stream: str, limits: dict[str, int]) -> None:
    """Set limits of a JetStream stream that exists, unless they are set already."""
    answer = await site.ask(f"$JS.API.STREAM.INFO.{stream}")
    config = answer["config"]
    if isinstance(config, dict) and any(config.get(key) != value for key, value in limits.items()):
        await site.ask(f"$JS.API.STREAM.UPDATE.{stream}", {**config, **limits})
