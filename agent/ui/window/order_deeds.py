"""What one does with orders: new, page, edit, done, delete; each only when the agent can do it now."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.window.app import Window
    from agent.ui.window.model.model import Deed
    from agent.ui.window.model.shapes import Kind, Order, Reply


class OrderDeeds:
    """The deeds of one list of orders; `selected` says on which order they work now.

    `made` gets the id of a new order, `trouble` the reason why the agent did not do something, or "" when it did.
    """

    def __init__(
        self,
        window: Window,
        selected: Callable[[], Order | None],
        made: Callable[[str], None],
        trouble: Callable[[str], None],
    ) -> None:
        self._window = window
        self._selected = selected
        self._made = made
        self._trouble = trouble

    def new(self, kind: Kind) -> None:
        """Open the form for a new order or item."""
        if not self._window.model.why_not("create", self._window.texts):
            from agent.ui.window.order_form import OrderForm

            OrderForm(self._window, kind, made=self._made)

    def page(self) -> None:
        """Open the form that pages somebody about the order, or about nothing."""
        if not self._window.model.why_not("page", self._window.texts):
            from agent.ui.window.page_form import PageForm

            order = self._selected()
            PageForm(self._window, order if order and order.get("kind", "order") == "order" else None)

    def edit(self) -> None:
        """Open the form that changes the order."""
        if order := self._allowed("edit"):
            from agent.ui.window.order_form import OrderForm

            OrderForm(self._window, order.get("kind", "order"), order)

    def done(self) -> None:
        """Mark the order as done."""
        if order := self._allowed("edit"):
            self._window.ask("order.done", {"order": order["id"]}, self._replied)

    def delete(self) -> None:
        """Ask once, then delete the order."""
        order, texts = self._allowed("edit"), self._window.texts
        if order is None:
            return
        from agent.ui.window.question import Question

        given = {"order": order["id"]}
        Question(
            self._window,
            ask=texts("orders.delete-ask", title=order.get("title", "")),
            more=texts("orders.delete-more"),
            agree=texts("orders.delete"),
            agreed=lambda: self._window.ask("order.delete", given, self._replied),
        )

    def _allowed(self, deed: Deed) -> Order | None:
        return None if self._window.model.why_not(deed, self._window.texts) else self._selected()

    def _replied(self, reply: Reply) -> None:
        """When the agent did it the list changes by itself."""
        self._trouble("" if reply["ok"] else self._window.why(reply["error"]))
