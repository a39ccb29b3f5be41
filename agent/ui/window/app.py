"""The window itself: the column on the left, one tab beside it, and what the agent says goes to both."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from agent.ui.texts import Texts
from agent.ui.texts.window import window_texts
from agent.ui.window.desktop import dark_desktop
from agent.ui.window.model.model import Model, gone, is_dark, language, told
from agent.ui.window.press import on
from agent.ui.window.sidebar import Sidebar
from agent.ui.window.theme import Theme

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agent.ui.texts import Language
    from agent.ui.window.line import AgentLine, Done
    from agent.ui.window.tab import Tab

RETRY_MS = 2000
FINISH_MS = 40
"""What nobody sees at once is drawn so long after the window was built."""
ICONS = (64, 32, 16)
SIZE = (980, 640)
SMALLEST = (760, 440)


class Window:
    """Everything on screen; it is built again when the agent names another language or theme."""

    theme: Theme
    texts: Texts

    def __init__(self, root: tk.Tk, line: AgentLine) -> None:
        self.root = root
        self.line = line
        self.model = Model({})
        self.shown = "orders"
        self.last_setting = ""
        self._built: tuple[str, bool] | None = None
        self._themes: dict[bool, Theme] = {}
        self._frame: ttk.Frame | None = None
        self._tabs: dict[str, Tab] = {}
        line.told, line.lost = self._told, self._lost
        self._bind()

    def start(self, show: str, events: list[dict[str, Any]]) -> None:
        """Come up with what the agent already said."""
        self.shown = "orders" if show == "new-order" else show
        for event in events:
            self._told(event)
        if self._frame is None:
            self._refresh()
        self._place()
        self.root.deiconify()
        if self.line.open:
            self.line.attach(self.root)
        else:
            self.root.after(RETRY_MS, self._retry)
        self._tabs[self.shown].focus_first()
        if show == "new-order":  # over the window, so it has to stand there first
            self.root.wait_visibility()
            self.root.update()
            self.show(show)

    def _place(self) -> None:
        """In the middle of the screen, a little higher, and never larger than it."""
        room = self.root.winfo_screenwidth() - self.theme.px(40), self.root.winfo_screenheight() - self.theme.px(80)
        width, height = (min(self.theme.px(size), most) for size, most in zip(SIZE, room, strict=True))
        left, top = (self.root.winfo_screenwidth() - width) // 2, (self.root.winfo_screenheight() - height) // 3
        self.root.geometry(f"{width}x{height}+{left}+{top}")
        self.root.minsize(min(width, self.theme.px(SMALLEST[0])), min(height, self.theme.px(SMALLEST[1])))

    def _bind(self) -> None:
        keys = {
            "n": "new-order",
            "Key-1": "orders",
            "Key-2": "pages",
            "Key-3": "status",
            "Key-4": "settings",
            "f": "search",
            "p": "page",
        }
        for key, what in keys.items():
            for variant in {key, key.upper() if len(key) == 1 else key}:
                on(self.root, f"Control-{variant}", self.show, what)
        on(self.root, "Control-w", self.root.destroy)
        self.root.bind("<Alt-Key>", lambda event: self._tabs[self.shown].letter(event.keysym.lower()))

    # ---- to the agent ----
    def ask(self, do: str, given: dict[str, Any], done: Done) -> None:
        """Ask the agent to do something; `done` gets its reply."""
        self.line.ask(do, given, done)

    def why(self, error: dict[str, Any]) -> str:
        """An error of the agent in words."""
        if self.texts.has(key := f"window.{error.get('code')}"):
            return self.texts(key)
        words = " ".join(filter(None, (error.get("title"), error.get("message"))))
        return words or self.texts("window.try-again")

    # ---- from the agent ----
    def _told(self, event: dict[str, Any]) -> None:
        if event["event"] == "state":
            self.model = told(self.model, event)
            self._refresh()
        elif event["event"] == "show":
            self.root.deiconify()
            front = self._form() or self.root
            front.lift()
            (front.focus_lastfor() or front).focus_force()
            self.show(str(event.get("window")))

    def _lost(self) -> None:
        self.model = gone(self.model)
        self._refresh()
        self.root.after(RETRY_MS, self._retry)

    def _retry(self) -> None:
        if self.line.connect():
            self.line.attach(self.root)
        else:
            self.root.after(RETRY_MS, self._retry)

    # ---- on screen ----
    def show(self, what: str) -> None:
        """Show a tab; `new-order` and `page` open their form, `search` goes to the search field.

        A form that is open stays in front, for what was typed there is not lost.
        """
        if self._form():
            return
        if what in ("orders", "pages", "status", "settings"):
            self._turn_to(what)
            return
        if what != "page":
            self._turn_to("orders")
        self._tabs[self.shown].do(what)

    def _form(self) -> tk.Toplevel | None:
        """The form that is open, if one is."""
        return next((form for form in self.root.winfo_children() if isinstance(form, tk.Toplevel)), None)

    def _turn_to(self, name: str) -> None:
        if name != self.shown:
            self._tabs[self.shown].pack_forget()
            self.shown = name
        self._refresh()
        self._tabs[name].focus_first()

    def _refresh(self) -> None:
        look = language(self.model.labels), is_dark(self.model.labels, dark_desktop)
        again = look != self._built
        if again:
            self._build(*look)
        if self.shown not in self._tabs:
            self._tabs[self.shown] = self._make(self.shown)
        tab = self._tabs[self.shown]
        tab.refresh()
        if not tab.winfo_manager():
            tab.pack(side="left", fill="both", expand=True)
        self._sidebar.refresh()
        if again and self.shown == "settings":  # whoever changed the look stays where they were
            self.root.after_idle(tab.focus_first)

    def _build(self, language_: Language, dark: bool) -> None:  # noqa: FBT001 - one of two looks
        self._built = language_, dark
        self.texts = window_texts(language_)
        if dark not in self._themes:
            self._themes[dark] = Theme(self.root, dark=dark)
            self.root.after(FINISH_MS, self._finish, self._themes[dark])
        self.theme = self._themes[dark]
        self.theme.use()
        self.root.title(self.texts("window.title"))
        self.root.configure(background=self.theme.colours.back)
        if self._frame is not None:
            self._frame.destroy()
        self._frame = ttk.Frame(self.root)
        self._frame.pack(fill="both", expand=True)
        self._tabs = {}
        self._sidebar = Sidebar(self._frame, self)
        self._sidebar.pack(side="left", fill="y")

    def _finish(self, theme: Theme) -> None:
        """Draw what could wait until the window stood."""
        theme.finish()
        from agent.system.assets import asset

        files = (asset(f"icons/no-more-running-{size}.png") for size in ICONS)
        self._icons = [tk.PhotoImage(master=self.root, file=str(file)) for file in files]
        self.root.iconphoto(True, *self._icons)

    def _make(self, name: str) -> Tab:
        """Only the tab that is looked at is loaded and built."""
        assert self._frame is not None
        if name == "pages":
            from agent.ui.window.pages import Pages

            return Pages(self._frame, self)
        if name == "status":
            from agent.ui.window.station import Station

            return Station(self._frame, self)
        if name == "settings":
            from agent.ui.window.settings import Settings

            return Settings(self._frame, self)
        from agent.ui.window.orders import Orders

        return Orders(self._frame, self)
