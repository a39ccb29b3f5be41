"""What we receive: admitted, committed, accepted at its link, receipted every time and handed on once."""

import asyncio
import logging
from collections.abc import Callable

from agent.domain.errors import NmrError
from agent.domain.events import Arrived, Event, Instant, NotSaved, StrangerHeard
from agent.domain.ledger import Ledger
from agent.domain.messages import Receipt
from agent.links.base import Delivery
from agent.routing import rows
from agent.routing.admission import Admission, Admitted
from agent.routing.check_queue import CheckQueue
from agent.routing.complaints import Complaints
from agent.routing.refusals import Refusals
from agent.routing.replies import Replies
from agent.routing.seen import Seen
from agent.routing.turns import Turns
from agent.system.store import Store
from agent.wire.frame import FrameRefused, read_body, take_apart
from agent.wire.ledger import SHOWABLE

log = logging.getLogger(__name__)

STORE_AGAIN_S = 3.0
"""How soon an arrival that the disk did not take is tried again."""

MOST_UNSTORED = 1000
"""So many may wait for the disk; more stay with their links and senders."""


class Incoming:
    """The receiving half of the router."""

    def __init__(
        self,
        *,
        admission: Admission,
        store: Store,
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        tell: Callable[[Event], None],
        receipted: Callable[[Receipt, str, str], None],
        heard: Callable[[str, str], None],
        replies: Replies,
    ) -> None:
        self._admission, self._store, self._ledger, self._now = admission, store, ledger, now
        self._tell, self._receipted, self._heard, self._replies = tell, receipted, heard, replies
        self._seen, self._complaints = Seen(), Complaints()
        self._unstored: dict[str, asyncio.TimerHandle] = {}
        self._queue = CheckQueue(self._check, self._checked)
        self._turns = Turns(self._in_turn)
        self.refusals = Refusals()

    def start(self) -> None:
        """Hand on again what the core had not finished when the last run ended."""
        now = self._now()
        for id_, link, frame in self._store.read(rows.UNHANDLED):
            try:
                envelope, params = read_body(take_apart(frame).body)
            except FrameRefused as refused:  # a newer version stored it, before somebody went back to this one
                log.error("cannot read a stored arrival: id=%s code=%s", id_, refused.code)  # noqa: TRY400 - no defect
                self._store.submit(lambda db, id_=id_: rows.mark_handled(db, id_))  # type: ignore[misc]
                continue
            expired = envelope.exp <= now.sure_ms
            self._tell(Arrived(envelope, params, link, unverified=not now.anchored, expired=expired))

    def stop(self) -> None:
        """Let go of the thread of the last burst, and of what the disk would not take."""
        self._turns.stop()
        self._queue.stop()
        for timer in self._unstored.values():
            timer.cancel()

    def arrived(self, delivery: Delivery) -> None:
        """Take one container from a link. A flood costs its sender; where none is known, nobody loses what is in it."""
        if delivery.sender is None and self._turns.take(delivery):
            return
        try:
            self._enter(delivery)
        except FrameRefused as refused:
            self._refuse(delivery, refused)

    def _enter(self, delivery: Delivery) -> None:
        """Have it checked; raises FrameRefused if it is too much."""
        self._admission.enter(delivery.link, delivery.sender, delivery.sealed, self._now())
        self._queue.put(delivery)

    def _in_turn(self, delivery: Delivery) -> bool:
        """Have it checked if it is no more than may come now."""
        try:
            self._enter(delivery)
        except FrameRefused as refused:
            if refused.code == "rate":
                return False
            self._refuse(delivery, refused)
        return True

    def _checked(self, delivery: Delivery, found: Admitted | FrameRefused) -> None:
        """The queue has looked at a container."""
        if isinstance(found, FrameRefused):
            self._refuse(delivery, found)
        elif rows.is_stored(found.envelope.type):
            self._store_first(found, delivery)
        else:
            self._pass_on(found, delivery)

    def _check(self, delivery: Delivery) -> Admitted | FrameRefused:
        """Look at a container; runs in the loop or beside it."""
        try:
            return self._admission.check(
                delivery.sender, delivery.sealed, self._ledger(), self._now(), delivery.channel
            )
        except FrameRefused as refused:
            return refused

    def _refuse(self, delivery: Delivery, refused: FrameRefused) -> None:
        self.refusals.note(refused, delivery)
        delivery.accept()
        if refused.code == "unknown-kid":
            self._tell(StrangerHeard(delivery.link))
        complaint = self._complaints.about(refused, delivery, self._ledger(), self._now().mono)
        if complaint is not None:
            self._replies.complain(complaint)

    def _pass_on(self, admitted: Admitted, delivery: Delivery) -> None:
        self._heard(admitted.envelope.sender, delivery.link)
        if isinstance(admitted.params, Receipt):
            self._receipted(admitted.params, admitted.envelope.sender, delivery.link)
        else:
            self._tell(_event(admitted, delivery))
        delivery.accept()

    def _store_first(self, admitted: Admitted, delivery: Delivery) -> None:
        if self._seen.begin(admitted.envelope.id, delivery.accept):
            self._submit(admitted, delivery)

    def _submit(self, admitted: Admitted, delivery: Delivery) -> None:
        self._store.submit(
            lambda db: rows.insert_in(db, admitted, delivery.link),
            lambda fresh: self._stored(admitted, delivery, fresh=fresh),
            lambda error: self._not_stored(admitted, delivery, error),
        )

    def _stored(self, admitted: Admitted, delivery: Delivery, *, fresh: bool) -> None:
        """The row is on disk: now the link may forget it, and, if it is new, the core may know."""
        id_, sender = admitted.envelope.id, admitted.envelope.sender
        self._seen.stored(id_)
        self._unstored.pop(id_, None)
        self._heard(sender, delivery.link)  # a copy as well: who asks again by mail perhaps reads nothing else
        if fresh:
            self._receipt(admitted, "stored", "")
            self._tell(_event(admitted, delivery))
            return
        ((known, stage, why),) = self._store.read(rows.KNOWN, (id_,))
        if known == sender:
            self._receipt(admitted, stage, why)
        else:  # an id is its first sender's; a receipt would say that this one's message has come
            self.refusals.note(FrameRefused("id", f"{sender} uses an id of {known}"), delivery)

    def _not_stored(self, admitted: Admitted, delivery: Delivery, error: Exception) -> None:
        """The disk is full or fails: nothing is accepted or receipted, and the row is tried again.

        A link hands over only so much that is not accepted, so waiting for it to come again could be for ever.
        """
        id_ = admitted.envelope.id
        self._unstored.pop(id_, None)
        log.error("cannot store an arrival: id=%s error=%s", id_, error)
        told = error if isinstance(error, NmrError) else NmrError("Could not be saved", str(error))
        self._tell(NotSaved(told.title, told.message))
        if len(self._unstored) < MOST_UNSTORED:
            loop = asyncio.get_running_loop()
            self._unstored[id_] = loop.call_later(STORE_AGAIN_S, self._submit, admitted, delivery)
        else:
            self._seen.failed(id_)

    def _receipt(self, admitted: Admitted, stage: str, why: str) -> None:
        envelope = admitted.envelope
        if envelope.want:
            self._replies.receipt(envelope.sender, envelope.id, stage, why)


def _event(admitted: Admitted, delivery: Delivery) -> Arrived:
    return Arrived(
        admitted.envelope,
        admitted.params,
        delivery.link,
        unverified=admitted.unverified,
        expired=admitted.expired,
        channel=delivery.channel,
        frame=admitted.frame if admitted.envelope.type in SHOWABLE else b"",
    )
