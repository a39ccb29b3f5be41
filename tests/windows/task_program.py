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
DEAF = f"""{NOTE}
import signal, time
signal.signal(signal.SIGBREAK, lambda *_: None)
print('{{"progress": 0}}', flush=True)
while True:
    time.sleep(0.1)
"""
CHILD = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, '-I', '-S', '-c', {NOTE + SLEEP!r}, sys.argv[1]], creationflags=0x8)
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)
print('{{"result": 1}}')
"""


def said(value: object) -> Done:
    """The outcome of a program that wrote this value as Python writes it."""
    return Done(json.dumps(value).encode())


def promise(name: str, kept: object, found: object = "") -> None:
    """Tell whether it is kept."""
    sys.stdout.write(f"{'kept' if kept else 'BROKEN'} {name} {'' if kept else found!r}\n")
    sys.stdout.flush()


def done(code: str, *words: str, data: object = None, stop: bool = False, **limits: Any) -> Outcome:
    """Run a program; with `stop` it is asked to end as soon as it says how far it is."""
    task = Allowed("test", (sys.executable, "-I", "-S", "-c", code, *words), **{"seconds": 30.0, **limits})

    async def whole() -> Outcome:
        stopped = asyncio.Event()
        heard = (lambda _: stopped.set()) if stop else (lambda _: None)
        return await run(task, json.dumps(data).encode(), progress=heard, stop=stopped)

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
    promise("data and result", found == said(data), found)
    words = ["a b", "%PATH%", "& dir", '"', "^", "|", "ä", "\\"]
    found = done(TELL % "sys.argv[1:]", *words)
    promise("words stay words", found == said(words), found)
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
    promise("child left behind", found == said(1) and not alive(file), found)
    file, began = folder / "deaf", time.monotonic()
    found = done(DEAF, str(file), stop=True)
    promise(
        "stopped by force", is_failed(found, "cancelled") and time.monotonic() - began > 5 and not alive(file), found
    )
    promise("missing", missing(Allowed("x", ("no-such-program",))) and not missing(Allowed("x", ("cmd",))))


if __name__ == "__main__":
    speaking()
    with tempfile.TemporaryDirectory() as place:
        limits(Path(place))
