"""Keys and buttons: what happens when one is pressed."""

from __future__ import annotations

from tkinter import ttk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable


def on(widget: tk.Misc, key: str, do: Callable[..., object], *given: object) -> None:
    """Call `do(*given)` on an event such as `F2`, `Control-d` or `Map` in the widget; "break" ends it there."""
    widget.bind(f"<{key}>", lambda _: do(*given), add=True)


def button(parent: tk.Misc, text: str, do: Callable[[], object], style: str = "TButton") -> ttk.Button:
    """A button that Enter presses as well as the space bar, and nothing behind it hears that."""
    made = ttk.Button(parent, text=text, command=do, style=style)

    def press() -> str:
        made.invoke()
        return "break"

    on(made, "Return", press)
    on(made, "KP_Enter", press)
    return made
