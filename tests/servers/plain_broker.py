"""Mosquitto without passwords and without TLS, for tests in which whole sites come and go beside it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agent.hub.broker.base import BrokerFailed
from agent.hub.broker.mosquitto import mosquitto_program
from tests.servers.ports import free_port
from tests.servers.programs import Programs, until


@contextmanager
def plain_broker(folder: Path) -> Iterator[int]:
    """Run a broker on loopback; yields its port. Skips where Mosquitto is not installed.

    What it writes about its clients and their subscriptions goes to `mosquitto.log` in the folder.
    """
    try:
        program = mosquitto_program()
    except BrokerFailed as missing:
        pytest.skip(str(missing))
    port = free_port()
    settings = folder / "plain.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n"
        "log_type error\nlog_type warning\nlog_type notice\nlog_type subscribe\n"
    )
    programs = Programs(folder)
    programs.start("mosquitto", program, "-c", str(settings), env=os.environ)
    try:
        until(lambda: _answers(port), "the broker")
        yield port
    finally:
        programs.stop()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
