"""What every link promises, whatever carries it; a test class for one link inherits this and names its scene."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import repeat
from typing import Protocol

import pytest

from agent.domain.envelope import SEALED_BYTES
from agent.links.base import Link, LinkDown, LinkRefused, Session
from tests.links.taking import Kept, kept_up, take, take_all, until


class Scene(Protocol):
    """Stations `a` and `b` of one test, and the power to cut what carries their links."""

    a: str
    b: str

    def link(self, station: str) -> Link:
        """The station's link; every one made for it has the same session at the other side."""

    def stranger(self, station: str) -> Link:
        """The same with a wrong password."""

    def cut(self) -> None:
        """Kill what carries the links, without a goodbye."""

    def mend(self) -> None:
        """Bring it back in the same place."""


def short() -> Iterator[float]:
    """Delays for tests."""
    return repeat(0.05)


class Counted:
    """A link that counts how often somebody connects."""

    def __init__(self, link: Link) -> None:
        self.link, self.name, self.attempts = link, link.name, 0

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Count and connect."""
        self.attempts += 1
        return self.link.connect()


@asynccontextmanager
async def kept_and_up(link: Link) -> AsyncIterator[Kept]:
    """A keeper whose link is up."""
    async with kept_up(link, delays=short) as kept:
        await until(lambda: kept.now == "up")
        yield kept


class LinkContract:
    """The promises; `scene` is a fixture of the class that inherits them."""

    def test_messages_go_both_ways_and_name_their_sender(self, scene: Scene) -> None:
        async def walk() -> None:
            async with scene.link(scene.a).connect() as a, scene.link(scene.b).connect() as b:
                at_a, at_b = a.received(), b.received()
                await a.send(scene.b, b"there")
                there = await take(at_b)
                await b.send(scene.a, b"and back")
                back = await take(at_a)
            assert (there.sealed, there.sender) == (b"there", scene.a)
            assert (back.sealed, back.sender) == (b"and back", scene.b)
            assert there.link == scene.link(scene.a).name

        asyncio.run(walk())

    def test_what_was_not_accepted_comes_again_and_what_was_accepted_does_not(self, scene: Scene) -> None:
        async def walk() -> None:
            async with scene.link(scene.a).connect() as a:
                async with scene.link(scene.b).connect() as b:
                    await a.send(scene.b, b"accepted")
                    (await take(stream := b.received())).accept()
                    await a.send(scene.b, b"not accepted")
                    assert (await take(stream)).sealed == b"not accepted"
                async with scene.link(scene.b).connect() as b:
                    assert (await take_all(b.received(), [b"not accepted"])) == [b"not accepted"]
                async with scene.link(scene.b).connect() as b:
                    await a.send(scene.b, b"last")
                    assert (await take_all(b.received(), [b"last"])) == [b"last"]

        asyncio.run(walk())

    def test_accepting_twice_or_after_the_end_does_no_harm(self, scene: Scene) -> None:
        async def walk() -> None:
            async with scene.link(scene.a).connect() as a:
                async with scene.link(scene.b).connect() as b:
                    stream = b.received()
                    await a.send(scene.b, b"one")
                    one = await take(stream)
                    one.accept()
                    one.accept()
                    await a.send(scene.b, b"two")
                    two = await take(stream)
                two.accept()
                async with scene.link(scene.b).connect() as b:
                    assert (await take_all(b.received(), [b"two"])) == [b"two"]

        asyncio.run(walk())

    def test_a_cut_ends_receiving_and_sending_within_seconds(self, scene: Scene) -> None:
        async def walk() -> None:
            async with scene.link(scene.a).connect() as a:
                scene.cut()
                with pytest.raises(LinkDown):
                    await take(a.received(), within=8)
                with pytest.raises(LinkDown):
                    await a.send(scene.b, b"too late")
            with pytest.raises(LinkDown):
                async with scene.link(scene.a).connect():
                    pytest.fail("connected to nothing")

        asyncio.run(walk())

    def test_a_wrong_password_is_refused(self, scene: Scene) -> None:
        async def walk() -> None:
            with pytest.raises(LinkRefused):
                async with scene.stranger(scene.a).connect():
                    pytest.fail("let in with a wrong password")

        asyncio.run(walk())

    def test_a_wrong_password_is_tried_exactly_once(self, scene: Scene) -> None:
        async def walk() -> None:
            link = Counted(scene.stranger(scene.a))
            async with kept_up(link, delays=lambda: repeat(0.001)) as kept:
                await until(lambda: kept.now == "refused")
                await asyncio.sleep(0.3)
                assert link.attempts == 1
                kept.again.set()
                await until(lambda: link.attempts == 2)
                await until(lambda: kept.names == ["connecting", "refused", "connecting", "refused"])

        asyncio.run(walk())

    def test_a_big_message_passes_and_a_bigger_one_is_refused_here(self, scene: Scene) -> None:
        async def walk() -> None:
            async with scene.link(scene.a).connect() as a, scene.link(scene.b).connect() as b:
                stream = b.received()
                for size in (40_000, SEALED_BYTES):
                    await a.send(scene.b, b"x" * size)
                    assert len((await take(stream)).sealed) == size
                with pytest.raises(ValueError, match="40961 bytes"):
                    await a.send(scene.b, b"x" * (SEALED_BYTES + 1))
                await a.send(scene.b, b"still up")
                assert (await take(stream)).sealed == b"still up"

        asyncio.run(walk())

    def test_what_is_sent_to_a_station_that_is_away_waits_for_it(self, scene: Scene) -> None:
        async def walk() -> None:
            sent = [f"message {number}".encode() for number in range(300)]
            async with scene.link(scene.b).connect():
                pass
            async with scene.link(scene.a).connect() as a:
                for message in sent:
                    await a.send(scene.b, message)
                async with scene.link(scene.b).connect() as b:
                    assert set(await take_all(b.received(), sent)) == set(sent)

        asyncio.run(walk())

    def test_a_keeper_returns_after_a_cut_and_what_others_sent_meanwhile_arrives(self, scene: Scene) -> None:
        async def walk() -> None:
            async with kept_and_up(scene.link(scene.b)) as kept:
                scene.cut()
                await until(lambda: kept.now != "up")
                with pytest.raises(LinkDown):
                    await kept.sessions[0].send(scene.a, b"down")
                scene.mend()
                async with kept_and_up(scene.link(scene.a)) as other:
                    await other.sessions[-1].send(scene.b, b"meanwhile")
                    await until(lambda: b"meanwhile" in kept.came)
            assert len(kept.sessions) == 2
            assert kept.names[:3] == ["connecting", "up", "down"]

        asyncio.run(walk())

    def test_two_thousand_messages_at_once_all_arrive(self, scene: Scene) -> None:
        async def walk() -> None:
            sent = [b"%d " % number + b"x" * 300 for number in range(2000)]
            async with scene.link(scene.a).connect() as a, scene.link(scene.b).connect() as b:
                sending = asyncio.create_task(_send_all(a, scene.b, sent))
                assert set(await take_all(b.received(), sent, within=30)) == set(sent)
                await sending

        asyncio.run(walk())


async def _send_all(session: Session, to: str, messages: list[bytes]) -> None:
    for message in messages:
        await session.send(to, message)
