"""A station tells the hub where it takes mail until the ledger says so, and never otherwise."""

from dataclasses import dataclass, field

import pytest

from agent.domain.effects import Effect, ExpectMail, Post, WakeAt
from agent.domain.envelope import DAY_MS
from agent.domain.events import Instant, Sent
from agent.domain.ledger import Ledger
from agent.domain.mail import NOWHERE, MailAddress, Mailbox
from agent.domain.messages import LedgerPart
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.station.mailing import AGAIN_S, RECEIPT_S, Mailing
from tests.station.scene import EVERYBODY, Scene, ident, only
from tests.walks.members import SITE, Members

BOX = Mailbox("front@example.com", plus=False)


@dataclass
class Stage:
    """A desk whose ledger the test writes."""

    members: Members = field(default_factory=Members)

    def __post_init__(self) -> None:
        self.members.add("front", "front-desk")
        self.desk = Desk(SITE, "front", lambda: ident(1), self.members.ledger)

    def write(self, box: Mailbox) -> None:
        self.members.append("member.mail", "front", {"mail": box.mail, "plus": box.plus})
        self.desk.ledger = self.members.ledger


def said(effects: list[Effect]) -> list[Mailbox]:
    """What the hub is told."""
    found = []
    for effect in effects:
        if isinstance(effect, WakeAt):
            continue
        assert isinstance(effect, Post)
        assert (effect.type, effect.recipients, effect.want) == ("mail.address", (HUB,), 1)
        assert effect.life_ms == DAY_MS, "said each hour, so a hub that is away for a month need not hear each"
        assert isinstance(effect.params, MailAddress)
        found.append(Mailbox(effect.params.mail, effect.params.plus))
    return found


def at(mono: float) -> Instant:
    return Instant(mono, 0)


def test_what_the_ledger_does_not_say_is_told_once_an_hour_until_it_does() -> None:
    stage = Stage()
    mailing = Mailing(stage.desk, BOX)
    effects = mailing.woke(at(10))
    assert said(effects) == [BOX]
    assert WakeAt(10 + AGAIN_S) in effects
    assert said(mailing.woke(at(10 + AGAIN_S - 1))) == []
    assert said(mailing.woke(at(10 + AGAIN_S))) == [BOX]
    stage.write(BOX)
    assert said(mailing.woke(at(10 + 9 * AGAIN_S))) == []


@pytest.mark.parametrize("box", [NOWHERE, Mailbox("", plus=False)])
def test_who_has_no_mailbox_says_nothing_unless_the_ledger_still_names_one(box: Mailbox) -> None:
    stage = Stage()
    mailing = Mailing(stage.desk, box)
    assert said(mailing.woke(at(10))) == []
    stage.write(BOX)
    assert said(mailing.woke(at(10))) == [NOWHERE]


def test_who_is_no_member_yet_says_nothing() -> None:
    desk = Desk(SITE, "front", lambda: ident(1), Ledger(SITE))
    assert Mailing(desk, BOX).woke(at(10)) == []


def test_the_core_thinks_of_it_by_itself() -> None:
    scene = Scene("front")
    scene.core.mailing = Mailing(scene.core.desk, BOX)
    scene.wait(1.0)
    assert [post.type for post in scene.posts].count("mail.address") == 1


def test_it_is_told_as_soon_as_we_are_a_member() -> None:
    stage = Stage()
    scene = Scene("front", ledger=Ledger(SITE))
    scene.core.mailing = Mailing(scene.core.desk, BOX)
    scene.wait(1.0)
    assert "mail.address" not in [post.type for post in scene.posts]
    part = LedgerPart(entries=tuple(frame.decode() for frame in stage.members.frames))
    scene.arrives(HUB, part, to=EVERYBODY)
    assert [post.type for post in scene.posts].count("mail.address") == 1


@pytest.mark.parametrize(("link", "awaited"), [("mail", [ExpectMail(RECEIPT_S)]), ("mqtt", [])])
def test_what_went_by_mail_is_awaited_by_mail(link: str, awaited: list[Effect]) -> None:
    assert only(Scene("front").tell(Sent(ident(1), "stove", link)), ExpectMail) == awaited
