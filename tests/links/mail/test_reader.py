"""What comes is handed up soon and once, and stays with the server until it was accepted."""

import asyncio
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.links.base import Delivery, LinkDown
from agent.links.mail import reader
from agent.links.mail.letter import write_letter
from agent.links.mail.mailbox import MAIL_BYTES, Letter
from agent.links.mail.pack import seal_pack
from agent.links.mail.session import MailSession
from agent.links.mail.settings import Pace, with_detail
from tests.links.mail.scene import ASIDE, PUT_AWAY, MailScene, pass_on, send_all
from tests.links.taking import Kept, kept_up, take, take_all, until

pytestmark = pytest.mark.servers
DAY_S = 86_400


def letter(scene: MailScene, *containers: bytes) -> bytes:
    """A mail to `b` as another station would write it."""
    me = scene.ids[scene.b]
    to = with_detail(scene.addresses[scene.b], me.kid)
    pack = seal_pack(containers, me.site, me.kid, me.receive)
    return write_letter(pack, "x@mail.test", to, random_hex=os.urandom(16).hex(), at_s=time.time())


async def deliveries(session: MailSession, count: int) -> list[Delivery]:
    stream = session.received()
    return [await take(stream) for _ in range(count)]


def test_a_mail_is_put_away_when_the_last_of_its_messages_was_accepted(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.b).connect() as b:
            scene.box(scene.b).put(letter(scene, b"one", b"two", b"three"))
            came = await deliveries(b, 3)
            assert [one.sealed for one in came] == [b"one", b"two", b"three"]
            for one in (came[0], came[0], came[2]):
                one.accept()
            await asyncio.sleep(0.5)
            assert scene.box(scene.b).count() == 1
            came[1].accept()
            await until(lambda: scene.box(scene.b).count() == 0)
        (stored,) = scene.box(scene.b).stored(PUT_AWAY).values()
        assert "S" in stored.flags

    asyncio.run(walk())


async def come_again(scene: MailScene) -> list[bytes]:
    """What the next session brings of two messages of which one was accepted."""
    scene.box(scene.b).put(letter(scene, b"one", b"two"))
    async with scene.link(scene.b).connect() as b:
        (await deliveries(b, 2))[0].accept()
    async with scene.link(scene.b).connect() as b:
        scene.box(scene.b).put(letter(scene, b"last"))
        return await take_all(b.received(), [b"last"])


def test_what_was_not_accepted_comes_again_with_the_mail_it_was_in(scene: MailScene) -> None:
    assert asyncio.run(come_again(scene)) == [b"one", b"two", b"last"]


