"""Draws one row of the lists of orders and items."""

from __future__ import annotations

from agent.ui.window.clock import now_ms
from agent.ui.window.model.ladder import by_order
from agent.ui.window.model.rows import flag_names, order_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.window.app import Window
    from agent.ui.window.model.ladder import Word
    from agent.ui.window.model.rows import OrderRow
    from agent.ui.window.model.shapes import Kind, Order, State
    from agent.ui.window.pen import Box, Pen

HEIGHT = 46
ITEM_HEIGHT = 30
AGE = 106
"""Room for an age, on a usual screen."""


class OrderDrawing:
    """Draws rows of one kind; what belongs to an order is looked up once for each state."""

    def __init__(self, window: Window, kind: Kind) -> None:
        self._window = window
        self._kind = kind
        self._state: State | None = None
        self._orders: dict[str, Order] = {}
        self._paged: dict[str, Word] = {}

    def _look_up(self) -> None:
        model = self._window.model
        if model.state is self._state:
            return
        if self._state is None or model.orders is not self._state.get("orders"):
            self._orders = {order["id"]: order for order in model.orders}
        self._state = model.state
        self._paged = by_order(model.pages, self._window.texts)

    def draw(self, pen: Pen, key: str, box: Box, selected: bool) -> None:  # noqa: FBT001 - the board's form
        """Draw the row; a masked subtitle is whole in the selected one."""
        self._look_up()
        if key not in self._orders:
            return
        row = order_row(self._orders[key], self._window.model.labels, self._window.texts, now_ms(), revealed=selected)
        right = self._right(pen, row, box)
        right = self._flags(pen, row, box, right)
        right = self._words(pen, row, self._paged.get(key), box, right)
        self._titles(pen, row, box, right)

    def _right(self, pen: Pen, row: OrderRow, box: Box) -> int:
        """The age, and who made it; returns where the free room ends."""
        theme, middle = self._window.theme, box.y + box.height // 2
        c, edge, room = theme.colours, box.right - theme.px(14), theme.px(AGE)
        line = theme.px(9) if row.age and self._kind == "order" else 0
        if line:
            pen.text(edge, middle - line, row.age, room, colour=c.muted if row.done else c.text, right=True)
        pen.text(edge, middle + line, row.by, room, font=theme.small, colour=c.muted, right=True)
        return edge - room - theme.px(6)

    def _flags(self, pen: Pen, row: OrderRow, box: Box, right: int) -> int:
        """Flags have columns of their own, so that the eye finds them."""
        theme, middle = self._window.theme, box.y + box.height // 2
        names = flag_names(self._window.model.labels, self._kind)
        for name, is_set in reversed(list(zip(names, row.flags, strict=True))):
            if name:
                right -= pen.chip_width(f"✓ {name}") + theme.px(8)
                if is_set:
                    pen.chip(right, middle, f"✓ {name}", colour=theme.colours.muted if row.done else "")
        return right

    def _words(self, pen: Pen, row: OrderRow, paged: Word | None, box: Box, right: int) -> int:
        """What is unusual: done, not yet shared, and how far the newest page about it came."""
        theme, texts, middle = self._window.theme, self._window.texts, box.y + box.height // 2
        c = theme.colours
        chips = [
            (texts("orders.is-done") if row.done else "", c.good),
            (texts("orders.pending") if row.pending else "", c.warn),
            (
                paged.text if paged and not row.done else "",
                {"good": c.good, "bad": c.bad}.get(paged.tone if paged else "", c.accent),
            ),
        ]
        for text, colour in chips:
            if text:
                right -= pen.chip_width(text) + theme.px(8)
                pen.chip(right, middle, text, colour=colour, fill=pen.back, edge=colour)
        return right - theme.px(8)

    def _titles(self, pen: Pen, row: OrderRow, box: Box, right: int) -> None:
        theme, middle = self._window.theme, box.y + box.height // 2
        c, left = theme.colours, box.x + theme.px(14)
        room = max(theme.px(60), right - left)
        font, colour = (theme.gone, c.muted) if row.done else (theme.strong, c.text)
        line = theme.px(9) if row.subtitle else 0
        pen.text(left, middle - line, row.title, room, font=font, colour=colour)
        pen.text(left, middle + line, row.subtitle, room, font=theme.small, colour=c.muted)
