"""Whatever goes wrong at the mail servers, what was sent again until it was taken arrives."""

import asyncio
import random
from contextlib import suppress
from itertools import repeat
from typing import Any

import pytest

from agent.links.base import LinkDown
from agent.links.mail import backing, line
from agent.links.mail.account import NotSent, transmit
from agent.links.mail.session import MailSession
from tests.links.mail.scene import MailScene
from tests.links.taking import Kept, kept_up, until
from tests.servers.mail_faults import DROP

pytestmark = pytest.mark.servers
AT_ONCE = 40


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backing, "FIRST_S", 0.05)
    monkeypatch.setattr(backing, "LONGEST_S", 0.1)


async def insist(kept: Kept, to: str, message: bytes, turns: asyncio.Semaphore) -> None:
    """Send as the router does: again until a server has taken it."""
    async with turns:
        while True:
            session = kept.sessions[-1]
            assert isinstance(session, MailSession)
            try:
                return await session.send(to, message)
            except LinkDown:
                await asyncio.sleep(0.02 + 0.05 * random.random())


async def misfortunes(scene: MailScene) -> None:
    """What happens to the servers meanwhile."""
    for _ in range(2):
        await asyncio.sleep(0.5)
        scene.servers.front.cut()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(scene.servers.change_uidvalidity, scene.b)
    await asyncio.to_thread(scene.servers.kill_dovecot)
    await asyncio.to_thread(scene.servers.start_dovecot)
    scene.servers.front.stop()
    await asyncio.sleep(0.3)
    scene.servers.front.start()


def plan(scene: MailScene) -> None:
    """Faults at each step, again and again."""
    for step, reply in (
        ("greeting", "421 4.3.2 busy"),
        ("mail", "451 4.3.0 later"),
        ("rcpt", "450 4.2.1 later"),
        ("data", "451 4.3.0 later"),
        ("inside", DROP),
        ("end", "452 4.3.1 full"),
        ("delivered", DROP),
    ):
        scene.faults.add(step, reply, times=None, chance=0.15)  # type: ignore[arg-type]  # these are steps
    scene.faults.copies = 2


# The tests' own server, which is asyncio's, forgets connections that break while they shake hands.
@pytest.mark.filterwarnings(r"ignore:.*(_SelectorTransport|_SSLProtocolTransport|<socket.socket fd=\d+, family=2)")
@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=(pytest.mark.long, pytest.mark.timeout(600)))])
def test_many_messages_through_every_fault_and_none_is_lost(scene: MailScene, count: int) -> None:
    sent = [b"message %d" % number for number in range(count)]

    async def walk() -> None:
        turns = asyncio.Semaphore(AT_ONCE)
        quick = lambda: repeat(0.1)  # noqa: E731 - the keeper's delays
        async with (
            kept_up(scene.of(scene.pace(scene.a, taken=20.0)), delays=quick) as a,
            kept_up(scene.link(scene.b), delays=quick) as b,
        ):
            await until(lambda: a.now == b.now == "up")
            plan(scene)
            trouble = asyncio.create_task(misfortunes(scene))
            await asyncio.gather(*(insist(a, scene.b, message, turns) for message in sent))
            await trouble
            scene.faults.clear()
            await until(lambda: set(b.came) == set(sent), within=120)
            await until(lambda: scene.box(scene.b).count() == 0)
            assert len(set(scene.faults.happened)) >= 5
            assert len(b.came) > count

    asyncio.run(walk())


def test_were_a_refusal_taken_for_a_yes_a_message_would_be_lost(
    scene: MailScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*arguments: Any) -> None:
        with suppress(NotSent):
            transmit(*arguments)

    monkeypatch.setattr(line, "transmit", careless)

    async def walk() -> None:
        async with kept_up(scene.link(scene.a)) as a, kept_up(scene.link(scene.b)) as b:
            await until(lambda: a.now == b.now == "up")
            scene.faults.add("data", "451 4.3.0 later")
            for message in (b"lost", b"last"):
                await insist(a, scene.b, message, asyncio.Semaphore(1))
            await until(lambda: b"last" in b.came)
            assert b.came == [b"last"]

    asyncio.run(walk())
