"""What people write to each other stays as it is, and what we write says nothing to people."""

import asyncio
import itertools
import socket
from collections.abc import Iterator

import pytest

from agent.links.mail import mailbox
from agent.links.mail.letter import write_letter
from agent.links.mail.pack import seal_pack
from agent.links.mail.settings import with_detail
from tests.links.mail.scene import ASIDE, PUT_AWAY, SITE, MailScene, pass_on, prints, send_all
from tests.links.taking import take_all, until
from tests.servers.mail_box import Stored

pytestmark = pytest.mark.servers
PEOPLE = 1000


async def lived_in(scene: MailScene) -> None:
    """Pass messages through the mailbox of `b`, over three sessions, until all is put away."""
    for session in range(3):
        async with scene.both() as (a, b):
            sent = [b"%d %d" % (session, number) for number in range(40)]
            results = asyncio.create_task(send_all(a, scene.b, sent))
            await take_all(b.received(), sent)
            await results
            await until(lambda: scene.box(scene.b).count() <= PEOPLE)


def people(stored: dict[str, Stored]) -> dict[str, tuple[str, str]]:
    return prints({key: mail for key, mail in stored.items() if key.endswith(".people")})


def test_a_thousand_mails_of_people_stay_byte_for_byte_and_flag_for_flag(scene: MailScene) -> None:
    before = people(scene.box(scene.b).fill(PEOPLE))
    asyncio.run(lived_in(scene))
    assert len(before) == PEOPLE
    assert people(scene.box(scene.b).stored()) == before
    assert people(scene.box(scene.b).stored(PUT_AWAY)) == {}
    assert ASIDE not in scene.box(scene.b).folders()


def test_if_all_mails_were_taken_for_ours_this_would_be_seen(scene: MailScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "is_ours", lambda _head, _detail: True)
    before = people(scene.box(scene.b).fill(20))

    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, b"one")

    asyncio.run(walk())
    assert people(scene.box(scene.b).stored()) != before


def test_what_is_addressed_to_another_station_in_the_same_mailbox_is_left_to_it(scene: MailScene) -> None:
    other = scene.ids[scene.a]
    pack = seal_pack([b"for somebody else"], other.site, other.kid, other.receive)
    to = with_detail(scene.addresses[scene.b], other.kid)
    scene.box(scene.b).put(write_letter(pack, "x@mail.test", to, random_hex="0" * 32, at_s=1.0), "F")
    before = prints(scene.box(scene.b).stored())

    async def walk() -> None:
        async with scene.both() as (a, b):
            await pass_on(a, b, scene.b, b"one")
            await until(lambda: scene.box(scene.b).count(PUT_AWAY) == 1)
            assert not b.refused

    asyncio.run(walk())
    assert prints(scene.box(scene.b).stored()) == before


def canaries() -> Iterator[bytes]:
    return (b"canary-%d-sings" % number for number in itertools.count())


def test_no_stored_mail_holds_a_word_of_what_was_sent_or_by_whose_computer(scene: MailScene) -> None:
    sung = list(itertools.islice(canaries(), 200))

    async def walk() -> None:
        async with scene.both() as (a, b):
            results = asyncio.create_task(send_all(a, scene.b, sung))
            assert sorted(await take_all(b.received(), sung)) == sorted(sung)
            await results
            await until(lambda: scene.box(scene.b).count() == 0)

    asyncio.run(walk())
    handed_in = [mail.content for mail in scene.servers.front.taken]
    stored = [mail.content for mail in scene.box(scene.b).stored(PUT_AWAY).values()]
    assert len(stored) == len(handed_in) > 0
    for mail in (*handed_in, *stored):
        assert not [canary for canary in sung if canary in mail]
        assert SITE.encode() not in mail
    for mail in handed_in:
        assert socket.gethostname().encode() not in mail.partition(b"\r\n\r\n")[0].split()
        assert scene.servers.passwords[scene.a].encode() not in mail
