"""Letters at the hub: a flood costs its sender, nobody uninvited gets an answer, and what is lost is asked again."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from agent.domain.errors import TryLater
from agent.domain.events import Instant
from agent.domain.keys import kid_of
from agent.domain.mail import NOWHERE, Mailbox
from agent.hub.letters import ANSWERS_AT_ONCE, ANSWERS_PER_S, LETTERS_AT_ONCE, LETTERS_PER_S, Letters
from agent.links.base import Delivery, LinkDown
from agent.links.mail.settings import Recipient
from agent.wire.enrol_letter import Step, read_enrol_letter, write_enrol_letter
from agent.wire.enrolment import (
    Done,
    EnrolRefused,
    Refused,
    Request,
    Welcome,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from agent.wire.invite import Purpose
from tests.hub.told import at
from tests.wire.test_enrolment import NONCE, OTHER, SECRET, Sides, sides

__all__ = ["sides"]

BOX = Mailbox("anna@mail.example")
ENDLESS = 1e9


class Door:
    """What stands behind the letters: the real proofs, and an enrolment that does as it is told."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.refuses: Exception | None = None
        self.done: list[str] = []

    def read(self, sealed: bytes, purpose: Purpose = "request") -> Request:
        return read_request(self.sides.hub, sealed, self.sides.secret_of, purpose)

    async def admit(self, request: Request) -> bytes:
        await self._decide("admit")
        return self.answer(request, self.sides.welcome())

    async def confirmed(self, _: Request) -> None:
        await self._decide("confirmed")

    def answer(self, request: Request, text: Welcome | Done | Refused) -> bytes:
        return write_answer(self.sides.hub, SECRET, request, text)

    async def _decide(self, step: str) -> None:
        await asyncio.sleep(0)
        if self.refuses is not None:
            raise self.refuses
        self.done.append(step)


class Hub:
    """Letters with a door, a post that keeps what is sent, and a clock that stands."""

    def __init__(self, sides: Sides, **rates: float) -> None:
        self.door, self.seconds, self.accepted, self.down = Door(sides), 0.0, 0, False
        self.sent: list[tuple[Recipient | None, bytes]] = []
        self.passed_on: list[Delivery] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.letters = Letters(self.door, "s1", start=self._start, now=self._now, **rates)  # type: ignore[arg-type]
        self.letters.post = self
        self._arrived = self.letters.before(self.passed_on.append)

    async def send(self, to: str, sealed: bytes) -> None:
        if self.down:
            raise LinkDown("the mailbox is not open")
        self.sent.append((self.letters.recipient(to), sealed))

    async def gets(self, *containers: bytes) -> None:
        """Let these arrive, and everything be done about them."""
        for sealed in containers:
            self._arrived(Delivery("mail", None, sealed, self._accept))
        await asyncio.gather(*self._tasks)
        self._tasks.clear()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _accept(self) -> None:
        self.accepted += 1

    def _now(self) -> Instant:
        return at(self.seconds)


def asked(sides: Sides, secret: bytes = SECRET, box: Mailbox = BOX, purpose: Purpose = "request") -> bytes:
    step = Step.REQUEST if purpose == "request" else Step.CONFIRM
    return write_enrol_letter(step, write_request(sides.card, secret, sides.me, NONCE, "anna", purpose, box))


def test_a_request_is_answered_where_it_says_and_to_its_own_keys(sides: Sides) -> None:
    async def walk() -> None:
        hub = Hub(sides)
        await hub.gets(asked(sides), asked(sides, purpose="confirm"))
        assert hub.door.done == ["admit", "confirmed"]
        me = Recipient(BOX.mail, kid_of(sides.me.sign), sides.me.receive)
        assert [to for to, _ in hub.sent] == [me, me]
        (first, welcome), (second, done) = (read_enrol_letter(letter) for _, letter in hub.sent)
        assert (first, second) == (Step.ANSWER, Step.DONE)
        assert read_answer(sides.card, SECRET, sides.me, NONCE, welcome, Welcome) == sides.welcome()
        assert read_answer(sides.card, SECRET, sides.me, NONCE, done, Done).station == "anna"
        assert hub.accepted == 2
        assert hub.letters._waiting == {}

    asyncio.run(walk())


