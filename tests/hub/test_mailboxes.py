"""What a station says of its mailbox comes into the ledger, once, in the order it was said, and not without end."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.domain.envelope import DAY_MS
from agent.domain.errors import TryLater
from agent.domain.mail import NOWHERE, MailAddress, Mailbox
from agent.domain.names import HUB
from agent.hub.mailboxes import MOST_A_DAY, Mailboxes
from agent.system.config.schema_links import MailLink
from tests.hub.scene import Peer, enrolled, running_hub
from tests.hub.told import START_MS, Site, at
from tests.servers.waiting import eventually

ANNA = Mailbox("anna@example.com")


class Publisher:
    """Appends to a site's core as the real one does."""

    def __init__(self, site: Site) -> None:
        self.site, self.set_back, self.written = site, False, 0

    async def append(self, op: str, subject: str, value: dict[str, object]) -> None:
        await asyncio.sleep(0)
        if self.set_back:
            raise TryLater("restored", "wait")
        self.site.append(op, subject, value)
        self.written += 1


class Post:
    """A hub's core, its publisher and the mailboxes, without a disk; time goes on when `seconds` does."""

    def __init__(self, own: Mailbox = NOWHERE, most: int = MOST_A_DAY) -> None:
        self.site, self.seconds = Site("anna", "ben"), 0.0
        self.publisher = Publisher(self.site)
        self.tasks: list[asyncio.Task[None]] = []
        self.boxes = self.again(own, most)

    def again(self, own: Mailbox = NOWHERE, most: int = MOST_A_DAY) -> Mailboxes:
        """The mailboxes as a hub that starts anew has them."""
        self.boxes = Mailboxes(
            own,
            core=self.site.core,
            publisher=self.publisher,  # type: ignore[arg-type]
            now=lambda: at(self.seconds),
            start=self.start,
            most_a_day=most,
        )
        return self.boxes

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def say(self, station: str, mail: str, said_at: int = 0) -> Mailbox:
        """A station says where it takes mail; returns what the ledger then says of it."""
        await self.boxes.move(station, Mailbox(mail), said_at or START_MS)
        return self.site.core.ledger.members[station].mailbox


def test_a_new_address_is_written_and_the_same_one_is_not_written_again() -> None:
    async def walk() -> None:
        post = Post()
        assert await post.say("anna", "anna@example.com") == ANNA
        assert await post.say("anna", "anna@example.com") == ANNA
        assert post.publisher.written == 1
        assert await post.say("anna", "") == NOWHERE

    asyncio.run(walk())


def test_two_at_once_are_one_entry() -> None:
    async def walk() -> None:
        post = Post()
        await asyncio.gather(*(post.say("anna", "anna@example.com") for _ in range(5)))
        assert post.publisher.written == 1

    asyncio.run(walk())


def test_an_older_word_that_comes_late_changes_nothing() -> None:
    async def walk() -> None:
        post = Post()
        await post.say("anna", "new@example.com", START_MS + 10)
        assert (await post.say("anna", "old@example.com", START_MS)).mail == "new@example.com"

    asyncio.run(walk())


@pytest.mark.parametrize("limited", [True, False], ids=["limited", "without a limit it would be written"])
def test_who_moves_all_the_time_is_written_ten_times_a_day(limited: bool) -> None:
    async def walk() -> None:
        post = Post(most=MOST_A_DAY if limited else 1000)
        for number in range(15):
            await post.say("anna", f"anna{number}@example.com")
        assert post.publisher.written == (MOST_A_DAY if limited else 15)
        if limited:
            post.again()
            assert (await post.say("anna", "other@example.com")).mail == "anna9@example.com", "a restart forgot"
            assert (await post.say("ben", "ben@example.com")).mail == "ben@example.com"
            post.seconds = DAY_MS / 1000 + 1
            assert (await post.say("anna", "other@example.com")).mail == "other@example.com"

    asyncio.run(walk())


def test_a_station_says_nothing_of_the_hub_and_strangers_nothing_at_all() -> None:
    async def walk() -> None:
        post = Post()
        assert await post.say(HUB, "thief@example.com") == NOWHERE
        await post.boxes.move("stranger", ANNA, START_MS)
        assert post.publisher.written == 0

    asyncio.run(walk())


def test_the_hub_says_where_it_takes_mail_and_a_restored_one_says_it_later() -> None:
    async def walk() -> None:
        post, own = Post(), Mailbox("hub@example.com", plus=False)
        boxes = post.again(own)
        post.publisher.set_back = True
        await boxes.begin()
        assert post.site.core.ledger.members[HUB].mailbox == NOWHERE
        post.publisher.set_back = False
        await boxes.begin()
        await boxes.begin()
        assert post.site.core.ledger.members[HUB].mailbox == own
        assert post.publisher.written == 1

    asyncio.run(walk())


@pytest.mark.servers
def test_a_real_hub_hears_it_and_pushes_the_entry_to_everybody(tmp_path: Path) -> None:
    mail = MailLink(enabled=True, address="hub@example.com", imap="mail.example.com:993", smtp="mail.example.com:465")

    async def walk() -> None:
        async with running_hub(tmp_path, mail=mail) as hub:
            await eventually(lambda: hub.engine.core.ledger.members[HUB].mailbox == mail.mailbox)
            anna = await enrolled(hub, tmp_path)
            async with Peer(anna).connected() as peer:
                await peer.say("mail.address", MailAddress(mail="anna@example.com"), want=1)
                part = await peer.hear("ledger.part")
                assert b"member.mail" in _bodies(part.entries[-1])
            assert hub.engine.core.ledger.members["anna"].mailbox == ANNA
            assert [row["mail"] for row in hub.office.stations()] == ["anna@example.com"]

    asyncio.run(walk())


def _bodies(frame: str) -> bytes:
    from agent.wire.frame import take_apart

    return take_apart(frame.encode()).body
