"""What the window costs: from the start of its process until it stands on the screen, and memory after that."""

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from Xlib import X
from Xlib.display import Display
from Xlib.error import XError

from tests.bench.report import Absent, Options, Report, rounds
from tests.servers.desktop import Desktop
from tests.ui.window import sample
from tests.ui.window.stand_in import StandIn

ROOT = Path(__file__).resolve().parents[2]
FEW, MANY = 200, 10_000
WAIT = 30.0
MIB = 1024 * 1024
BARE = """
import socket, sys, json, tkinter
from tkinter import ttk
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[2])
line.sendall(b'{"id": 1, "do": "watch"}\\n')
root = tkinter.Tk(className="NoMoreRunning")
rows = ttk.Treeview(root, show="headings", columns=("title", "by"), height=14)
rows.pack()
for order in json.loads(line.makefile("rb").readline())["state"]["orders"]:
    rows.insert("", "end", values=(order["title"], order["by"]))
root.mainloop()
"""
"""The least a Tk window with a list of orders can be, for comparison on this computer at this moment."""


class Screen:
    """A display that says when a window of ours is mapped."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        self._root = self._display.screen().root
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self._display.sync()

    def until_mapped(self) -> float:
        """The moment a window of the class NoMoreRunning, or the frame around one, is mapped."""
        end = time.perf_counter() + WAIT
        while (left := end - time.perf_counter()) > 0:
            if not self._display.pending_events():
                select.select([self._display], [], [], left)
            while self._display.pending_events():
                event = self._display.next_event()
                if event.type == X.MapNotify and self._ours(event.window):
                    return time.perf_counter()
        raise TimeoutError("the window did not come up")

    def _ours(self, window: "object") -> bool:
        try:
            windows = [window, *window.query_tree().children]  # type: ignore[attr-defined]
            names = [name.lower() for one in windows for name in one.get_wm_class() or ()]
        except XError:  # it is gone already
            return False
        return "nomorerunning" in names  # Tk writes it with capitals of its own

    def close(self) -> None:
        """Let go of the display."""
        self._display.close()


def run(options: Options) -> Report:
    """Open the window several times with a busy evening, and with ten thousand orders."""
    if missing := Desktop.missing():
        raise Absent(f"not installed: {', '.join(missing)}")
    report = Report("window")
    with tempfile.TemporaryDirectory() as folder, Desktop(panel=False, sound=False, notify=None) as desktop:
        # as installed: the byte code is there
        env = {name: value for name, value in desktop.env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": folder, "PYTHONPATH": str(ROOT)}
        memory: list[float] = []
        screen = Screen(desktop.env["DISPLAY"])
        bare = [sys.executable, "-c", BARE]
        real = [sys.executable, "-m", "agent.ui.window"]
        floor = report.figure("bare Tk window", rounds(options, lambda: opened(screen, env, bare, FEW, [])), "ms")
        taken = report.figure("window", rounds(options, lambda: opened(screen, env, real, FEW, memory)), "ms")
        many = report.figure("with 10,000 orders", rounds(options, lambda: opened(screen, env, real, MANY, [])), "ms")
        screen.close()
    used = report.figure("memory", memory, "MiB RSS")
    report.at_most("window", taken.median, 90, "ms")
    report.at_most("window against bare Tk", taken.median / floor.median, 1.3, "×")
    report.at_most("with 10,000 orders", many.median, 400, "ms")
    report.at_most("memory", used.median, 32, "MiB")
    return report


def opened(screen: Screen, env: dict[str, str], command: list[str], count: int, memory: list[float]) -> float:
    """Milliseconds from starting the process to its window being mapped."""
    evening = sample.evening(time.time_ns() // 1_000_000, count=count)
    with tempfile.TemporaryDirectory() as folder, StandIn(Path(folder), evening) as agent:
        began = time.perf_counter()
        given = [*command, "--control", agent.address]
        window = subprocess.Popen(given, env=env, cwd=os.sep, stdin=subprocess.DEVNULL)
        try:
            taken = screen.until_mapped() - began
            memory.append(psutil.Process(window.pid).memory_info().rss / MIB)
        finally:
            window.terminate()
            window.wait()
    return taken * 1000