def test_nobody_without_the_secret_gets_an_answer_and_each_is_counted(sides: Sides) -> None:
    async def walk() -> None:
        hub = Hub(sides)
        bad = {
            "invite-unknown": asked(sides, OTHER),
            "enrol-nowhere": asked(sides, box=NOWHERE),
            "enrol-unreadable": asked(sides)[:-1],
            "size": write_enrol_letter(Step.REQUEST, b"x" * 5000),
        }
        await hub.gets(*bad.values())
        confirmed_as_request = write_enrol_letter(Step.REQUEST, asked(sides, purpose="confirm")[6:])
        await hub.gets(confirmed_as_request, write_enrol_letter(Step.ANSWER, b"an answer that we did not ask for"))
        assert hub.letters.counts == {**dict.fromkeys(bad, 1), "enrol-proof": 1, "enrol-unreadable": 2}
        assert (hub.sent, hub.door.done, hub.accepted) == ([], [], 6)

    asyncio.run(walk())


def test_what_is_no_letter_goes_to_the_router(sides: Sides) -> None:
    async def walk() -> None:
        hub = Hub(sides)
        await hub.gets(b"NMR1" + b"x" * 200)
        assert [delivery.sealed[:4] for delivery in hub.passed_on] == [b"NMR1"]
        assert (hub.accepted, hub.letters.counts) == (0, {})

    asyncio.run(walk())


@pytest.mark.parametrize("weak", [False, True])
def test_a_flood_is_dropped_unread_and_is_over_when_it_is_over(sides: Sides, *, weak: bool) -> None:
    async def walk() -> None:
        hub = Hub(sides, letters_at_once=ENDLESS if weak else LETTERS_AT_ONCE)
        flood = [asked(sides, OTHER)] * 3 * LETTERS_AT_ONCE
        await hub.gets(*flood)
        assert (hub.letters.counts["flood"] == 2 * LETTERS_AT_ONCE) != weak
        assert hub.accepted == len(flood)
        hub.seconds += 2 / LETTERS_PER_S
        await hub.gets(asked(sides))
        assert len(hub.sent) == 1

    asyncio.run(walk())


@pytest.mark.parametrize("weak", [False, True])
def test_a_request_that_is_replayed_without_end_makes_few_mails(sides: Sides, *, weak: bool) -> None:
    async def walk() -> None:
        hub = Hub(sides, answers_at_once=ENDLESS if weak else ANSWERS_AT_ONCE)
        await hub.gets(*[asked(sides)] * 100)
        assert len(hub.sent) == (100 if weak else ANSWERS_AT_ONCE)
        assert hub.letters.counts["enrol-too-often"] == (0 if weak else 100 - ANSWERS_AT_ONCE)
        hub.seconds += 1.01 / ANSWERS_PER_S
        await hub.gets(asked(sides))
        assert len(hub.sent) == (101 if weak else ANSWERS_AT_ONCE + 1)

    asyncio.run(walk())


@pytest.mark.parametrize(("purpose", "about"), [("request", "request"), ("confirm", "confirm")])
def test_a_refusal_is_signed_and_says_which_letter_it_is_about(sides: Sides, purpose: Purpose, about: str) -> None:
    async def walk() -> None:
        hub = Hub(sides)
        hub.door.refuses = EnrolRefused("invite-used")
        await hub.gets(asked(sides, purpose=purpose))
        ((_, letter),) = hub.sent
        step, sealed = read_enrol_letter(letter)
        told = read_answer(sides.card, SECRET, sides.me, NONCE, sealed, Refused)
        assert (step, told.refused, told.about) == (Step.REFUSED, "invite-used", about)

    asyncio.run(walk())


def test_what_fails_here_is_not_answered_but_may_be_asked_again(sides: Sides) -> None:
    async def walk() -> None:
        hub = Hub(sides)
        hub.door.refuses = TryLater("The disk is full", "wait")
        await hub.gets(asked(sides))
        hub.door.refuses, hub.down = None, True
        await hub.gets(asked(sides))
        assert (hub.sent, hub.accepted, hub.letters.counts["answered"]) == ([], 2, 0)
        hub.down = False
        await hub.gets(asked(sides))
        assert (len(hub.sent), hub.letters.counts["answered"]) == (1, 1)

    asyncio.run(walk())
