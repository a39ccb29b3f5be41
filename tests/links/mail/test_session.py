"""A way is open while its server takes mail; a "later" closes it for a while, a "never" until the address changes."""

import asyncio
import logging
import threading
from contextlib import suppress

import pytest

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail import backing
from agent.links.mail.session import MailSession
from tests.links.mail.scene import MailScene, pass_on
from tests.links.taking import take, until
from tests.servers.mail_faults import DROP, Step

pytestmark = pytest.mark.servers
PAUSE_S = 1.0


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second instead of 15; test_backing has the true ones."""
    monkeypatch.setattr(backing, "FIRST_S", PAUSE_S)


async def fails(session: MailSession, to: str, why: str | None = None) -> None:
    with pytest.raises(LinkDown, match=why):
        await session.send(to, b"in vain")


def test_ways_are_those_whose_address_is_known(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            assert a.ways() == {scene.a: None, scene.b: None}
            del scene.ids[scene.b]
            assert set(a.ways()) == {scene.a}
            await fails(a, scene.b, "no mail can be sent")
        assert a.ways() == {}
        await fails(b, scene.a)

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("step", "reply"),
    [("rcpt", "450 4.2.1 later"), ("data", "451 4.3.0 later"), ("end", "452 4.3.1 later"), ("rcpt", "552 5.2.2 full")],
)
def test_later_for_a_recipient_closes_its_way_alone_and_for_a_while(scene: MailScene, step: Step, reply: str) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.faults.add(step, reply)
            await fails(a, scene.b, "later|full")
            assert set(a.ways()) == {scene.a}
            assert scene.told == 1
            await fails(a, scene.b, "no mail can be sent")
            await until(lambda: scene.b in a.ways())
            await until(lambda: scene.told == 2)
            await pass_on(a, b, scene.b, b"now")
            assert scene.faults.happened[-1:] == [step]

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("greeting", "421 too busy"),
        ("auth", "454 4.7.0 later"),
        ("mail", "451 4.3.0 later"),
        ("rcpt", "421 4.3.2 going away"),
        ("inside", DROP),
        ("delivered", DROP),
    ],
)
def test_what_concerns_the_connection_or_our_login_closes_all_ways(scene: MailScene, step: Step, reply: str) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.faults.add(step, reply)
            await fails(a, scene.b)
            assert a.ways() == {}
            await until(lambda: len(a.ways()) == 2)
            await a.send(scene.b, b"now")
            stream = b.received()
            came = [(await take(stream)).sealed for _ in range(2 if step == "delivered" else 1)]
            assert came == [*([b"in vain"] if step == "delivered" else []), b"now"]

    asyncio.run(walk())


def test_a_server_that_is_gone_closes_all_ways_until_it_is_back(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.servers.front.stop()
            await fails(a, scene.b, "no mail server runs")
            assert a.ways() == {}
            assert a.trouble.startswith("nothing can be sent: no mail server runs")
            told = scene.told
            scene.servers.front.start()
            await until(lambda: scene.told == told + 1)
            assert len(a.ways()) == 2
            assert a.trouble  # nobody knows better yet
            await pass_on(a, b, scene.b, b"now")
            assert a.trouble == b.trouble == ""
            assert scene.told == told + 2

    asyncio.run(walk())


def test_a_full_mailbox_loses_nothing_and_gets_empty_again(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.servers.set_quota(scene.b, 1000)
            await fails(a, scene.b)
            assert set(a.ways()) == {scene.a}
            scene.servers.set_quota(scene.b, None)
            await until(lambda: scene.b in a.ways())
            await pass_on(a, b, scene.b, b"now")

    asyncio.run(walk())


def test_never_closes_a_way_until_the_address_changes_and_warns_without_it(
    scene: MailScene, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            right = scene.addresses[scene.b]
            scene.addresses[scene.b] = "nobody@mail.test"
            await fails(a, scene.b, "550")
            await asyncio.sleep(2 * PAUSE_S)
            assert set(a.ways()) == {scene.a}
            scene.addresses[scene.b] = right
            assert set(a.ways()) == {scene.a, scene.b}
            await pass_on(a, b, scene.b, b"now")

    with caplog.at_level(logging.DEBUG, "agent"):
        asyncio.run(walk())
    assert any(record.levelno == logging.WARNING and scene.b in record.message for record in caplog.records)
    assert "mail.test" not in caplog.text


@pytest.mark.parametrize(("step", "reply"), [("auth", "535 5.7.8 no"), ("mail", "550 5.7.1 not you")])
def test_a_server_that_does_not_want_us_ends_the_session_for_good(scene: MailScene, step: Step, reply: str) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            scene.faults.add(step, reply)
            await fails(a, scene.b, "5.7")
            with pytest.raises(LinkRefused, match=r"5\.7"):
                await take(a.received())
            assert a.ways() == {}

    asyncio.run(walk())


def test_what_waits_behind_a_failure_fails_with_it_and_knocks_at_no_door(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            await a.send(scene.a, b"the connection stands")
            scene.faults.delay = 0.3
            first = asyncio.create_task(a.send(scene.a, b"on its way"))
            await until(lambda: scene.servers.front.taken)
            scene.faults.add("end", "421 4.3.2 going away", times=None)
            behind = [asyncio.create_task(a.send(to, b"x")) for to in (scene.a, scene.b) * 3]
            with suppress(LinkDown):
                await first
            before = scene.servers.front.connections
            for task in behind:
                with pytest.raises(LinkDown):
                    await task
            assert scene.servers.front.connections - before <= 1

    asyncio.run(walk())


def test_leaving_ends_both_threads_and_whoever_still_waits(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.of(scene.pace(scene.a, goodbye=0.2)).connect() as a:
            await a.send(scene.b, b"first")
            scene.faults.delay = 0.5
            waiting = asyncio.create_task(a.send(scene.b, b"on its way"))
            await until(lambda: any("sender" in thread.name for thread in threading.enumerate()))
            await asyncio.sleep(0.1)
        with pytest.raises(LinkDown, match="closed"):
            await waiting
        await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("nmr-mail")], within=10)

    asyncio.run(walk())


def test_nothing_but_the_inbox_goes_by_mail(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            with pytest.raises(ValueError, match="channel"):
                await a.send(scene.b, b"proof", "auth")

    asyncio.run(walk())
