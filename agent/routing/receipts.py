"""Receipts waiting to go back, many in one message, so that a burst costs one signature and not a thousand."""

from agent.domain.messages import Receipt, ReceiptItem

STAGES = ("stored", "presented", "seen", "refused")
MOST = 64


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
            items[id_] = ReceiptItem(id_, stage, why[:120], at)  # type: ignore[arg-type]  # the core names stages

    def take(self) -> list[tuple[str, Receipt]]:
        """Return all waiting receipts as (recipient, parameters) and forget them."""
        waiting, self._waiting = self._waiting, {}
        return [
            (sender, Receipt(items=tuple(list(items.values())[start : start + MOST])))
            for sender, items in waiting.items()
            for start in range(0, len(items), MOST)
        ]
