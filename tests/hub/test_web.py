"""The hub's HTTPS: strangers get codes and no more, too much is not read, and the port is remembered."""

import asyncio
import json
import socket
import ssl
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from agent.domain.errors import Unavailable
from agent.hub.app import Running
from agent.hub.web import open_port
from agent.wire.enrolment import REQUEST_BYTES
from tests.hub.scene import invited, running_hub


async def asked(hub: Running, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    def ask() -> tuple[int, bytes]:
        context = ssl.create_default_context(cadata=hub.site.ca.decode())
        connection = HTTPSConnection("127.0.0.1", hub.web.port, timeout=10, context=context)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


@pytest.mark.servers
def test_strangers_learn_nothing_but_a_code(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            made = await invited(hub)
            for method, path, body, status, code in [
                ("GET", "/invite/" + "0" * 16, None, 404, "invite-unknown"),
                ("GET", "/invite/" + "0" * 5000, None, 404, "invite-unknown"),
                ("POST", "/enrol", b"noise", 403, "enrol-unreadable"),
                ("POST", "/enrol", b"", 403, "enrol-unreadable"),
                ("POST", "/enrol", b"x" * (REQUEST_BYTES + 1), 413, "size"),
                ("POST", "/enrol/confirm", b"noise", 403, "enrol-unreadable"),
            ]:
                got, said = await asked(hub, method, path, body)
                assert (got, json.loads(said)) == (status, {"code": code})
            for path in ("/", "/docs", "/openapi.json", "/enrol"):
                assert (await asked(hub, "GET", path))[0] in (404, 405)
            assert hub.engine.core.ledger.seq == 1
            assert made["code"] not in str(await asked(hub, "GET", "/invite/" + "0" * 16))

    asyncio.run(walk())


@pytest.mark.servers
def test_a_defect_is_told_as_busy_and_the_hub_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            raised = Unavailable("The disk is full")

            async def full(_: bytes) -> bytes:
                raise raised

            with monkeypatch.context() as broken:
                broken.setattr(hub.enrolment, "enrol", full)
                status, said = await asked(hub, "POST", "/enrol", b"x")
            assert (status, json.loads(said)) == (503, {"code": "hub-busy"})
            assert (await asked(hub, "POST", "/enrol", b"x"))[0] == 403

    asyncio.run(walk())


@pytest.mark.servers
def test_one_who_never_finishes_a_request_does_not_keep_the_hub_from_ending(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            slow = socket.create_connection(("127.0.0.1", hub.web.port))
            context = ssl.create_default_context(cadata=hub.site.ca.decode())
            wrapped = await asyncio.to_thread(context.wrap_socket, slow, server_hostname="127.0.0.1")
            wrapped.sendall(b"POST /enrol HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n\r\nx")
        wrapped.close()

    asyncio.run(asyncio.wait_for(walk(), 20))


def test_a_port_once_chosen_is_kept_and_one_in_use_is_told(tmp_path: Path) -> None:
    memory = tmp_path / "http.port"
    with open_port("127.0.0.1", 0, memory) as first:
        port = first.getsockname()[1]
        with pytest.raises(Unavailable, match="not free"):
            open_port("127.0.0.1", 0, memory)
    with open_port("127.0.0.1", 0, memory) as again:
        assert again.getsockname()[1] == port
    with pytest.raises(Unavailable, match="not free"):
        open_port("203.0.113.1", 0, memory)
