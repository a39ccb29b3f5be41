"""A newcomer that waits by mail: what it believes, what it leaves to others, and how often it asks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path

import pytest

from agent.domain.errors import NotAllowed, TryLater
from agent.domain.mail import Mailbox
from agent.domain.names import HUB
from agent.links.base import Delivery, LinkDown, LinkRefused
from agent.links.mail.link import MailLink
from agent.station.enrolment import by_mail as enrol_mail
from agent.station.enrolment.asking import Asking
from agent.station.enrolment.by_mail import PATIENCE_S, ByMail, Exchange, pauses
from agent.station.enrolment.https import HubRefused
from agent.system.config.schema_links import MailLink as Settings
from agent.system.paths import Profile
from agent.wire.enrol_letter import Step, read_enrol_letter, write_enrol_letter
from agent.wire.enrolment import Done, Refused, Welcome, read_request, write_answer
from agent.wire.invite import Purpose
from tests.wire.test_enrolment import NONCE, OTHER, SECRET, Sides, sides

__all__ = ["sides"]

BOX = Mailbox("anna@mail.example")
Answering = Callable[[bytes], Iterable[bytes]]


class Post:
    """A link over which every letter is answered by what `answering` returns for it."""

    name = "mail"

    def __init__(self, answering: Answering, *, faults: Iterable[Exception] = (), late_s: float = 0.0) -> None:
        self._answering, self._faults, self._late_s = answering, list(faults), late_s
        self.sent: list[bytes] = []
        self.given, self.accepted = 0, list[int]()
        self.watched = 0.0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Post"]:
        if self._faults and isinstance(self._faults[0], LinkRefused):
            raise self._faults.pop(0)
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        yield self

    async def send(self, to: str, sealed: bytes, channel: str = "") -> None:
        assert (to, channel) == (HUB, "")
        if self._faults:
            raise self._faults.pop(0)
        self.sent.append(sealed)
        for answer in self._answering(sealed):
            if self._late_s:
                asyncio.get_running_loop().call_later(self._late_s, self._arrived.put_nowait, answer)
            else:
                self._arrived.put_nowait(answer)

    async def received(self) -> AsyncIterator[Delivery]:
        while True:
            sealed, number = await self._arrived.get(), self.given
            self.given += 1
            yield Delivery("mail", None, sealed, lambda number=number: self.accepted.append(number))  # type: ignore[misc]

    def expect(self, seconds: float) -> None:
        self.watched = seconds


class Stage:
    """A newcomer and the letters its hub may write."""

    def __init__(self, sides: Sides, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sides, self.said = sides, list[str]()
        self._folder, self._patch = folder, monkeypatch
        self.asking = Asking(sides.card, SECRET, sides.me, NONCE)
        monkeypatch.setattr(enrol_mail, "NOT_SENT_S", 0.01)

    def way(self, post: Post, patience_s: float = 10.0) -> ByMail:
        """The way over this link."""
        settings = Settings(address=BOX.mail, imap="mail.example:993", smtp="mail.example:465")
        way = ByMail(
            Profile.at(self._folder), settings, self.said.append, between=lambda: repeat(0.02), patience_s=patience_s
        )

        def link(_: ByMail, asking: Asking) -> MailLink:
            assert asking is self.asking
            return post  # type: ignore[return-value]  # as much of one as it needs

        self._patch.setattr(ByMail, "_link", link)
        return way

    def letter(
        self, step: Step, text: Welcome | Done | Refused, *, secret: bytes = SECRET, nonce: bytes = NONCE
    ) -> bytes:
        """What the hub, or whoever plays it, writes."""
        asked = Asking(self.sides.card, SECRET, self.sides.me, nonce).write("anna", mailbox=BOX)
        request = read_request(self.sides.hub, asked, self.sides.secret_of)
        return write_enrol_letter(step, write_answer(self.sides.hub, secret, request, text))

    def welcome(self) -> bytes:
        return self.letter(Step.ANSWER, self.sides.welcome())

    def refused(self, about: str, code: str = "invite-used") -> bytes:
        return self.letter(Step.REFUSED, Refused(site="s1", about=about, refused=code))  # type: ignore[arg-type]  # a purpose


class Leaping(asyncio.SelectorEventLoop):
    """A loop on whose clock nobody waits: where nothing is to be done until later, it is later."""

    def __init__(self) -> None:
        super().__init__()
        self._leapt, select = 0.0, self._selector.select  # type: ignore[attr-defined]  # the loop's own

        def leap(timeout: float | None = None) -> object:
            self._leapt += timeout or 0.0
            return select(0)

        self._selector.select = leap  # type: ignore[attr-defined]  # as above

    def time(self) -> float:
        return self._leapt


@pytest.fixture
def stage(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(sides, tmp_path, monkeypatch)


def purpose_of(stage: Stage, letter: bytes, purpose: Purpose) -> Mailbox:
    return read_request(stage.sides.hub, read_enrol_letter(letter)[1], stage.sides.secret_of, purpose).mailbox


def test_both_letters_name_our_mailbox(stage: Stage) -> None:
    post = Post(lambda _: [stage.welcome()])
    assert stage.way(post).welcome(stage.asking, "anna") == stage.sides.welcome()
    done = Post(lambda _: [stage.letter(Step.DONE, Done(station="anna", site="s1"))])
    stage.way(done).confirm(stage.asking, "anna")
    assert purpose_of(stage, post.sent[0], "request") == BOX
    assert purpose_of(stage, done.sent[0], "confirm") == BOX
    assert post.watched > 0


def test_what_has_no_proof_is_dropped_and_it_waits_on(stage: Stage) -> None:
    made_up = [
        b"NMRE\x01", b"NMRE\x01\x02noise", b"NMRE\x01\x09",
        stage.letter(Step.ANSWER, stage.sides.welcome(), secret=OTHER),
        stage.letter(Step.ANSWER, stage.sides.welcome(), nonce=b"o" * 32),
        stage.letter(Step.REFUSED, Refused(site="s1", about="request", refused="invite-used"), secret=OTHER),
        stage.letter(Step.ANSWER, Done(station="anna", site="s1")),
        stage.letter(Step.DONE, Done(station="anna", site="s1")),
    ]  # fmt: skip
    post = Post(lambda _: [*made_up, stage.welcome()])
    assert stage.way(post).welcome(stage.asking, "anna") == stage.sides.welcome()
    assert post.accepted == list(range(len(made_up) + 1)), "letters to newcomers are put away, whatever they are"


def test_a_members_mail_that_comes_meanwhile_stays_for_the_agent(stage: Stage) -> None:
    post = Post(lambda _: [b"NMR1" + b"x" * 200, stage.welcome()])
    stage.way(post).welcome(stage.asking, "anna")
    assert post.accepted == [1]


def test_it_asks_again_until_it_is_answered(stage: Stage) -> None:
    answers = iter([[], [], [], [stage.welcome()]])
    post = Post(lambda _: next(answers))
    stage.way(post).welcome(stage.asking, "anna")
    assert len(post.sent) == 4
    assert len(set(post.sent)) == 1


@pytest.mark.parametrize(("late_s", "letters"), [(20.0, 1), (600.0, 5), (2 * 3600.0, 12)])
def test_an_answer_may_be_two_hours_late_and_few_letters_ask_for_it(stage: Stage, late_s: float, letters: int) -> None:
    def read(letter: bytes) -> Welcome:
        return stage.asking.read(read_enrol_letter(letter)[1], Welcome)

    async def waits(post: Post, patience_s: float) -> Welcome:
        link: MailLink = post  # type: ignore[assignment]  # as above
        return await Exchange(link, b"NMRE\x01a letter", read, stage.said.append).run(pauses(), patience_s)

    with asyncio.Runner(loop_factory=Leaping) as runner:
        post = Post(lambda _: [stage.welcome()], late_s=late_s)
        assert runner.run(waits(post, PATIENCE_S)) == stage.sides.welcome()
        assert len(post.sent) == letters
        with pytest.raises(TryLater):
            runner.run(waits(Post(lambda _: [stage.welcome()], late_s=late_s), late_s / 2))


def test_what_the_mail_server_does_not_take_is_told_once_and_tried_again(stage: Stage) -> None:
    post = Post(lambda _: [stage.welcome()], faults=[LinkDown("the mail server says 451")] * 3)
    stage.way(post).welcome(stage.asking, "anna")
    assert len(post.sent) == 1
    assert sum("451" in line for line in stage.said) == 1


def test_a_refusal_counts_for_the_letter_it_is_about(stage: Stage) -> None:
    with pytest.raises(HubRefused) as caught:
        stage.way(Post(lambda _: [stage.refused("confirm"), stage.refused("request")])).welcome(stage.asking, "anna")
    assert caught.value.code == "invite-used"
    done = stage.letter(Step.DONE, Done(station="anna", site="s1"))
    stage.way(Post(lambda _: [stage.refused("request"), stage.welcome(), done])).confirm(stage.asking, "anna")
    with pytest.raises(HubRefused):
        stage.way(Post(lambda _: [stage.refused("confirm"), done])).confirm(stage.asking, "anna")


def test_a_mailbox_that_is_closed_to_us_and_a_hub_that_is_silent_end_the_wait(stage: Stage) -> None:
    with pytest.raises(NotAllowed, match="does not let us in"):
        stage.way(Post(lambda _: [], faults=[LinkRefused("535 no")])).welcome(stage.asking, "anna")
    silent = Post(lambda _: [])
    with pytest.raises(TryLater, match="same command again"):
        stage.way(silent, patience_s=0.3).welcome(stage.asking, "anna")
    assert len(silent.sent) > 2
