"""Whoever spoke last by mail is answered by mail as well: perhaps nothing else reaches them."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.envelope import WANT_NOTHING
from agent.domain.messages import ErrorNote
from agent.links.base import Delivery
from tests.routing.place import Place, Session, members, play, soon


@pytest.mark.parametrize(("came_by", "by_mail"), [("mail", True), ("mqtt", False)])
def test_whoever_spoke_by_mail_is_answered_by_mail_as_well(tmp_path: Path, came_by: str, by_mail: bool) -> None:
    """The broker keeps what is for a station that has no way there: nobody sees that nothing arrives."""

    async def scene() -> None:
        people, mail = members(), Session()
        here, there = Place(tmp_path / "here", people, "kitchen"), Place(tmp_path / "there", people)
        here.up()
        here.router.opened("mail", mail)  # type: ignore[arg-type]  # sends only
        asked = there.container(there.post(), "kitchen")
        here.router.arrived(Delivery(came_by, None, asked, lambda: None))
        await soon(here.receipts)
        await soon(lambda: len(mail.sent) == by_mail)
        here.router.run([answer := here.post(("front",))])
        await soon(lambda: answer.id in [envelope.id for _, envelope, _ in here.sent()])
        await asyncio.sleep(0)
        assert len(mail.sent) == 2 * by_mail
        here.crash()
        there.crash()

    play(scene)


def test_whoever_asks_again_by_mail_gets_its_receipt_by_mail(tmp_path: Path) -> None:
    """Its broker was lost after the page had come: the receipt would lie there until the page is over."""

    async def scene() -> None:
        people, mail = members(), Session()
        here, there = Place(tmp_path / "here", people, "kitchen"), Place(tmp_path / "there", people)
        here.up()
        here.router.opened("mail", mail)  # type: ignore[arg-type]  # sends only
        page = there.container(there.post(), "kitchen")
        here.router.arrived(Delivery("mqtt", "front", page, lambda: None))
        await soon(here.receipts)
        assert mail.sent == []
        here.router.arrived(Delivery("mail", None, page, lambda: None))
        await soon(lambda: mail.sent)
        assert [to for to, _ in mail.sent] == ["front"]
        here.crash()
        there.crash()

    play(scene)


@pytest.mark.parametrize(("came_by", "by_mail"), [(("mail",), True), (("mail", "mqtt"), False)])
def test_who_spoke_by_mail_is_known_in_the_next_run(tmp_path: Path, came_by: tuple[str, ...], by_mail: bool) -> None:
    """What nobody gives a receipt for, a receipt among it, goes once: then it must not go to the broker alone."""

    async def scene() -> None:
        people, mail = members(), Session()
        here, there = Place(tmp_path / "here", people, "kitchen"), Place(tmp_path / "there", people)
        for count, link in enumerate(came_by, 1):
            here.router.arrived(Delivery(link, None, there.container(there.post(), "kitchen"), lambda: None))
            await soon(lambda count=count: len(here.arrived()) == count)  # type: ignore[misc]
        await here.store.write(lambda _: None)
        here.crash()
        here.open()
        here.router.start()
        here.up()
        here.router.opened("mail", mail)  # type: ignore[arg-type]  # sends only
        here.router.run(
            [here.post(("front",), type_="error", params=ErrorNote(code="unknown-type"), want=WANT_NOTHING)]
        )
        await soon(lambda: here.session.sent)
        await asyncio.sleep(0)
        assert len(mail.sent) == by_mail
        here.crash()
        there.crash()

    play(scene)
