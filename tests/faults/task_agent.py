"""The agent, writing down what happens to tasks and ending at a named step, if need be in a hurry or weakened."""

# NMR_ME=station
# NMR_JOURNAL=file   one JSON list a line: [monotonic seconds, what, task, n, who, seconds it is lent]
# NMR_STEPS=folder   with files "step.deed": whoever comes to the step first takes the file away, named for itself
# NMR_LINK=name      what was sent counts as sent when this link took it
# NMR_HURRY=1        leases of seconds
# NMR_WEAK=rules     of tests/tasking/weakened.py that are taken out, separated by commas

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.__main__ import main
from agent.domain.effects import Effect, Keep, Note, Post
from agent.domain.events import Arrived, Sent
from agent.domain.task import RunTask, StopTask
from agent.domain.tasks import TaskAssign, TaskSuperseded
from agent.routing.outgoing import Outgoing
from agent.routing.signing import Signed
from agent.station.tasks.room import TaskRoom

HURRIED_LEASE_S, HURRIED_MAIL_LEASE_S, HURRIED_ACCEPT_S = 4.0, 12.0, 2.0
STEP_OF = {"task.accept": "accepted", "task.renew": "running"}
"""The steps at which a worker is when this was sent."""
DEEDS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

_handle, _launch = TaskRoom.handle, Outgoing.launch
_types: dict[str, str] = {}


def reach(step: str) -> None:
    """Come to a step: end or stop there if this is wanted, and nobody has before."""
    for deed, number in DEEDS.items():
        wanted = Path(os.environ["NMR_STEPS"]) / f"{step}.{deed}"
        try:
            wanted.rename(wanted.with_name(f"{wanted.name}.{os.environ['NMR_ME']}"))
        except FileNotFoundError:
            continue
        note(deed, "", 0, step)
        os.kill(os.getpid(), number)


def note(what: str, task: str, n: int, who: str = "", lent_s: float = 0.0) -> None:
    """Write a line; it is in the file even if this is the last thing we do."""
    with Path(os.environ["NMR_JOURNAL"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps([time.monotonic(), what, task, n, who, lent_s]) + "\n")


def handled(self: TaskRoom, event: object) -> Sequence[Effect]:
    """Decide as always, and write down what came and what shall be done."""
    params = event.params if isinstance(event, Arrived) else None
    if isinstance(params, TaskAssign):
        reach("assigned")
    if isinstance(params, TaskSuperseded):
        note("superseded", params.task, params.n)
    if isinstance(event, Sent) and event.link == os.environ["NMR_LINK"]:
        reach(STEP_OF.get(_types.get(event.id, ""), "nowhere"))
    effects = _handle(self, event)
    for effect in effects:
        _note_effect(effect)
    return effects


def _note_effect(effect: object) -> None:
    match effect:
        case Post():
            _types[effect.id] = effect.type
        case Note():
            note(effect.event, "", 0)
        case RunTask():
            note("run", effect.job.partition("@")[0], effect.run)
        case StopTask():
            note("stop", effect.job.partition("@")[0], effect.run)
        case Keep("result", id_, value) if value is not None:
            note("stored", id_, value.n, value.worker)  # type: ignore[attr-defined]  # a Result
        case Keep("task", id_, value) if value is not None:
            note(value.state.value, id_, value.n, value.worker, value.lease_ms / 1000)  # type: ignore[attr-defined]  # a Task


def launched(self: Outgoing, signed: Signed) -> None:
    """Send what is committed; a result that is written and not sent is a step of its own."""
    if signed.post.type == "task.result":
        reach("written")
    _launch(self, signed)


def hurry() -> None:
    """Lend tasks for seconds, by mail as well, and hear from workers again soon."""
    from agent.tasking import course, owner, paces, trips, workers

    quick = paces.Paces(HURRIED_ACCEPT_S, HURRIED_LEASE_S, HURRIED_MAIL_LEASE_S)
    owner.Owner.__init__.__kwdefaults__["paces"] = quick  # type: ignore[index]  # it has defaults
    owner.CALL_NOBODY_S, trips.UNKNOWN_S = 2.0, 3.0
    paces.FAST_S = workers.FAST_S = 0.2  # type: ignore[attr-defined]  # a round trip up to this is no mail
    course.SHUN_MS = dict.fromkeys(course.SHUN_MS, 1500)


def weaken(rules: str) -> None:
    """Take these rules out."""
    import pytest

    from tests.tasking.weakened import WEAKENED

    for rule in rules.split(","):
        WEAKENED[rule][0](pytest.MonkeyPatch())


if __name__ == "__main__":
    TaskRoom.handle = handled  # type: ignore[method-assign]  # as above
    Outgoing.launch = launched  # type: ignore[method-assign]  # the same
    if os.environ.get("NMR_HURRY"):
        hurry()
    if os.environ.get("NMR_WEAK"):
        weaken(os.environ["NMR_WEAK"])
    sys.exit(main())
