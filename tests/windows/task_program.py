"""The programs of tasks on Windows: limits and leftovers, tried by Python for Windows; one line for each promise."""

import asyncio
import ctypes
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from agent.system.task_outcome import Done, Failed, Outcome
from agent.system.task_run import run
from agent.system.task_types import Allowed, missing

assert sys.platform == "win32"

TELL = "import json, os, sys; print(json.dumps({'result': %s}))"
SLEEP = "import time; time.sleep(60)"
NOTE = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid()))\n"
DEAF = f"{NOTE}import signal, time\nsignal.signal(signal.SIGBREAK, lambda *_: None)\nwhile True: time.sleep(0.1)"
CHILD = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, '-I', '-S', '-c', {NOTE + SLEEP!r}, sys.argv[1]], creationflags=0x8)
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)
print('{{"result": 1}}')
"""


def promise(name: str, kept: object, found: object = "") -> None:
    """Tell whether it is kept."""
    sys.stdout.write(f"{'kept' if kept else 'BROKEN'} {name} {'' if kept else found!r}\n")
    sys.stdout.flush()


def done(code: str, *words: str, data: object = None, stop_after: Path | None = None, **limits: Any) -> Outcome:
    """Run a program; it is asked to end when the file `stop_after` is there."""
    task = Allowed("test", (sys.executable, "-I", "-S", "-c", code, *words), **{"seconds": 30.0, **limits})

    async def whole() -> Outcome:
        stop = asyncio.Event()
        running = asyncio.create_task(run(task, json.dumps(data).encode(), stop=stop))
        while stop_after is not None and not stop_after.exists():
            await asyncio.sleep(0.05)
        if stop_after is not None:
            await asyncio.sleep(0.5)  # it notes its number before it hears
            stop.set()
        return await running

    return asyncio.run(whole())


def alive(file: Path) -> bool:
    """Whether the process runs that wrote its number into a file."""
    kernel = ctypes.WinDLL("kernel32")
    number, code = kernel.OpenProcess(0x1000, False, int(file.read_text())), ctypes.c_ulong()
    found = bool(number) and bool(kernel.GetExitCodeProcess(number, ctypes.byref(code))) and code.value == 259
    kernel.CloseHandle(number)
    return found


def is_failed(found: Outcome, code: str) -> bool:
    """Whether it failed so."""
    return isinstance(found, Failed) and found.code == code


def speaking() -> None:
    """Data in, result out, words, environment, folder."""
    data = {"a": ["ä", 1], "b": "x" * 100_000}
    found = done("import json, sys; print(json.dumps({'result': json.load(sys.stdin.buffer)}))", data=data)
    promise("data and result", found == Done(data), found)
    words = ["a b", "%PATH%", "& dir", '"', "^", "|", "ä", "\\"]
    found = done(TELL % "sys.argv[1:]", *words)
    promise("words stay words", found == Done(words), found)
    os.environ["NMR_CANARY"] = "sings"
    found = done(TELL % "[sorted(os.environ), os.getcwd(), os.listdir(), os.environ['TEMP']]")
    assert isinstance(found, Done), found
    names, folder, listed, temporary = found.result
    promise("clean environment", "NMR_CANARY" not in names and "APPDATA" in names, names)
    promise("empty folder", listed == [] and Path(folder) == Path(temporary))
    promise("folder is gone", not Path(folder).exists(), folder)
    promise("folder is in the account's own place", Path(folder).is_relative_to(tempfile.gettempdir()), folder)


def limits(folder: Path) -> None:
    """What is too long, too much, deaf or left behind."""
    file = folder / "timeout"
    began = time.monotonic()
    found = done(DEAF, str(file), seconds=4.0)
    promise("time", is_failed(found, "timeout") and time.monotonic() - began < 12 and not alive(file), found)
    found = done("while True: print('x' * 1000)", output_bytes=100_000)
    promise("output", is_failed(found, "output"), found)
    found = done("print('hello')")
    promise("no JSON", is_failed(found, "not-json"), found)
    found = done("import sys; sys.exit(7)")
    promise("exit code", found == Failed("exit", "it ended with 7"), found)
    file = folder / "child"
    found = done(CHILD, str(file))
    promise("child left behind", found == Done(1) and not alive(file), found)
    file, began = folder / "deaf", time.monotonic()
    found = done(DEAF, str(file), stop_after=file)
    print(time.monotonic()-began, alive(file))
    promise("stopped by force", is_failed(found, "cancelled") and time.monotonic() - began > 5 and not alive(file), found)
    promise("missing", missing(Allowed("x", ("no-such-program",))) and not missing(Allowed("x", ("cmd",))))


if __name__ == "__main__":
    speaking()
    with tempfile.TemporaryDirectory() as place:
        limits(Path(place))
