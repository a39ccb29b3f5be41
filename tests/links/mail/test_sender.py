"""The sender loop gathers what waits, ends when there is nothing, begins again, and says what it does."""

import asyncio
import logging
import threading

import pytest

from agent.links.base import LinkDown
from agent.links.mail import account, line
from agent.links.mail.faults import Fault
from agent.links.mail.letter import read_letter
from agent.links.mail.line import Line
from agent.links.mail.pack import BUCKETS, HEAD_BYTES, SEAL_BYTES
from agent.links.mail.settings import Recipient
from tests.links.mail.scene import MailScene, pass_on, send_all
from tests.links.taking import take_all, until

pytestmark = pytest.mark.servers


async def batched(scene: MailScene, count: int = 200) -> int:
    """Send messages while the first is on its way; in how many mails they arrive."""
    sent = [b"message %d" % number for number in range(count)]
    async with scene.both() as (a, b):
        await pass_on(a, b, scene.b, b"the connection stands")
        scene.faults.delay = 0.3 if count > 50 else 0.0
        before = len(scene.servers.front.taken)
        results = asyncio.create_task(send_all(a, scene.b, sent))
        assert sorted(await take_all(b.received(), sent)) == sorted(sent)
        assert set(await results) == {None}
    return len(scene.servers.front.taken) - before


def test_what_waits_for_one_recipient_goes_as_one_mail(scene: MailScene) -> None:
    assert asyncio.run(batched(scene)) <= 3


def test_without_gathering_each_would_be_a_mail_of_its_own(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.links.mail.waiting.Batch.takes", lambda _batch, _container: False)
    assert asyncio.run(batched(scene, 50)) == 50


def test_each_recipient_gets_a_mail_of_its_own_of_one_of_six_sizes(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            large = [bytes([number]) * 40_000 for number in range(60)]
            results = asyncio.create_task(send_all(a, scene.b, large))
            to_itself = asyncio.create_task(send_all(a, scene.a, [b"small"] * 3))
            assert sorted(await take_all(b.received(), large)) == sorted(large)
            assert {*await results, *await to_itself} == {None}

    asyncio.run(walk())
    taken = scene.servers.front.taken
    sizes = {len(read_letter(mail.content)) - HEAD_BYTES - SEAL_BYTES for mail in taken}
    assert len(taken) >= 4
    assert sizes <= set(BUCKETS)
    assert all(len(mail.recipients) == 1 for mail in taken)
    assert {mail.recipients[0].partition("+")[0] for mail in taken} == {scene.a, scene.b}


def test_it_ends_after_being_idle_and_begins_again_any_number_of_times(scene: MailScene) -> None:
    async def walk() -> None:
        connected = scene.servers.front.connections
        async with (
            scene.of(scene.pace(scene.a, idle_end=1.5)).connect() as a,
            scene.link(scene.b).connect() as b,
        ):
            assert not a.sending
            for turn in range(1, 4):
                await pass_on(a, b, scene.b, b"first %d" % turn, b"second %d" % turn)
                await until(lambda: not a.sending)
                await until(lambda: scene.servers.front.open == 0)
                assert scene.servers.front.connections == connected + turn

    asyncio.run(walk())


def test_it_stays_as_long_as_there_is_something_to_send_now_and_then(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.of(scene.pace(scene.a, idle_end=1.0)).connect() as a:
            connected = scene.servers.front.connections
            for _ in range(6):
                await a.send(scene.b, b"now and then")
                await asyncio.sleep(0.3)
            assert scene.servers.front.connections == connected + 1

    asyncio.run(walk())


def test_a_loop_that_is_still_hanging_up_takes_no_connection_from_the_next(
    scene: MailScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, go_on, hang_up = threading.Event(), threading.Event(), Line.hang_up

    def slowly(self: Line) -> None:
        ending.set()
        go_on.wait(10)
        hang_up(self)

    async def walk() -> None:
        async with scene.of(scene.pace(scene.a, idle_end=0.2)).connect() as a:
            await a.send(scene.b, b"one")
            monkeypatch.setattr(Line, "hang_up", slowly)
            assert await asyncio.to_thread(ending.wait, 10)
            monkeypatch.setattr(Line, "hang_up", hang_up)
            await a.send(scene.b, b"two")
            assert scene.servers.front.open == 2
            go_on.set()

    asyncio.run(walk())


def test_a_key_nobody_can_seal_for_closes_the_way_to_its_owner_alone(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            known = scene.address_of
            weak = Recipient(scene.addresses[scene.b], bytes(16), bytes(32))
            monkey = pytest.MonkeyPatch()
            monkey.setattr(a, "_address_of", lambda name: weak if name == scene.b else known(name))
            with pytest.raises(LinkDown, match="mistake"):
                await a.send(scene.b, b"x")
            assert set(a.ways()) == {scene.a}
            await a.send(scene.a, b"x")

    asyncio.run(walk())


async def over_a_connection_given_up(scene: MailScene) -> None:
    async with scene.both() as (a, b):
        await pass_on(a, b, scene.b, b"before")
        scene.servers.front.cut()
        await pass_on(a, b, scene.b, b"after")


def test_a_connection_the_server_gave_up_meanwhile_is_made_anew(scene: MailScene) -> None:
    asyncio.run(over_a_connection_given_up(scene))
    assert len(scene.servers.front.taken) == 2


def test_without_that_it_would_be_a_failure(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen(account.NotSent):
        def __init__(self, fault: Fault, *, unseen: bool = False) -> None:
            super().__init__(fault, unseen=False)

    monkeypatch.setattr(account, "NotSent", Seen)
    monkeypatch.setattr(line, "NotSent", Seen)
    with pytest.raises(LinkDown):
        asyncio.run(over_a_connection_given_up(scene))


def test_the_log_tells_what_the_loop_does_and_neither_texts_nor_addresses(
    scene: MailScene, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk() -> None:
        async with scene.of(scene.pace(scene.a, idle_end=0.2)).connect() as a, scene.link(scene.b).connect() as b:
            await pass_on(a, b, scene.b, b"a canary sings")
            await until(lambda: not a.sending)
            scene.faults.add("rcpt", f"450 4.2.1 <{scene.addresses[scene.b]}> later")
            with pytest.raises(LinkDown):
                await a.send(scene.b, b"a canary sings")

    with caplog.at_level(logging.DEBUG):
        asyncio.run(walk())
    log = "\n".join(record.message for record in caplog.records if record.name.startswith("agent"))
    for told in (
        "sender: begins",
        "connected and logged in: seconds=",
        "messages=1 bytes=",
        "sender: ends",
        "not sent",
    ):
        assert told in log
    for secret in ("canary", "@mail.test", "@<", scene.servers.passwords[scene.a]):
        assert secret not in caplog.text
