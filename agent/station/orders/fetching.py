"""Fetching the hub's list of orders: asked for after a start and a reconnection, until every part of it has come.

Until the first list is complete, or for two minutes, creating is allowed and changing what exists is not
(requirement N-44); later ones come without that. A hub that was silent is asked again once it is heard.

Where nothing but mail goes to the hub, the list comes by mail when it comes, and nobody waits for it.
"""

from collections.abc import Callable

from agent.domain.audience import THE_HUB
from agent.domain.effects import Effect, Keep, Post, Refresh, Tell, WakeAt
from agent.domain.envelope import LIST_LIFE_MS, WANT_NOTHING, Envelope
from agent.domain.errors import TryLater
from agent.domain.events import Instant
from agent.domain.messages import OrderList, OrderPart
from agent.domain.names import HUB
from agent.routing.policy import MAIL
from agent.station.orders.seldom import Seldom
from agent.station.proof.standing import KEY

WINDOW_S = 120.0
PARTS_AGAIN_S = 5.0
MOST_PARTS = 256
"""So many missing parts are asked for at once."""


class Fetching:
    """One list at a time; `since` is the hub's count up to which we have everything.

    `notice` is the key of what people are told: that the first list is coming, that it did not come, or nothing.
    """

    def __init__(self, new_id: Callable[[], str], since: int) -> None:
        self.complete = False
        self.since = since
        self.notice = ""
        self._new_id = new_id
        self._opens_at: float | None = None
        self._needed = False
        self._asked: str | None = None
        self._until = self._again_at = 0.0
        self._cut: tuple[int, int] | None = None
        self._parts: set[int] = set()
        self._seldom, self._over = Seldom(), ""

    def ready(self, now: Instant) -> bool:
        """Whether existing orders may be changed and paged for."""
        return self.complete or (self._opens_at is not None and now.mono >= self._opens_at)

    @property
    def overdue(self) -> bool:
        """Whether the hub still owes us a list that we no longer wait for."""
        return self._needed and self._asked is None

    def begin(self, now: Instant) -> list[Effect]:
        """Ask the hub for what we miss."""
        if self._opens_at is None:
            self._opens_at = now.mono + WINDOW_S
        self._seldom.stop()
        self._needed, self._until = True, now.mono + WINDOW_S
        self._begin_over("")
        if not self.complete and not self.notice:
            self.notice = "notice.requesting-orders"
        return [*self._ask(OrderList(since=self.since), now), WakeAt(self._until), Refresh()]

    def spare(self, now: Instant, *, hopeful: bool) -> list[Effect]:
        """There is nothing but mail (`hopeful`: so far): changes come by themselves, and the list if we ask for it."""
        self._opens_at = now.mono if self._opens_at is None else self._opens_at
        if self._over != MAIL:
            self._asked, self.notice = None, ""
        self._seldom.begin(now.mono, hopeful=hopeful)
        return [*self._ask_by_mail(now), Refresh()]

    def cut_off(self) -> None:
        """Nothing goes to the hub."""
        self._seldom.stop()

    def part(self, envelope: Envelope, part: OrderPart, now: Instant) -> list[Effect]:
        """A part has come, whose orders are merged by now; with the last one the list is complete.

        A hub that was restarted may cut its list anew. Parts of two cuts make no whole: the older are dropped.
        """
        if self._asked is None or envelope.re != self._asked:
            return []
        if self._cut != (part.n, part.upto):
            self._cut, self._parts = (part.n, part.upto), set()
        self._parts.add(part.i)
        self._again_at = now.mono + PARTS_AGAIN_S
        if len(self._parts) < part.n:
            return [WakeAt(self._again_at)]
        self.complete, self._needed, self._asked = True, False, None
        self._seldom.answered(now.mono)
        self.since, self.notice = part.upto, ""
        return [Keep("since", "orders", part.upto), Refresh()]

    def woke(self, now: Instant) -> list[Effect]:
        """Ask again for missing parts; stop waiting after two minutes."""
        if self._seldom.at is not None:
            return self._ask_by_mail(now)
        if self._asked is None or self._over == MAIL:
            return []
        if now.mono >= self._until:
            self._asked = None
            return [*self._missed(), Refresh()]
        if now.mono < self._again_at:
            return []
        count = self._cut[0] if self._cut else 0
        missing = tuple(i for i in range(count) if i not in self._parts)
        return self._ask(OrderList(since=self.since, parts=missing[:MOST_PARTS]), now)

    def _missed(self) -> list[Effect]:
        """The first list did not come in its time; later ones may be late without a word."""
        if self.complete:
            return []
        self.notice = "notice.some-orders" if self._parts else "notice.no-orders"
        return [Tell(self.notice, key=KEY)]

    def _begin_over(self, link: str) -> None:
        """The question is a new one."""
        self._asked, self._over = self._new_id(), link
        self._cut, self._parts = None, set()

    def _ask_by_mail(self, now: Instant) -> list[Effect]:
        """Ask if it is time; under the same id as long as no answer is whole."""
        if not self._seldom.due(now.mono):
            return [] if self._seldom.at is None else [WakeAt(self._seldom.at)]
        if self._asked is None:
            self._begin_over(MAIL)
        ask = OrderList(since=self.since)
        post = Post(self._asked or "", THE_HUB, (HUB,), "order.list", ask, want=WANT_NOTHING, over=MAIL)
        return [post, WakeAt(self._seldom.at or now.mono)]

    def _ask(self, ask: OrderList, now: Instant) -> list[Effect]:
        """Ask under the same id again, so that the hub knows which list is meant."""
        self._again_at = now.mono + PARTS_AGAIN_S
        id_, life_ms = self._asked or "", LIST_LIFE_MS
        post = Post(id_, THE_HUB, (HUB,), "order.list", ask, want=WANT_NOTHING, life_ms=life_ms)
        return [post, WakeAt(self._again_at)]


def still_coming() -> TryLater:
    """What is said to whoever wants to change or page for what may not be as it is shown."""
    return TryLater("The list is still coming", "Until it is complete only new orders can be made", code="syncing")
