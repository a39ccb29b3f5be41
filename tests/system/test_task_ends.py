"""However a program of a task ends, or is ended, none of its processes is left."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.system import task_guard, task_run
from agent.system.task_outcome import Failed
from agent.system.task_run import run
from agent.system.task_said import Progress
from tests.servers.programs import until
from tests.system.task_stage import DEAF, done, gone, left, own_place, python, said, weakened

SLEEP = "import time; time.sleep(60)"
# A daemon as they come: it leaves the session and the parent that started it.
CHILD = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, '-I', '-S', '-c', {SLEEP!r}, sys.argv[1]], start_new_session=True)
print('{{"result": "I am done"}}')
"""
BOMB = """
import os, time
for _ in range(5):
    if os.fork() == 0 and os.getpid() % 2:
        os.setsid()
time.sleep(60)
"""
AGENT = f"""
import asyncio, sys
from agent.system.task_run import run
from agent.system.task_types import Allowed
asyncio.run(run(Allowed("test", (sys.executable, "-I", "-S", "-c", {DEAF!r}, sys.argv[1])), b"null"))
"""


def test_a_child_left_behind_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"child-{time.time_ns()}"
    assert done(python(CHILD, mark)) == said("I am done")
    assert left(mark) == []
    weakened(monkeypatch, "task_guard_linux._end_orphans = lambda: None")
    monkeypatch.setattr(task_run, "GONE_S", 1.0)
    done(python(CHILD, mark, seconds=2.0))
    leftover = left(mark)
    for process in leftover:
        process.kill()
    assert len(leftover) == 1


def test_a_fork_bomb_is_ended_as_a_whole() -> None:
    mark, all_of_them = f"bomb-{time.time_ns()}", 2**5

    async def stopped() -> object:
        stop = asyncio.Event()
        running = asyncio.create_task(run(python(BOMB, mark), b"null", stop=stop))
        while not running.done():
            if len(left(mark)) == all_of_them:
                stop.set()
            await asyncio.wait((running,), timeout=0.1)
        return running.result()

    assert asyncio.run(stopped()) == Failed("cancelled", "it was stopped")
    assert left(mark) == []


def test_what_is_stopped_has_time_to_end_by_itself() -> None:
    polite = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print('{"progress": 0}', flush=True)
signal.sigwait([signal.SIGTERM])
print('{"result": "half"}', flush=True)
sys.exit(int(sys.argv[1]))
"""
    assert done(python(polite, "1"), stop=True) == Failed("cancelled", "it was stopped")
    assert done(python(polite, "0"), stop=True) == said("half")  # it was done all the same


def test_what_ignores_that_it_is_stopped_is_ended_after_five_seconds() -> None:
    mark = f"deaf-{time.time_ns()}"
    began = time.monotonic()
    assert done(python(DEAF, mark), stop=True) == Failed("cancelled", "it was stopped")
    assert task_guard.POLITE_S <= time.monotonic() - began < task_run.GONE_S
    gone(mark)


LEAVES = f"""
import os, subprocess, sys, time
other = subprocess.Popen([sys.executable, '-I', '-S', '-c', {SLEEP!r}, sys.argv[1]], process_group=0)
os.setpgid(0, other.pid)
time.sleep(60)
"""


@pytest.mark.parametrize("weak", [False, True])
def test_a_program_that_goes_over_to_another_group_is_ended_with_it(
    monkeypatch: pytest.MonkeyPatch, *, weak: bool
) -> None:
    mark = f"leaves-{time.time_ns()}"
    if weak:
        weakened(monkeypatch, "task_guard_linux.os.getpgid = lambda pid: pid")
        monkeypatch.setattr(task_run, "GONE_S", 1.0)
    assert done(python(LEAVES, mark, seconds=2.0)) == Failed("timeout", "it took longer than 2 s")
    leftover = left(mark)
    for process in leftover:
        process.kill()
    assert len(leftover) == (1 if weak else 0)


def test_what_outlives_its_guard_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"holds-{time.time_ns()}"
    weakened(monkeypatch, "task_guard_linux.os.getpgid = lambda pid: pid")
    monkeypatch.setattr(task_run, "GONE_S", 1.0)
    done(python(LEAVES, mark, seconds=2.0))
    leftover = left(mark)
    assert leftover, "the task was over while what escaped still held the pipes"
    for process in leftover:
        process.kill()


def test_a_program_that_became_another_accounts_need_not_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = "(_ for _ in ()).throw(PermissionError(1, 'not yours'))"
    weakened(monkeypatch, f"task_guard_linux.os.killpg = lambda *_: {refused}")
    assert done(python("print('{\"result\": 1}')")) == said(1)


def test_a_guard_that_is_told_to_end_in_the_moment_its_program_does_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "import os; reap = os.wait4; os.wait4 = lambda *a: (os.kill(os.getpid(), 15), reap(*a))[1]"
    weakened(monkeypatch, told)
    assert done(python("print('{\"result\": 1}')", seconds=5.0)) == said(1)


def test_a_guard_that_only_asks_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_run, "GONE_S", 3.0)
    took = []
    for patience in (0.1, 1e6):
        weakened(monkeypatch, f"task_guard.POLITE_S = {patience}")
        began = time.monotonic()
        assert done(python(DEAF), stop=True) == Failed("cancelled", "it was stopped")
        took.append(time.monotonic() - began)
    assert took[0] < task_run.GONE_S <= took[1]


def test_what_is_stopped_before_it_began_is_stopped() -> None:
    async def stopped() -> object:
        stop = asyncio.Event()
        stop.set()
        return await run(python(SLEEP), b"null", stop=stop)

    began = time.monotonic()
    assert asyncio.run(stopped()) == Failed("cancelled", "it was stopped")
    assert time.monotonic() - began < task_run.GONE_S


def test_cancelling_ends_the_program_at_once() -> None:
    mark = f"deaf-{time.time_ns()}"

    async def cancelled() -> None:
        running = asyncio.create_task(run(python(DEAF, mark), b"null"))
        while not left(mark):
            await asyncio.sleep(0.02)
        began = time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert time.monotonic() - began < task_guard.POLITE_S
        assert left(mark) == []

    asyncio.run(cancelled())


def test_a_task_ends_with_an_agent_that_is_killed(tmp_path: Path) -> None:
    mark = f"deaf-{time.time_ns()}"
    with own_place(tmp_path) as folders:
        agent = subprocess.Popen([sys.executable, "-c", AGENT, mark], stdin=subprocess.DEVNULL)
        until(lambda: len(left(mark)) == 2, "agent and program")  # the program, and the agent that has the word, too
        assert len(folders()) == 1
        agent.kill()
        agent.wait()
        gone(mark)
        until(lambda: folders() == [], "the end of its folder")


def test_a_program_and_what_it_wrote_end_with_its_guard(tmp_path: Path) -> None:
    mark = f"killer-{time.time_ns()}"
    code = "import os, time; open('secret', 'w').close(); os.kill(os.getppid(), 9); time.sleep(60)"
    with own_place(tmp_path) as folders:
        assert done(python(code, mark)) == Failed("exit", "its guard was ended")
        assert folders() == []
    gone(mark)


def test_what_the_listener_of_progress_raises_reaches_the_caller_and_ends_the_program() -> None:
    mark = f"deaf-{time.time_ns()}"

    def refuse(_: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run(python(DEAF, mark), b"null", progress=refuse))
    gone(mark)
