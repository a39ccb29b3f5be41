"""The list of orders: who is in it, in which order, and what each row says."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.ui.texts import Texts
    from agent.ui.window.model.shapes import Kind, Labels, Order

MASKED = 4
"""Characters of a masked subtitle that stay readable."""
DAY_S = 24 * 60 * 60


class OrderRow:
    """What one row shows. `flags` are the names of those that are set, "" for one that is not."""

    def __init__(
        self, title: str, subtitle: str, flags: tuple[str, str], age: str, by: str, *, pending: bool, done: bool
    ) -> None:
        self.title, self.subtitle, self.flags = title, subtitle, flags
        self.age, self.by = age, by
        self.pending, self.done = pending, done


def listed(orders: Iterable[Order], kind: Kind, words: str = "") -> list[Order]:
    """The orders of `kind` that hold all `words`: open ones first, the oldest on top."""
    wanted = words.casefold().split()
    found = [order for order in orders if order.get("kind", "order") == kind and _holds(order, wanted)]
    found.sort(key=lambda order: (order.get("done", False), order.get("created_ms", 0), order["id"]))
    return found


def _holds(order: Order, wanted: list[str]) -> bool:
    if not wanted:
        return True
    text = f"{order.get('title', '')}\n{order.get('subtitle', '')}\n{order.get('by', '')}".casefold()
    return all(word in text for word in wanted)


def order_row(order: Order, labels: Labels, texts: Texts, now_ms: int, *, revealed: bool) -> OrderRow:
    """What the row of `order` says at `now_ms`; a masked subtitle is shown whole when `revealed`."""
    subtitle = order.get("subtitle", "")
    if labels.get("mask", True) and not revealed and order.get("kind") != "item":
        subtitle = masked(subtitle)
    flags = flag_names(labels, order.get("kind", "order"))
    return OrderRow(
        title=order.get("title", ""),
        subtitle=subtitle,
        flags=(flags[0] if order.get("flag_a") else "", flags[1] if order.get("flag_b") else ""),
        age=age(order.get("created_ms", now_ms), now_ms, texts) if labels.get("timer", True) else "",
        by=order.get("by", ""),
        pending=order.get("pending", False),
        done=order.get("done", False),
    )


def flag_names(labels: Labels, kind: Kind) -> tuple[str, str]:
    """The names of the two flags of this kind; "" for a flag that is not used."""
    if kind == "item":
        return labels.get("item_flag_a", ""), labels.get("item_flag_b", "")
    return labels.get("flag_a", ""), labels.get("flag_b", "")


def kind_name(labels: Labels, kind: Kind) -> str:
    """What this site calls an order or an item."""
    return labels.get("item_name") or "86" if kind == "item" else labels.get("order_name") or "Order"


def masked(text: str) -> str:
    """`text` with all but its last four characters hidden; how long it is stays hidden too."""
    hidden = text[:-MASKED].strip()
    return f"••• {text[-MASKED:].strip()}" if hidden else text


def age(created_ms: int, now_ms: int, texts: Texts) -> str:
    """The time since `created_ms` as HH:MM:SS, from one day on only that it is more."""
    seconds = max(0, now_ms - created_ms) // 1000
    if seconds >= DAY_S:
        return texts("orders.over")
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def open_count(orders: Iterable[Order]) -> int:
    """How many orders still need work."""
    return sum(1 for order in orders if order.get("kind", "order") == "order" and not order.get("done"))


def pending_count(orders: Iterable[Order]) -> int:
    """How many orders and items have a change the hub has not seen."""
    return sum(1 for order in orders if order.get("pending"))
