"""What we receive: admitted, committed, accepted at its link, receipted every time and handed on once."""

import logging
from collections.abc import Callable

from agent.domain.events import Arrived, Event, Instant, StrangerHeard
from agent.domain.ledger import Ledger
from agent.domain.messages import Receipt
from agent.links.base import Delivery
from agent.routing import rows
from agent.routing.admission import Admission, Admitted
from agent.routing.check_queue import CheckQueue
from agent.routing.receipts import Receipts
from agent.routing.refusals import Refusals
from agent.routing.seen import Seen
from agent.system.store import Store
from agent.wire.frame import FrameRefused, read_body, take_apart

log = logging.getLogger(__name__)


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
        answer: Callable[[], None],
    ) -> None:
        self._admission, self._store, self._ledger, self._now = admission, store, ledger, now
        self._tell, self._receipted, self._answer = tell, receipted, answer
        self._seen = Seen()
        self._queue = CheckQueue(self._check, self._checked)
        self.receipts = Receipts()
        self.refusals = Refusals()

    def start(self) -> None:
        """Hand on again what the core had not finished when the last run ended."""
        for link, frame in self._store.read(rows.UNHANDLED):
            envelope, params = read_body(take_apart(frame).body)
            expired = self._now().anchored and envelope.exp <= self._now().ms
            self._tell(Arrived(envelope, params, link, expired=expired))

    def stop(self) -> None:
        """Let go of the thread of the last burst."""
        self._queue.stop()

    def arrived(self, delivery: Delivery) -> None:
        """Take one container from a link."""
        now = self._now()
        try:
            self._admission.enter(delivery.link, delivery.sender, delivery.sealed, now)
        except FrameRefused as refused:
            self._refuse(delivery, refused)
        else:
            self._queue.put(delivery)

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
            return self._admission.check(delivery.sender, delivery.sealed, self._ledger(), self._now())
        except FrameRefused as refused:
            return refused

    def _refuse(self, delivery: Delivery, refused: FrameRefused) -> None:
        self.refusals.note(refused, delivery)
        delivery.accept()
        if refused.code == "unknown-kid":
            self._tell(StrangerHeard(delivery.link))

    def _pass_on(self, admitted: Admitted, delivery: Delivery) -> None:
        if isinstance(admitted.params, Receipt):
            self._receipted(admitted.params, admitted.envelope.sender, delivery.link)
        else:
            self._tell(_event(admitted, delivery))
        delivery.accept()

    def _store_first(self, admitted: Admitted, delivery: Delivery) -> None:
        id_ = admitted.envelope.id
        if self._seen.begin(id_, delivery.accept):
            self._store.submit(
                lambda db: rows.insert_in(db, admitted, delivery.link),
                lambda fresh: self._stored(admitted, delivery, fresh=fresh),
                lambda error: self._not_stored(id_, error),
            )

    def _stored(self, admitted: Admitted, delivery: Delivery, *, fresh: bool) -> None:
        """The row is on disk: now the link may forget it, and, if it is new, the core may know."""
        self._seen.stored(admitted.envelope.id)
        if fresh:
            self._receipt(admitted, "stored", "")
            self._tell(_event(admitted, delivery))
        else:
            ((stage, why),) = self._store.read(rows.KNOWN, (admitted.envelope.id,))
            self._receipt(admitted, stage, why)

    def _not_stored(self, id_: str, error: Exception) -> None:
        """Nothing was accepted, so the link and the sender will both try again."""
        log.error("cannot store an arrival: id=%s error=%s", id_, error)
        self._seen.failed(id_)

    def _receipt(self, admitted: Admitted, stage: str, why: str) -> None:
        envelope = admitted.envelope
        if envelope.want:
            self.receipts.add(envelope.sender, envelope.id, stage, why, self._now().ms)
            self._answer()


def _event(admitted: Admitted, delivery: Delivery) -> Arrived:
    return Arrived(
        admitted.envelope,
        admitted.params,
        delivery.link,
        unverified=admitted.unverified,
        expired=admitted.expired,
    )
