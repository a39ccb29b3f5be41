"""Newcomers by mail: their letters are judged as what comes over the network is, and answered where they say."""

# What a letter costs us:
#   any letter        a token of one bucket for all; without one it is dropped, and whoever is honest writes again
#   one without       two decryptions and a counter, no answer and nothing on the disk: nobody can make this mailbox
#   the right proofs  write to others who was not invited
#   one with them     a token of its invite's bucket: so many answers, the first at once, then one in so many seconds
# A letter is accepted whatever became of it. What was lost on the way, here too, is asked again by the newcomer.

import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

from agent.domain.errors import NmrError
from agent.domain.events import Instant
from agent.domain.keys import from_b64u, kid_of
from agent.hub.enrolment import Enrolment
from agent.links.base import Delivery, LinkDown
from agent.links.mail.settings import Recipient
from agent.routing.bucket import Buckets
from agent.system.log import event
from agent.wire.enrol_letter import Step, is_enrol_letter, read_enrol_letter, write_enrol_letter
from agent.wire.enrolment import Done, EnrolRefused, Refused, Request
from agent.wire.invite import Purpose

log = logging.getLogger(__name__)

LETTERS_PER_S, LETTERS_AT_ONCE = 20.0, 200
"""How many letters are looked at."""
ANSWERS_PER_S, ANSWERS_AT_ONCE = 1 / 60, 12
"""How many letters are answered for one invite."""


class Post(Protocol):
    """What sends a container."""

    async def send(self, to: str, sealed: bytes) -> None:
        """Raises LinkDown."""


class Letters:
    """Stands before the router: takes what is for the door out of a mailbox.

    Answers go by `post` to whom `recipient` knows; `start` runs a coroutine to its end, whoever goes.
    """

    def __init__(
        self,
        enrolment: Enrolment,
        site: str,
        *,
        start: Callable[[Coroutine[Any, Any, None]], object],
        now: Callable[[], Instant],
        answers_per_s: float = ANSWERS_PER_S,
        answers_at_once: float = ANSWERS_AT_ONCE,
        letters_at_once: float = LETTERS_AT_ONCE,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.post: Post | None = None
        self._enrolment, self._site, self._start, self._now = enrolment, site, start, now
        self._all = Buckets(LETTERS_PER_S, letters_at_once)
        self._each = Buckets(answers_per_s, answers_at_once)
        self._waiting: dict[str, Recipient] = {}

    def before(self, router: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
        """Return what takes letters here and leaves everything else to the router."""

        def arrived(delivery: Delivery) -> None:
            if is_enrol_letter(delivery.sealed):
                self.take(delivery)
            else:
                router(delivery)

        return arrived

    def take(self, delivery: Delivery) -> None:
        """Take one letter."""
        if self._all.take(delivery.link, "", self._now().mono):
            self._start(self._judged(delivery))
        else:
            self.counts["flood"] += 1
            delivery.accept()

    def recipient(self, name: str) -> Recipient | None:
        """Where somebody takes mail who is no member yet."""
        return self._waiting.get(name)

    async def _judged(self, delivery: Delivery) -> None:
        try:
            step, request = self._read(delivery.sealed, delivery.link)
        except EnrolRefused as refused:
            self._note(refused)
        else:
            await self._answered(step, request)
        finally:
            delivery.accept()

    def _read(self, letter: bytes, link: str) -> tuple[Step, Request]:
        """Return what a letter asks for; raises EnrolRefused for one that earns no answer."""
        step, sealed = read_enrol_letter(letter)
        purposes: dict[Step, Purpose] = {Step.REQUEST: "request", Step.CONFIRM: "confirm"}
        if step not in purposes:
            raise EnrolRefused("enrol-unreadable", "an answer, and we have asked nothing")
        request = self._enrolment.read(sealed, purposes[step])
        if not request.mail:
            raise EnrolRefused("enrol-nowhere", "it does not say where the answer goes")
        if not self._each.take(link, request.invite, self._now().mono):
            raise EnrolRefused("enrol-too-often")
        return step, request

    async def _answered(self, step: Step, request: Request) -> None:
        try:
            letter = await self._decided(step, request)
        except EnrolRefused as refused:
            self._note(refused)
            about: Literal["request", "confirm"] = "request" if step is Step.REQUEST else "confirm"
            told = Refused(site=self._site, about=about, refused=refused.code)
            letter = write_enrol_letter(Step.REFUSED, self._enrolment.answer(request, told))
        except NmrError as error:
            event(log, "enrol-failed", logging.ERROR, why=str(error))
            return
        await self._sent(request, letter)

    async def _decided(self, step: Step, request: Request) -> bytes:
        """Do what is asked; return the letter that says so. Raises EnrolRefused, NmrError."""
        if step is Step.REQUEST:
            return write_enrol_letter(Step.ANSWER, await self._enrolment.admit(request))
        await self._enrolment.confirmed(request)
        done = Done(station=request.wish, site=self._site)
        return write_enrol_letter(Step.DONE, self._enrolment.answer(request, done))

    async def _sent(self, request: Request, letter: bytes) -> None:
        kid = kid_of(from_b64u(request.sign))
        name = f"a newcomer, {kid.hex()[:8]}"  # no station is called so
        self._waiting[name] = Recipient(request.mail, kid, from_b64u(request.receive), request.plus)
        try:
            if self.post is not None:
                await self.post.send(name, letter)
            self.counts["answered"] += 1
        except LinkDown as error:
            event(log, "enrol-answer-lost", logging.WARNING, why=str(error))
        finally:
            self._waiting.pop(name, None)

    def _note(self, refused: EnrolRefused) -> None:
        self.counts[refused.code] += 1
        event(log, "enrol-refused", logging.WARNING, code=refused.code, why=str(refused), link="mail")
