"""The Tk window, a short-lived child process that speaks to the agent over the control socket."""

import gc
import sys

TABS = ("orders", "new-order", "pages", "status", "settings")
"""What the window can be asked to show."""
UNAVAILABLE = 69
"""The exit code where there is no screen, or no Tk."""
FIRST_STATE_S = 0.4
"""How long the window waits for the agent before it opens without data."""


def run(control: str, show: str = "orders") -> int:
    """Open the window on the agent at `control` and stay until it is closed; returns the exit code."""
    gc.disable()  # nothing is thrown away before the window stands
    from agent.ui.window.line import AgentLine

    line = AgentLine(control)
    line.connect()  # the agent collects its state while Tk is being loaded

    if sys.platform == "win32":
        _be_sharp()
    try:
        import tkinter as tk
    except ImportError:
        sys.stderr.write("The window cannot be opened: Python was installed without Tk (python3-tk)\n")
        return UNAVAILABLE
    try:
        root = tk.Tk(className="NoMoreRunning")
    except tk.TclError as error:
        sys.stderr.write(f"The window cannot be opened: {error}\n")
        return UNAVAILABLE
    root.withdraw()
    from agent.ui.window.app import Window

    Window(root, line).start(show, line.first(FIRST_STATE_S))
    root.after_idle(gc.enable)
    root.mainloop()
    line.close()
    return 0


def _be_sharp() -> None:
    """Tell Windows, before the first window, that we draw in real pixels."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shcore.SetProcessDpiAwareness(1)
