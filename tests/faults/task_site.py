"""A customer's computer and two workers as processes, which fall out at named steps; what they did is read back."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.names import HUB
from tests.faults.mail_site import MailSite
from tests.faults.task_agent import HURRIED_ACCEPT_S, HURRIED_LEASE_S
from tests.servers.mail import MailServers

MODULE = "tests.faults.task_agent"
CUSTOMER = "customer"
WORKERS = ("bench-1", "bench-2")
SILENT = {**NO_KEYRING, "NMR_TRAY": "silent", "NMR_SOUND": "silent", "NMR_NOTIFY": "silent"}
CANARY = "canary"
"""What stands in every name, type, text and result at the site behind mail, and nowhere else."""
HIDDEN = (f"{CANARY}-pc", f"{CANARY}-one", f"{CANARY}-two")
BOXES = {HUB: "box-0", **{name: f"box-{number}" for number, name in enumerate(HIDDEN, 1)}}
LONG_S = 120.0
PROGRAM = """
import json, os, sys, time
data = json.load(sys.stdin)
while os.path.exists(data.get("hold", "")):
    time.sleep(0.02)
print(json.dumps({"result": {"said": data.get("say", ""), "pid": os.getpid()}}))
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal, see task_agent."""

    at: float
    what: str
    task: str
    n: int
    who: str
    lent_s: float


class TaskScene:
    """`site` has the stations; agents run as task_agent.

    Without `hurry` tasks are lent as long as they really are. `link` leads to the customer, `weak` names rules that
    are taken out of all of them.
    """

    def __init__(
        self,
        site: Site,
        folder: Path,
        *,
        hurry: bool = True,
        weak: str = "",
        link: str = "mqtt",
        names: tuple[str, ...] = (CUSTOMER, *WORKERS),
        types: tuple[str, str] = ("echo", "once-only"),
    ) -> None:
        self.site, self._folder, self._hurry, self._weak, self._link = site, folder, hurry, weak, link
        self.customer, *self.workers = names
        self.type, self.once_type = types
        self._steps = folder / "steps"
        self._steps.mkdir()
        self._program = folder / "program.py"
        self._program.write_text(PROGRAM)

    @property
    def in_time_s(self) -> float:
        """So soon after a worker's death somebody else has its task: lease, acceptance, and some for the way."""
        return 5.0 + (HURRIED_LEASE_S + HURRIED_ACCEPT_S if self._hurry else 30.0 + 10.0)

    def worker_config(self) -> str:
        """A worker that runs the same program, one time for any task and one time for those that are done once."""
        once = f'[[task]]\ntype = "{self.once_type}"\ncommand = ["{{python}}", "{self._program}"]\nonce = true\n'
        return (
            f'[worker]\nenabled = true\nat_once = 2\n[[task]]\ntype = "{self.type}"\nat_once = 2\n'
            f'command = ["{{python}}", "{self._program}"]\n{once}'
        )

    def env(self, name: str) -> dict[str, str]:
        """What an agent finds around it."""
        return {
            **SILENT,
            "NMR_ME": name,
            "NMR_JOURNAL": str(self._journal(name)),
            "NMR_STEPS": str(self._steps),
            "NMR_LINK": self._link,
            "NMR_HURRY": "1" if self._hurry else "",
            "NMR_WEAK": self._weak,
        }

    @contextmanager
    def without(self, rule: str, *names: str) -> Iterator[None]:
        """Let these agents be weakened for a while."""
        before = self._weak
        try:
            self._restart(rule, names)
            yield
        finally:
            self._restart(before, names)

    def _restart(self, weak: str, names: Sequence[str]) -> None:
        self._weak = weak
        for name in names:
            self.site.kill(name)
        self.start(*names)

    def start(self, *names: str) -> None:
        """Start agents; returns when they are connected."""
        for name in names:
            self.site.start_station(name, self.env(name))

    def send(self, **more: Any) -> str:
        """Hand a task out; returns its id."""
        with self.site.talk(self.customer) as line:
            found: str = line.request("task.send", **{"type": self.type, "data": {}, "tries": 50, **more})["task"]
            return found

    def shown(self, task: str) -> dict[str, Any]:
        """The task as the customer sees it."""
        with self.site.talk(self.customer) as line:
            found: dict[str, Any] = line.request("task.show", task=task)
            return found

    def reached(self, task: str, *states: str) -> dict[str, Any]:
        """The task when it is in one of these states."""
        until(lambda: self.shown(task)["state"] in states, f"a task that is {states}", within=LONG_S)
        return self.shown(task)

    @contextmanager
    def held(self) -> Iterator[str]:
        """A file that programs wait for to be gone."""
        file = self._folder / "hold"
        file.touch()
        try:
            yield str(file)
        finally:
            file.unlink(missing_ok=True)

    def want(self, step: str, deed: str) -> None:
        """Let the next worker that comes to a step be killed or stopped there."""
        (self._steps / f"{step}.{deed}").touch()

    def fallen(self, step: str, deed: str) -> str:
        """The worker that fell out there."""

        def who() -> str:
            names = (path.name for path in self._steps.glob(f"{step}.{deed}.*"))
            return next(names, "").rpartition(".")[2]

        name = until(who, f"the step {step}", within=LONG_S)
        (self._steps / f"{step}.{deed}.{name}").unlink()
        if deed == "kill":
            self.site.kill(name)  # takes note of its end
        return name

    def wake(self, name: str) -> None:
        """Let one go on that was stopped."""
        os.kill(self.site.pid(name), signal.SIGCONT)

    def other(self, name: str) -> str:
        """The other worker."""
        return next(one for one in self.workers if one != name)

    def journal(self, name: str, what: str, task: str = "") -> list[Line]:
        """What an agent wrote down of this kind, about this task if one is named."""
        file = self._journal(name)
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
        lines = [Line(*json.loads(line)) for line in whole]
        return [line for line in lines if line.what == what and task in ("", line.task)]

    def runs(self, task: str) -> list[str]:
        """Who began it, once for each time."""
        return [name for name in self.workers for _ in self.journal(name, "run", task)]

    def stored(self, task: str) -> list[tuple[int, str]]:
        """Every result that was stored, as (n, worker)."""
        return [(line.n, line.who) for line in self.journal(self.customer, "stored", task)]

    def given(self, task: str, worker: str) -> Line:
        """The last assignment of the task to a worker."""
        return [line for line in self.journal(self.customer, "assigned", task) if line.who == worker][-1]

    def moved_on(self, task: str, worker: str) -> Line:
        """The assignment after that to a worker that fell out."""
        n = self.given(task, worker).n

        def found() -> list[Line]:
            return [line for line in self.journal(self.customer, "assigned", task) if line.n > n]

        return until(found, "the next worker", within=LONG_S)[0]

    def let_go(self, task: str, worker: str) -> None:
        """Return when the customer has taken the task away from a worker."""
        n = self.given(task, worker).n
        until(lambda: any(line.n >= n for line in self.journal(self.customer, "new", task)), "the lapse", within=LONG_S)

    def _journal(self, name: str) -> Path:
        return self._folder / f"{name}.journal"


