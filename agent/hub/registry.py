"""The site's orders: merged from every station, each under the count of its last change."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct, to_builtins

from agent.domain import order as orders
from agent.domain.effects import Effect, Keep, Note
from agent.domain.envelope import ORDER_BYTES
from agent.domain.order import Order
from agent.wire.strict_json import encode

FUTURE_MS = 120_000
"""A stamp further ahead than this is nobody's honest clock; stations refuse it too."""


@dataclass(frozen=True, slots=True)
class Filed:
    """An order and the count its last change got; `size` is what it takes in a list, bytes."""

    order: Order
    count: int
    size: int


class Gap(Struct, frozen=True, kw_only=True):
    """What was counted between these two, ms UTC, was forgotten: the hub was set back."""

    after: int
    until: int


class Registry:
    """All orders and tombstones, those changed last at the end; `gaps` see Gap."""

    def __init__(self, kept: Iterable[Filed], gaps: Iterable[Gap] = ()) -> None:
        self._gaps = tuple(gaps)
        self._filed = {filed.order.uuid: filed for filed in sorted(kept, key=lambda filed: filed.count)}
        counts = (filed.count for filed in self._filed.values())
        self.count = max((*counts, *(gap.until for gap in self._gaps)), default=0)

    def __len__(self) -> int:
        return len(self._filed)

    def get(self, uuid: str) -> Filed | None:
        """Return an order, dead or alive, as it is filed."""
        return self._filed.get(uuid)

    def alive(self) -> int:
        """Return how many orders people see."""
        return sum(filed.order.alive for filed in self._filed.values())

    def merge(self, theirs: Order, at: int, now_ms: int) -> list[Effect]:
        """Take a change in that was sent at `at`, ms; one that changes nothing has no effect."""
        newest, mine = theirs.newest(), self._filed.get(theirs.uuid)
        if newest is not None and newest[0] > max(at, now_ms) + FUTURE_MS:
            return [Note("order-refused", {"order": theirs.uuid, "why": "future"})]
        merged = orders.merge(mine.order if mine else None, theirs)
        if mine is not None and merged == mine.order:
            return []
        size = len(encode(to_builtins(merged.to_item()))) + len(",")
        if size > ORDER_BYTES:
            return [Note("order-refused", {"order": theirs.uuid, "why": "size"})]
        # Never below the clock: after a restore from a backup no station has seen the counts that come.
        self.count = max(self.count + 1, now_ms)
        filed = Filed(merged, self.count, size)
        self._filed.pop(merged.uuid, None)
        self._filed[merged.uuid] = filed
        return [Keep("order", merged.uuid, filed)]

    def changed_after(self, count: int) -> list[Filed]:
        """Return what changed after `count`, oldest change first; all of it for a count this hub never gave."""
        if count > self.count:
            count = 0
        changed = []
        for filed in reversed(self._filed.values()):
            if filed.count <= count:
                break
            changed.append(filed)
        return changed[::-1]

    def lost(self, since: int) -> int | None:
        """Return from which moment on a station that has not asked since a gap may know what we do not, ms UTC."""
        return min((gap.after for gap in self._gaps if since < gap.until), default=None)

    def forget_old(self, now_ms: int) -> list[Effect]:
        """Drop tombstones after a week."""
        old = orders.forget_old((filed.order for filed in self._filed.values()), now_ms)
        for uuid in old:
            del self._filed[uuid]
        return [Keep("order", uuid, None) for uuid in old]
