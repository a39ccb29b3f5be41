"""A real site for programs that hand tasks out: a lead's computer, and one worker that runs a program and asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.errors import NmrError

LEAD, WORKER = "customer", "bench"
SILENT = {**NO_KEYRING, "NMR_TRAY": "silent", "NMR_SOUND": "silent", "NMR_NOTIFY": "silent"}
PROGRAM = """
import json, os, sys, time
data = json.load(sys.stdin)
print(json.dumps({"progress": 0.5, "text": "half"}), flush=True)
while os.path.exists(data.get("hold", "")):
    time.sleep(0.02)
if "ran" in data:
    with open(data["ran"], "a") as file:
        file.write("once more\\n")
if "fail" in data:
    sys.exit(data["fail"])
print(json.dumps({"result": {"echo": data.get("say")}}))
"""


def worker_config(program: Path) -> str:
    command = f'command = ["{{python}}", "{program}"]'
    label = f'command = ["{{python}}", "-m", "agent.examples.print_label", "{program.parent}"]'
    return (
        "[worker]\nenabled = true\nat_once = 4\n"
        f'[[task]]\ntype = "echo"\n{command}\nat_once = 4\n[[task]]\ntype = "print-label"\n{label}\n'
        f'[[task]]\ntype = "careful"\n{command}\nonce = true\n'
    )


@contextmanager
def task_site(folder: Path) -> Iterator[Site]:
    """The site, as long as the context is open; `customer` knows that `bench` is available."""
    program = folder / "echo.py"
    program.write_text(PROGRAM)
    running = Site(folder)
    try:
        running.start_hub()
        running.enrol(LEAD, "carla", "lead")
        running.start_station(LEAD, SILENT)
        running.profile(WORKER).create()
        running.profile(WORKER).config_file.write_text(worker_config(program))
        running.enrol(WORKER, "willa", "worker", "kitchen")
        running.start_station(WORKER, SILENT)
        with running.talk(LEAD) as line:
            list(line.follow("task.send", type="echo", data={}, wait=True))
        yield running
    finally:
        running.stop()


@contextmanager
def held(folder: Path) -> Iterator[str]:
    """A file that programs wait for to be gone."""
    file = folder / "hold"
    file.touch()
    try:
        yield str(file)
    finally:
        file.unlink(missing_ok=True)


def let_go(hold: str) -> None:
    """End the program that waits."""
    Path(hold).unlink(missing_ok=True)


def shown(site: Site, task: str) -> dict[str, Any]:
    """A task as the agent has it."""
    with site.talk(LEAD) as line:
        found: dict[str, Any] = line.request("task.show", task=task)
        return found


def running(site: Site, task: str) -> dict[str, Any]:
    """The same when a worker has taken it."""
    until(lambda: shown(site, task)["state"] in ("accepted", "running"), "a worker that takes it", within=60)
    return shown(site, task)


def all_tasks(site: Site) -> list[dict[str, Any]]:
    with site.talk(LEAD) as line:
        found: list[dict[str, Any]] = line.request("task.list")
        return found


def take_back(site: Site) -> None:
    """End whatever a test left open, so that the next one finds a worker with room."""
    with site.talk(LEAD) as line:
        for task in line.request("task.list"):
            if not task["ended"]:
                try:
                    line.request("task.cancel", task=task["id"])
                except NmrError:  # it has ended meanwhile
                    continue


def decoded(said: str) -> Any:
    """What a command said, as JSON."""
    return json.loads(said)
