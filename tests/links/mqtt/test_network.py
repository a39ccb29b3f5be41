"""The thread below the link: it blocks nobody, survives mistakes, and leaves nothing behind."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from typing import Any

import psutil
import pytest

from agent.links.base import LinkRefused
from agent.links.mqtt.link import MqttLink
from tests.links.mqtt.scene import MqttScene
from tests.links.taking import take

pytestmark = pytest.mark.servers


def test_a_server_that_says_nothing_blocks_neither_the_loop_nor_leaving(scene: MqttScene) -> None:
    async def walk() -> None:
        task = asyncio.create_task(_open_and_leave(MqttLink(scene.settings(scene.a, addresses=addresses))))
        loop = asyncio.get_running_loop()
        longest, last = 0.0, loop.time()
        for _ in range(50):
            await asyncio.sleep(0.01)
            longest, last = max(longest, loop.time() - last), loop.time()
        assert longest < 1.5
        task.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(task, return_exceptions=True)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        addresses = (silent.getsockname(),)
        asyncio.run(walk())
        assert len(_threads()) == 1
    for thread in _threads():
        thread.join(10)
    assert not _threads()


def test_a_mistake_in_a_callback_stops_neither_the_thread_nor_the_link(
    scene: MqttScene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a, MqttLink(scene.settings(scene.b)).connect() as b:
            hold = b._hold

            def stumble(*what: Any) -> None:
                monkeypatch.setattr(b, "_hold", hold)
                raise ZeroDivisionError("stumbled")

            def in_the_thread(*what: Any) -> None:
                raise ZeroDivisionError("in the thread")

            monkeypatch.setattr(b, "_hold", stumble)
            b._network._mqtt.on_publish = in_the_thread
            await b.send(scene.a, b"its acknowledgement raises in the network thread")
            await a.send(scene.b, b"lost in a mistake")
            await a.send(scene.b, b"next")
            assert (await take(b.received())).sealed == b"next"

    asyncio.run(walk())
    assert "stumbled" in caplog.text
    assert all(record.levelno >= logging.ERROR for record in caplog.records if record.exc_info)


def test_coming_and_going_leaks_neither_threads_nor_files(scene: MqttScene) -> None:
    async def walk() -> None:
        link = scene.link(scene.a)
        await _open_and_leave(link)
        process = psutil.Process()
        files = process.num_fds()
        for _ in range(10):
            await _open_and_leave(link)
            with contextlib.suppress(LinkRefused):
                await _open_and_leave(scene.stranger(scene.a))
        assert process.num_fds() == files
        assert not _threads()

    asyncio.run(walk())


@pytest.mark.skipif(os.name == "nt", reason="Windows counts sockets in another way")
def test_a_program_with_thousands_of_open_files_still_connects(scene: MqttScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            assert a._network._mqtt.socket().fileno() > 1023  # type: ignore[attr-defined]
            await a.send(scene.a, b"through")
            assert (await take(a.received())).sealed == b"through"

    with contextlib.ExitStack() as files:
        files.callback(_close_all, opened := [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)])
        assert max(opened) > 1023
        asyncio.run(walk())


async def _open_and_leave(link: Any) -> None:
    async with link.connect():
        pass


def _close_all(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nmr-mqtt"]
