"""The one connection to the session bus."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from agent.ui.session_bus import DAEMON, call, is_owned, session_bus
from tests.servers.desktop import Bus


def test_all_who_ask_share_one_connection(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)

    async def run() -> None:
        found = await asyncio.gather(session_bus(), session_bus(), session_bus())
        assert found[0] is not None
        assert found[0] is found[1] is found[2] is await session_bus()
        assert found[0].connected
        found[0].disconnect()

    asyncio.run(run())


def test_a_lost_connection_is_made_anew(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)

    async def run() -> None:
        first = await session_bus()
        assert first is not None
        first.disconnect()
        while first.connected:
            await asyncio.sleep(0)
        second = await session_bus()
        assert second is not None
        assert second is not first
        second.disconnect()

    asyncio.run(run())


def test_a_bus_that_is_slow_to_read_is_not_lost(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    much = Message(path="/", interface="org.example.Much", member="More", message_type=MessageType.SIGNAL)
    much.signature, much.body = "s", ["m" * 100_000]

    async def run() -> None:
        found = await session_bus()
        assert found is not None
        daemon = bus.programs._running["dbus"].pid
        os.kill(daemon, signal.SIGSTOP)
        try:
            sent = [found.send(much) for _ in range(20)]
        finally:
            os.kill(daemon, signal.SIGCONT)
        await asyncio.wait_for(asyncio.gather(*sent), 30)
        assert found.connected
        found.disconnect()

    asyncio.run(run())


def test_the_socket_of_the_runtime_folder_is_found_without_an_address(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "bus").symlink_to(bus.address.removeprefix("unix:path="))

    async def run() -> None:
        found = await session_bus()
        assert found is not None
        found.disconnect()

    asyncio.run(run())


@pytest.mark.parametrize("address", ["", "unix:path=/nonexistent/bus", "nonsense"])
def test_no_bus_is_none_and_no_error(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert asyncio.run(session_bus()) is None


def test_an_error_in_answer_to_a_call_is_raised(bus: Bus) -> None:
    async def run() -> None:
        connection = await MessageBus(bus.address).connect()
        with pytest.raises(DBusError):
            await call(connection, DAEMON, "NoSuchThing")
        connection.disconnect()

    asyncio.run(run())


def test_who_owns_a_name_is_known(bus: Bus) -> None:
    async def run() -> None:
        connection = await MessageBus(bus.address).connect()
        assert await is_owned(connection, "org.freedesktop.DBus")
        assert not await is_owned(connection, "org.example.Nobody")
        connection.disconnect()
        assert not await is_owned(connection, "org.freedesktop.DBus")

    asyncio.run(run())