def test_a_mail_put_away_when_it_was_read_would_be_lost(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_up = reader.Reader._hand_up

    def accepted_at_once(self: reader.Reader, one: Letter) -> None:
        handed_up(self, one)
        self._accepted.append(one.uid)

    monkeypatch.setattr(reader.Reader, "_hand_up", accepted_at_once)
    assert asyncio.run(come_again(scene)) == [b"last"]


def test_a_doubled_mail_is_handed_up_twice_and_put_away_twice(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.faults.copies = 2
            await a.send(scene.b, b"doubled")
            for one in await deliveries(b, 2):
                assert one.sealed == b"doubled"
                one.accept()
            await until(lambda: (scene.box(scene.b).count(PUT_AWAY), scene.box(scene.b).count()) == (2, 0))

    asyncio.run(walk())


def test_mails_held_back_for_long_arrive_in_whatever_order(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.faults.holding = True
            sent = [b"late %d" % number for number in range(10)]
            for message in sent:
                await a.send(scene.b, message)
            assert scene.box(scene.b).count() == 0
            await asyncio.to_thread(scene.servers.front.release, backwards=True)
            assert sorted(await take_all(b.received(), sent)) == sorted(sent)

    asyncio.run(walk())


def test_a_mailbox_numbered_anew_loses_nothing_whether_the_session_is_open_or_not(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, *(b"before %d" % number for number in range(3)))
            await a.send(scene.b, b"not accepted")
            assert (await take(b.received())).sealed == b"not accepted"
        scene.box(scene.b).forget_uids()
        async with scene.link(scene.a).connect() as a, kept_up(scene.link(scene.b)) as kept:
            await until(lambda: kept.came == [b"not accepted"])
            scene.servers.change_uidvalidity(scene.b)
            await a.send(scene.b, b"after")
            await until(lambda: b"after" in kept.came)

    asyncio.run(walk())


async def silenced(scene: MailScene, pace: Pace, within: float) -> None:
    """Return when a session notices that nothing comes through any more; TimeoutError after so many seconds."""
    line = scene.servers.line(scene.servers.imap_port)
    settings = scene.settings(scene.b, imap=("localhost", line.port), pace=pace)
    async with scene.of(settings).connect() as b:
        await asyncio.sleep(0.3)
        line.silence()
        with pytest.raises(LinkDown):
            await take(b.received(), within=within)


def test_a_server_that_fell_silent_is_noticed_at_the_next_poll(scene: MailScene) -> None:
    asyncio.run(silenced(scene, Pace(poll=1.0, answer=1.0, goodbye=0.3), within=20))


def test_without_polling_it_would_not_be(scene: MailScene) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(silenced(scene, Pace(poll=600.0, answer=1.0, goodbye=0.3), within=4))


def test_a_mail_that_nobody_announced_is_found_at_the_next_poll(
    scene: MailScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: object) -> tuple[bool, bool]:
        time.sleep(0.2)
        return False, False

    monkeypatch.setattr(reader.Reader, "_select", deaf)

    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, b"found")

    asyncio.run(walk())


async def seconds_to_arrive(scene: MailScene, *, expecting: bool) -> float:
    """Half of five mails arrive sooner than this."""
    took = list[float]()
    async with scene.both() as (a, b):
        stream = b.received()
        for _ in range(5):
            await asyncio.sleep(0.2)
            if expecting:
                b.expect(5)
            begun = time.monotonic()
            await a.send(scene.b, b"urgent")
            await take(stream)
            took.append(time.monotonic() - begun)
    return statistics.median(took)


def test_what_is_expected_is_asked_for_sooner_than_the_server_tells(scene: MailScene) -> None:
    told, asked = (asyncio.run(seconds_to_arrive(scene, expecting=expecting)) for expecting in (False, True))
    assert asked < 0.7 * told


def test_expecting_ends(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            b.expect(0.2)
            await asyncio.sleep(0.4)
            await pass_on(a, b, scene.b, b"told as usual", b"and again")

    asyncio.run(walk())


def test_a_large_mail_is_put_aside_unread_and_others_come(scene: MailScene) -> None:
    large = letter(scene, b"x").replace(b"\r\n\r\n", b"\r\n\r\n" + b"x" * 70 * (MAIL_BYTES // 70) + b"\r\n", 1)

    async def walk() -> None:
        async with scene.both() as (a, b):
            scene.box(scene.b).put(large)
            await until(lambda: dict(b.refused) == {"too-large": 1})
            await pass_on(a, b, scene.b, b"small")
            await until(lambda: scene.box(scene.b).count(ASIDE) == 1)

    asyncio.run(walk())


class Early:
    """A server that has announced a mail before it idles."""

    def news(self) -> bool:
        return True

    def begun(self) -> bool:
        return False

    def idle(self) -> None: ...

    def idle_done(self) -> None: ...


def test_what_was_announced_before_idling_is_not_slept_over(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    def asleep(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(reader.Reader, "_select", asleep)
    settings = scene.settings(scene.b)
    unused: Any = None
    waiting = reader.Reader(unused, settings, scene.folder / "state", unused)
    waiting._idle(Early())
    waiting._leave()


def test_what_is_put_away_is_removed_after_seven_days(scene: MailScene) -> None:
    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, b"old", b"new")
            await until(lambda: scene.box(scene.b).count(PUT_AWAY) == 2)
        place = scene.box(scene.b).root / f".{PUT_AWAY.replace('/', '.')}"
        old = min(place.glob("cur/*"))
        os.utime(old, (time.time() - 9 * DAY_S,) * 2)
        for file in place.glob("dovecot.index*"):
            file.unlink()
        state = scene.folder / f"{scene.b}.json"
        state.write_text(state.read_text().replace('"swept": 1', '"swept": 0.1'))
        async with scene.link(scene.b).connect():
            await until(lambda: scene.box(scene.b).count(PUT_AWAY) == 1)
        assert not old.exists()

    asyncio.run(walk())


def test_what_nobody_accepts_is_not_read_without_end(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "HELD_BYTES", 100_000)
    for number in range(10):
        scene.box(scene.b).put(letter(scene, bytes([number]) * 40_000))

    async def walk() -> None:
        async with scene.link(scene.b).connect() as b:
            await until(lambda: b._arrivals.waiting() == 3)
            await asyncio.sleep(0.3)
            assert b._arrivals.waiting() == 3
            for one in await deliveries(b, 10):
                one.accept()

    async def accepting() -> None:
        async with scene.link(scene.b).connect() as b:
            stream = b.received()
            for _ in range(10):
                (await take(stream)).accept()

    with pytest.raises(TimeoutError):
        asyncio.run(_within(walk(), 4))
    asyncio.run(accepting())


async def _within(walk: object, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await walk  # type: ignore[misc]  # a coroutine


def test_two_stations_share_a_mailbox_and_each_gets_its_own(scene: MailScene, tmp_path: Path) -> None:
    shared = scene.settings(scene.a)
    other = replace(shared, me=scene.ids[scene.b])
    scene.addresses[scene.b] = scene.addresses[scene.a]

    async def walk() -> None:
        async with scene.of(shared).connect() as a, scene.of(other).connect() as b:
            sent = [b"to b %d" % number for number in range(20)]
            results = asyncio.gather(send_all(a, scene.b, sent), send_all(b, scene.a, [b"to a"]))
            assert sorted(await take_all(b.received(), sent)) == sorted(sent)
            assert await take_all(a.received(), [b"to a"]) == [b"to a"]
            assert {outcome for some in await results for outcome in some} == {None}

    asyncio.run(walk())
    assert tmp_path == scene.folder


def test_a_state_that_cannot_be_written_ends_the_session_and_not_the_thread(scene: MailScene, tmp_path: Path) -> None:
    async def walk() -> Kept:
        (tmp_path / f"{scene.b}.json").mkdir()
        async with kept_up(scene.link(scene.b)) as kept:
            await until(lambda: kept.names[:3] == ["connecting", "up", "down"])
            assert "could not be written" in kept.states[2].why
        return kept

    asyncio.run(walk())
