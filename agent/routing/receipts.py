"""Receipts waiting to go back, many in one message, so that a burst costs one signature and not a thousand."""

from agent.domain.envelope import PART_BYTES
from agent.domain.messages import Receipt, ReceiptItem
from agent.domain.text import clean

STAGES = ("stored", "presented", "seen", "refused")
MOST = 64
MOST_WHY = 120
ROOM = PART_BYTES - 2048
"""What an envelope leaves for the items of one receipt, bytes."""
ITEM_BYTES = 96
"""What an item takes beside its reason, at most."""


class Receipts:
    """The newest stage of each message by its sender; emptied by `take`."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, ReceiptItem]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, sender: str, id_: str, stage: str, why: str, at: int) -> None:
        """Note a stage; a higher one replaces a lower one that has not left yet."""
        items = self._waiting.setdefault(sender, {})
        before = items.get(id_)
        if before is None or STAGES.index(stage) >= STAGES.index(before.stage):
            items[id_] = ReceiptItem(id_, stage, clean(why)[:MOST_WHY], at)  # type: ignore[arg-type]  # the core names stages

    def take(self) -> list[tuple[str, Receipt]]:
        """Return all waiting receipts as (recipient, parameters) and forget them."""
        waiting, self._waiting = self._waiting, {}
        return [(sender, receipt) for sender, items in waiting.items() for receipt in _cut(list(items.values()))]


def _cut(items: list[ReceiptItem]) -> list[Receipt]:
    """Fill receipts one after the other; a reason may be in letters of four bytes, or of two behind an escape."""
    receipts, part, size = [], list[ReceiptItem](), 0
    for item in items:
        bytes_ = ITEM_BYTES + 2 * len(item.why.encode())
        if part and (size + bytes_ > ROOM or len(part) == MOST):
            receipts.append(Receipt(items=tuple(part)))
            part, size = [], 0
        part.append(item)
        size += bytes_
    return [*receipts, Receipt(items=tuple(part))]
