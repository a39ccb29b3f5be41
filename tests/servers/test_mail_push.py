"""The example of a push hook does what its page says."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from tests.servers.mail_push import PushingServers
from tests.servers.test_mail import count, reading, send

pytestmark = pytest.mark.servers
SOON_S = 15.0
FASTER_THAN_IDLE_S = 0.4


@pytest.fixture(scope="module")
def servers() -> Iterator[PushingServers]:
    if missing := PushingServers.missing():
        pytest.skip(f"needs {', '.join(missing)}")
    with PushingServers() as servers:
        yield servers


@pytest.fixture
def listening(servers: PushingServers) -> Iterator[int]:
    fifo = os.open(servers.fifo, os.O_RDWR | os.O_NONBLOCK)
    yield fifo
    os.close(fifo)


def heard(fifo: int, within: float) -> bool:
    if not select.select([fifo], [], [], within)[0]:
        return False
    os.read(fifo, 1000)
    return True


def test_a_delivery_is_told_at_once_and_a_noop_then_shows_the_mail(servers: PushingServers, listening: int) -> None:
    took = []
    with reading(servers) as imap:
        before = imap.select_folder("INBOX")[b"EXISTS"]
        for number in range(1, 6):
            begun = time.perf_counter()
            send(servers)
            assert heard(listening, SOON_S)
            imap.noop()
            assert len(imap.search()) == before + number
            took.append(time.perf_counter() - begun)
    assert min(took) < FASTER_THAN_IDLE_S


def test_what_is_no_delivery_is_not_told(servers: PushingServers, listening: int) -> None:
    with reading(servers) as imap:
        imap.select_folder("INBOX")
        imap.add_flags(imap.search(), [b"\\Flagged"])
    assert not heard(listening, 0.5)


def test_deliveries_go_on_without_a_listener_and_without_the_fifo(servers: PushingServers) -> None:
    before = count(servers)
    send(servers)
    servers.fifo.unlink()
    try:
        send(servers)
    finally:
        os.mkfifo(servers.fifo)
        servers.fifo.chmod(0o666)
    assert count(servers) == before + 2
