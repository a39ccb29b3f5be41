"""Our ttk theme: clam with round boxes, quiet borders and a focus ring on everything the keyboard can reach."""

from __future__ import annotations

from agent.ui.window import pictures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tkinter import ttk
    from typing import Any

    from agent.ui.window.theme import Theme


def apply(style: ttk.Style, theme: Theme) -> None:
    """Define all styles in the ttk theme that is in use."""
    c = theme.colours
    style.configure(
        ".",
        background=c.back,
        foreground=c.text,
        font=theme.text,
        bordercolor=c.edge,
        focuscolor=c.accent,
        selectbackground=c.accent,
        selectforeground=c.on_accent,
        insertcolor=c.text,
    )
    _labels(style, theme)
    for name, fill, over, text in (
        ("", c.raised, c.raised_over, c.text),
        ("Primary.", c.accent, c.accent_down, c.on_accent),
    ):
        _button(style, theme, name, fill, over, text)
    _field(style, theme)
    _sidebar(style, theme)
    _scrollbar(style, theme)


def _nested(*elements: str) -> Any:
    """A ttk layout in which each element fills the one before."""
    inside = {"children": _nested(*elements[1:])} if elements[1:] else {}
    return [(elements[0], {"sticky": "nsew", **inside})]


def _labels(style: ttk.Style, theme: Theme) -> None:
    c = theme.colours
    for name, back in (("", c.back), ("Side.", c.side), ("Card.", c.surface), ("Note.", c.warn_back)):
        style.configure(f"{name}TFrame", background=back)
        style.configure(f"{name}TLabel", background=back, foreground=c.text)
        style.configure(f"Muted.{name}TLabel", background=back, foreground=c.muted, font=theme.small)
        style.configure(f"Strong.{name}TLabel", background=back, foreground=c.text, font=theme.strong)
        style.configure(f"Head.{name}TLabel", background=back, foreground=c.text, font=theme.head)
        style.configure(f"Warn.{name}TLabel", background=back, foreground=c.warn)
        style.configure(f"Bad.{name}TLabel", background=back, foreground=c.bad, font=theme.small)
    style.configure("Alarm.TFrame", background=c.bad_back)
    style.configure("Alarm.TLabel", background=c.bad_back, foreground=c.text)
    style.configure("Strong.Alarm.TLabel", background=c.bad_back, foreground=c.text, font=theme.strong)
    for name, colour in (("Line", c.line), ("Bar", c.accent), ("Urgent", c.bad)):
        style.configure(f"{name}.TFrame", background=colour)


def _button(style: ttk.Style, theme: Theme, name: str, fill: str, over: str, text: str) -> None:
    c = theme.colours
    edge, ring = (fill, c.text) if name else (c.edge, c.accent)
    element = f"{name}box"
    style.element_create(
        element,
        "image",
        theme.box(c.back, fill, edge),
        ("disabled", theme.box(c.back, c.back, c.line)),
        ("focus", theme.later(c.back, fill, ring, 2)),
        ("active", theme.later(c.back, over, edge)),
        border=theme.px(6),
        sticky="nsew",
    )
    style.layout(f"{name}TButton", _nested(element, "Button.padding", "Button.label"))
    style.configure(f"{name}TButton", padding=(theme.px(12), theme.px(4)), foreground=text, anchor="center")
    style.map(f"{name}TButton", foreground=[("disabled", c.faint)])


def _field(style: ttk.Style, theme: Theme) -> None:
    c = theme.colours
    style.element_create(
        "field",
        "image",
        theme.box(c.back, c.surface, c.edge),
        ("disabled", theme.box(c.back, c.back, c.line)),
        ("invalid", theme.later(c.back, c.surface, c.bad, 2)),
        ("focus", theme.later(c.back, c.surface, c.accent, 2)),
        border=theme.px(6),
        sticky="nsew",
    )
    style.layout("TEntry", _nested("field", "Entry.padding", "Entry.textarea"))
    style.layout("Field.TFrame", _nested("field"))
    style.configure("TEntry", padding=(theme.px(8), theme.px(4)), foreground=c.text)


def apply_for_forms(style: ttk.Style, theme: Theme) -> None:
    """Define what only forms use; drawing it would make the window open later."""
    c = theme.colours
    _button(style, theme, "Danger.", c.bad, c.bad, c.on_bad)
    _ticks(style, theme)


def _ticks(style: ttk.Style, theme: Theme) -> None:
    c, size = theme.colours, theme.px(16)
    for kind, draw in (("Check", pictures.tick_box), ("Radio", pictures.choice)):
        off = theme.keep(f"{kind} off", draw(size, c.back, c.surface, c.muted, None))
        on = theme.keep(f"{kind} on", draw(size, c.back, c.accent, c.accent, c.on_accent))
        grey = theme.keep(f"{kind} grey", draw(size, c.back, c.back, c.edge, None))
        grey_on = theme.keep(f"{kind} grey on", draw(size, c.back, c.edge, c.edge, c.back))
        marks: Any = [off, ("disabled", "selected", grey_on), ("disabled", grey), ("selected", on)]
        style.element_create(f"{kind}.mark", "image", *marks, sticky="", width=size + theme.px(8))
        words = {"side": "left", "sticky": "", "children": _nested(f"{kind}button.label")}
        both: Any = [(f"{kind}.mark", {"side": "left", "sticky": ""}), (f"{kind}button.focus", words)]
        style.layout(f"T{kind}button", [(f"{kind}button.padding", {"sticky": "nsew", "children": both})])
        style.configure(f"T{kind}button", padding=theme.px(3), background=c.back)
        style.map(f"T{kind}button", background=[], foreground=[("disabled", c.faint)])


def _sidebar(style: ttk.Style, theme: Theme) -> None:
    c = theme.colours
    style.element_create(
        "nav",
        "image",
        theme.box(c.side, c.side, c.side),
        ("selected", "focus", theme.later(c.side, c.chosen, c.accent, 2)),
        ("focus", theme.later(c.side, c.side, c.accent, 2)),
        ("selected", theme.box(c.side, c.chosen, c.chosen)),
        ("active", theme.later(c.side, c.raised_over, c.raised_over)),
        border=theme.px(6),
        sticky="nsew",
    )
    style.layout("Nav.TRadiobutton", _nested("nav", "Radiobutton.padding", "Radiobutton.label"))
    style.configure("Nav.TRadiobutton", padding=(theme.px(12), theme.px(6)), background=c.side)
    style.map("Nav.TRadiobutton", font=[("selected", theme.strong)], foreground=[])


def _scrollbar(style: ttk.Style, theme: Theme) -> None:
    c, wide = theme.colours, theme.px(10)
    shape = (wide, 4 * wide), wide // 2 - 1, c.surface
    style.element_create(
        "thumb",
        "image",
        theme.keep("thumb", pictures.box(*shape, c.edge, c.surface, theme.px(2))),
        border=(0, wide // 2),
        sticky="nsew",
    )
    thumb: Any = [("thumb", {"expand": "1", "sticky": "nsew"})]
    style.layout("Vertical.TScrollbar", [("Vertical.Scrollbar.trough", {"sticky": "ns", "children": thumb})])
    flat = dict.fromkeys(("troughcolor", "bordercolor", "background", "lightcolor", "darkcolor"), c.surface)
    style.configure("Vertical.TScrollbar", relief="flat", borderwidth=0, **flat)
