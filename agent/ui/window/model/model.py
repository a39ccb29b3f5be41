"""The window's knowledge: the agent's last state, whether the agent is there, and what is possible now."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from agent.ui.texts import Texts
    from agent.ui.window.model.shapes import Labels, Member, Order, Page, Question, Setting, State, Status

    Deed = Literal["page", "edit", "create"]

TIMER_S = 5


class Model:
    """Everything the window shows. `agent` is False before the first state and when the agent is gone."""

    def __init__(self, state: State, *, agent: bool = False) -> None:
        self.state, self.agent = state, agent

    @property
    def status(self) -> Status:
        """How the station is."""
        return self.state.get("status") or {}

    @property
    def orders(self) -> list[Order]:
        """All orders and items."""
        return self.state.get("orders") or []

    @property
    def pages(self) -> list[Page]:
        """All pages the agent remembers."""
        return self.state.get("pages") or []

    @property
    def questions(self) -> list[Question]:
        """The tasks that ask the person here."""
        return self.state.get("questions") or []

    @property
    def members(self) -> list[Member]:
        """All stations of the site."""
        return self.state.get("members") or []

    @property
    def labels(self) -> Labels:
        """Language, theme and names."""
        return self.state.get("texts") or {}

    @property
    def settings(self) -> list[Setting]:
        """What staff may choose here."""
        return self.state.get("settings") or []

    @property
    def timer_s(self) -> int:
        """Seconds between two repaints of the ages; 0 when ages are not shown."""
        return max(1, self.labels.get("timer_s", TIMER_S)) if self.labels.get("timer", True) else 0

    @property
    def unanswered(self) -> int:
        """How many pages and questions wait for an answer from here."""
        return self.status.get("unanswered", 0) + len(self.questions)

    @property
    def everybody(self) -> bool:
        """Whether all stations may be paged at once."""
        return self.status.get("can", {}).get("everybody", True)

    @property
    def syncing(self) -> bool:
        """Whether the order list is being fetched: new orders may be made, nothing else (N-44)."""
        can = self.status.get("can", {})
        return self.agent and can.get("create", True) and not can.get("edit", True)

    def order(self, order_id: str | None) -> Order | None:
        """The order with this id, if it still exists."""
        return next((order for order in self.orders if order["id"] == order_id), None)

    def page(self, page_id: str | None) -> Page | None:
        """The page with this id, if the agent still remembers it."""
        return next((page for page in self.pages if page["id"] == page_id), None)

    def why_not(self, deed: Deed, texts: Texts) -> str:
        """Why `deed` is not possible now, or "" when it is."""
        if not self.agent:
            return texts("window.no-agent")
        can = self.status.get("can", {})
        if can.get(deed, True):
            return ""
        if why := can.get("why"):
            return why
        return texts("notice.requesting-orders") if self.syncing else texts("window.not-now")


def told(model: Model, event: dict[str, Any]) -> Model:
    """The model after a state from the agent.

    A part that is missing or says nothing new stays the same object, so that a long list is sorted and drawn again
    only when something in it changed.
    """
    news = {name: part for name, part in event["state"].items() if model.state.get(name) != part}
    state: State = {**model.state, **news}
    return Model(state, agent=True)


def gone(model: Model) -> Model:
    """The model after the agent went away; what was known stays readable."""
    return Model(model.state)


def language(labels: Labels) -> Literal["en", "de"]:
    """The language to speak; English for one we do not have."""
    return "de" if labels.get("language") == "de" else "en"


def is_dark(labels: Labels, usual: Callable[[], bool]) -> bool:
    """Whether the theme is one of the dark ones people may have configured; `auto` is what is `usual` here."""
    theme = labels.get("theme", "")
    return usual() if theme == "auto" else theme.startswith("dark") or theme in ("super_dark", "h4x0r")