@contextmanager
def fast_scene(folder: Path, *, hurry: bool = True, weak: str = "") -> Iterator[TaskScene]:
    """All three reach each other over the broker."""
    site = Site(folder, station_module=MODULE)
    scene = TaskScene(site, folder, hurry=hurry, weak=weak)
    try:
        site.start_hub()
        for name in (CUSTOMER, *WORKERS):
            site.profile(name).create()
            if name in WORKERS:
                site.profile(name).config_file.write_text(scene.worker_config())
            site.enrol(name, name, "lead" if name == CUSTOMER else "worker", env=scene.env(name))
            scene.start(name)
        yield scene
    finally:
        site.stop()


def mailboxes() -> dict[str, str]:
    """The mailboxes of the site behind mail, named so that nobody knows whose they are, with passwords."""
    return {box: f"password of {box}" for box in BOXES.values()}


@contextmanager
def mail_scene(folder: Path, servers: MailServers) -> Iterator[TaskScene]:
    """The customer reaches nothing but its mailbox, and everything that has a name is named as HIDDEN says."""
    site = MailSite(folder, servers, MODULE, BOXES)
    scene = TaskScene(site, folder, link="mail", names=HIDDEN, types=(f"{CANARY}-type", f"{CANARY}-once"))
    try:
        site.begin()
        for name in scene.workers:
            site.profile(name).create()
            site.profile(name).config_file.write_text(scene.worker_config())
            site.enrol(name, f"{name}-wanda", "worker", f"{CANARY}-role", env=scene.env(name))
            site.log_in(name)
            scene.start(name)
        site.enrol_by_mail(scene.customer, f"{CANARY}-carla", "lead")
        scene.start(scene.customer)
        yield scene
    finally:
        site.stop()
