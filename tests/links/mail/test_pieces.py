"""A reader in IDLE hears of a mail however the server cuts its lines, and of the end of its connection."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from agent.links.base import LinkDown
from agent.links.mail.connection import Connection
from tests.links.mail.scene import MailScene
from tests.links.taking import take
from tests.servers.mail_line import Line

pytestmark = pytest.mark.servers
SOON_S = 15.0


@pytest.fixture
def idling(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as a reader idles."""
    event, idle = threading.Event(), Connection.idle

    def told(self: Connection) -> None:
        idle(self)
        event.set()

    monkeypatch.setattr(Connection, "idle", told)
    return event


@pytest.fixture
def line(scene: MailScene) -> Iterator[Line]:
    """A line to the mailboxes that can drip inside of TLS."""
    line = scene.servers.line(scene.servers.imap_port, inside=True)
    yield line
    line.close()


async def hears(scene: MailScene, line: Line, piece: int, idling: threading.Event) -> None:
    """A mail is announced in pieces of so many bytes and yet arrives, in the same session."""
    settings = scene.settings(scene.b, imap=("localhost", line.port))
    async with scene.of(settings).connect() as b:
        await asyncio.to_thread(idling.wait, SOON_S)
        line.drip(piece, 0.001)
        async with scene.link(scene.a).connect() as a:
            await a.send(scene.b, b"x")
        assert (await take(b.received(), SOON_S)).sealed == b"x"
    assert line.connections == 1


@pytest.mark.parametrize("piece", [3, 9])
def test_an_announcement_in_pieces_is_heard(scene: MailScene, line: Line, piece: int, idling: threading.Event) -> None:
    asyncio.run(hears(scene, line, piece, idling))


def test_a_reader_that_does_not_wait_for_the_end_of_a_line_would_lose_its_connection(
    scene: MailScene, line: Line, idling: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_idle_check(self: Connection) -> bool:
        end = time.monotonic() + SOON_S / 2
        while not (lines := self.idle_check(timeout=1)) and time.monotonic() < end:
            pass
        return bool(lines)

    monkeypatch.setattr(Connection, "begun", by_idle_check)
    with pytest.raises((LinkDown, TimeoutError)):
        asyncio.run(hears(scene, line, 3, idling))


def test_a_cut_in_idle_ends_the_session(scene: MailScene, line: Line, idling: threading.Event) -> None:
    async def walk() -> None:
        settings = scene.settings(scene.b, imap=("localhost", line.port))
        async with scene.of(settings).connect() as b:
            await asyncio.to_thread(idling.wait, SOON_S)
            line.cut()
            with pytest.raises(LinkDown):
                await take(b.received(), SOON_S)

    asyncio.run(walk())
