"""The mail link keeps what every link promises; only whom a mail is from it cannot know."""

import asyncio

import pytest

from tests.links.contract import LinkContract, Scene
from tests.links.mail.scene import MailScene, send_all
from tests.links.taking import take, take_all


@pytest.mark.servers
class TestMailContract(LinkContract):
    """Against Dovecot and a submission server."""

    def test_messages_go_both_ways_and_name_their_sender(self, scene: Scene) -> None:
        """They go both ways; the sender stands in the sealed message only."""

        async def walk() -> None:
            async with scene.link(scene.a).connect() as a, scene.link(scene.b).connect() as b:
                await a.send(scene.b, b"there")
                there = await take(b.received())
                await b.send(scene.a, b"and back")
                back = await take(a.received())
            assert (there.sealed, there.sender, there.link) == (b"there", None, "mail")
            assert (back.sealed, back.sender, back.link) == (b"and back", None, "mail")

        asyncio.run(walk())

    def test_two_thousand_messages_at_once_all_arrive(self, scene: Scene) -> None:
        assert isinstance(scene, MailScene)

        async def walk() -> None:
            sent = [b"%d " % number + b"x" * 300 for number in range(2000)]
            async with scene.both() as (a, b):
                results = asyncio.create_task(send_all(a, scene.b, sent))
                assert sorted(await take_all(b.received(), sent)) == sorted(sent)
                assert set(await results) == {None}

        asyncio.run(walk())
