"""The tab with the live list of orders and the items below it."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from agent.ui.window.board import Board
from agent.ui.window.model import rows
from agent.ui.window.order_deeds import OrderDeeds
from agent.ui.window.order_row import HEIGHT, ITEM_HEIGHT, OrderDrawing
from agent.ui.window.press import button, on
from agent.ui.window.tab import Tab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.window.app import Window
    from agent.ui.window.model.model import Deed
    from agent.ui.window.model.shapes import Kind, Order

ITEMS_IN_VIEW = 4


class Orders(Tab):
    """Orders and items; the buttons work on the row that was selected last, in either list."""

    def __init__(self, parent: tk.Misc, window: Window) -> None:
        super().__init__(parent, window, window.texts("window.orders"))
        self._deeds = OrderDeeds(window, self._selected, self._made, self._trouble)
        self._new_id: str | None = None
        self._complaint = ""
        self._listed: tuple[list[Order], str] | None = None
        self._buttons: list[tuple[ttk.Button, Deed, bool]] = []
        self._count = ttk.Label(self.head, style="Muted.TLabel")
        self._count.pack(side="left", padx=self.theme.px(10), pady=(self.theme.px(5), 0))
        self._words = tk.StringVar(self)
        self._search = self._search_field()
        self._toolbar()
        self._reason = ttk.Label(self, style="Warn.TLabel")
        self._board = self._current = self._list("order")
        self._board.pack(fill="both", expand=True)
        self._item_count = self._items_head()
        self._items = self._list("item")
        keys = ttk.Label(self, text=self.texts("orders.keys"), style="Muted.TLabel")
        keys.pack(side="bottom", anchor="w", pady=(self.theme.px(8), 0))
        self._timer = ""
        on(self, "Map", self._tick)
        on(self, "Unmap", self._stop_ticking)

    # ---- building ----
    def _search_field(self) -> ttk.Entry:
        field = ttk.Entry(self.head, textvariable=self._words, width=22)
        field.pack(side="right")
        label = ttk.Label(self.head, text=self.texts("orders.search"), style="Muted.TLabel")
        label.pack(side="right", padx=self.theme.px(8))
        self._words.trace_add("write", lambda *_: self._show_orders())
        on(field, "Escape", self._clear_search)
        on(field, "Return", self._into_list)
        on(field, "Down", self._into_list)
        return field

    def _toolbar(self) -> None:
        bar = ttk.Frame(self)
        bar.pack(fill="x", pady=(0, self.theme.px(10)))
        texts, deeds = self.texts, self._deeds
        new = texts("orders.new", kind=rows.kind_name(self.window.model.labels, "order"))
        self._add(button(bar, new, lambda: self.do("new-order"), "Primary.TButton"), "create", of_row=False)
        self._add(button(bar, texts("orders.page"), deeds.page), "page", of_row=True)
        for key, do in (("edit", deeds.edit), ("done", deeds.done), ("delete", deeds.delete)):
            self._add(button(bar, texts(f"orders.{key}"), do), "edit", of_row=True)

    def _add(self, made: ttk.Button, deed: Deed, *, of_row: bool) -> None:
        made.pack(side="left", padx=(0, self.theme.px(8)))
        self._buttons.append((made, deed, of_row))

    def _list(self, kind: Kind) -> Board:
        board = Board(self, self.theme, OrderDrawing(self.window, kind).draw)
        board.on_select = lambda: self._took(board)
        board.on_open = self._deeds.page
        on(board.canvas, "FocusIn", self._took, board)
        for key, do in (("F2", self._deeds.edit), ("Delete", self._deeds.delete), ("Control-d", self._deeds.done)):
            on(board.canvas, key, do)
        return board

    def _items_head(self) -> ttk.Label:
        px, name = self.theme.px, rows.kind_name(self.window.model.labels, "item")
        head = ttk.Frame(self)
        head.pack(fill="x", pady=(px(12), px(6)))
        ttk.Label(head, text=name, style="Strong.TLabel").pack(side="left")
        count = ttk.Label(head, style="Muted.TLabel")
        count.pack(side="left", padx=px(8))
        new = button(head, self.texts("orders.new", kind=name), lambda: self._deeds.new("item"))
        self._add(new, "create", of_row=False)
        new.pack_configure(side="right", padx=0)
        return count

    # ---- showing ----
    def refresh(self) -> None:
        """Show the model as it is now."""
        super().refresh()
        self._show_orders()
        self._show_items()
        self._set_buttons()
        for board in (self._board, self._items):
            if self._new_id is not None and self._new_id in board.listed:
                self._current = board
                board.select(self._new_id)
                self._new_id = None

    def _show_orders(self) -> None:
        orders, texts, words = self.window.model.orders, self.texts, self._words.get().strip()
        if self._listed is not None and self._listed[0] is orders and self._listed[1] == words:
            self._board.repaint()
            return
        self._listed = orders, words
        if words:
            self._board.empty = texts("orders.none-found", words=words), texts("orders.none-found-more")
        else:
            self._board.empty = texts("orders.none"), texts("orders.none-more")
        shown = rows.listed(orders, "order", words)
        self._board.show([order["id"] for order in shown], self.theme.px(HEIGHT))
        counts = [texts.number("orders.count", rows.open_count(orders))]
        if pending := rows.pending_count(orders):
            counts.append(texts.number("orders.unshared", pending))
        self._count.configure(text="   ·   ".join(counts))

    def _show_items(self) -> None:
        """The list of items takes no more room than it needs."""
        items, height = rows.listed(self.window.model.orders, "item"), self.theme.px(ITEM_HEIGHT)
        self._items.show([item["id"] for item in items], height)
        self._item_count.configure(text="" if items else self.texts("orders.no-items"))
        if items:
            self._items.canvas.configure(height=min(len(items), ITEMS_IN_VIEW) * height)
            self._items.pack(fill="x")
        else:
            self._items.pack_forget()

    def _set_buttons(self) -> None:
        model, selected = self.window.model, self._selected() is not None
        reasons = {deed: model.why_not(deed, self.texts) for _, deed, _ in self._buttons}
        for made, deed, of_row in self._buttons:
            made.state(["disabled" if reasons[deed] or (of_row and not selected) else "!disabled"])
        # while the agent is gone or fetches orders, the line above all says so
        told = not model.agent or model.syncing
        self._say(self._complaint or ("" if told else next(filter(None, reasons.values()), "")))

    def _trouble(self, text: str) -> None:
        """Say why the agent did not do something, until another order is selected."""
        self._complaint = text
        self._set_buttons()

    def _say(self, text: str) -> None:
        self._reason.configure(text=text)
        if text:
            self._reason.pack(anchor="w", pady=(0, self.theme.px(8)), before=self._board)
        else:
            self._reason.pack_forget()

    def _tick(self) -> None:
        """Repaint the ages now and then, as long as somebody can see them."""
        self._stop_ticking()
        if self.window.model.timer_s and self.winfo_viewable():
            self._board.repaint()
            self._timer = self.after(self.window.model.timer_s * 1000, self._tick)

    def _stop_ticking(self) -> None:
        if self._timer:
            self.after_cancel(self._timer)
            self._timer = ""

    # ---- moving about ----
    def focus_first(self) -> None:
        """The keyboard goes to the list; nothing is selected, for that would unmask it."""
        self._board.canvas.focus_set()

    def _into_list(self) -> str:
        self._board.canvas.focus_set()
        if self._board.listed:
            self._board.select(self._board.listed[0])
        return "break"

    def _clear_search(self) -> None:
        self._words.set("")
        self._board.canvas.focus_set()

    def _took(self, board: Board) -> None:
        """The buttons follow the list that was used last."""
        self._current = board
        self._trouble("")

    def _selected(self) -> Order | None:
        return self.window.model.order(self._current.selected)

    def _made(self, order_id: str) -> None:
        """A new order is selected as soon as the agent shows it."""
        self._new_id = order_id
        self._clear_search()
        self.refresh()

    def do(self, what: str) -> None:
        """React to a key: `new-order`, `page` or `search`."""
        deeds: dict[str, Callable[[], None]] = {
            "new-order": lambda: self._deeds.new("order"),
            "page": self._deeds.page,
            "search": self._into_search,
        }
        deeds[what]()

    def _into_search(self) -> None:
        self._search.focus_set()
        self._search.selection_range(0, "end")
