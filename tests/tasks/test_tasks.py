"""A program hands tasks out at a real site: it gets results, reasons why not, and keeps waiting through a restart."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import tasks
from agent.demo.site import Site, until
from agent.domain.errors import Unavailable
from agent.system.paths import Profile
from agent.tasks import talk
from tests.stand_ins import ROOT
from tests.tasks.site import LEAD, SILENT, WORKER, all_tasks, held, let_go, running, shown, take_back, task_site

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with task_site(tmp_path_factory.mktemp("tasks")) as site:
        yield site


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    tasks.use(whole_site.profile(LEAD))
    yield whole_site
    take_back(whole_site)


def test_send_returns_what_the_worker_s_program_said(site: Site) -> None:
    assert asyncio.run(tasks.send("echo", {"say": "grüß"}, to="kitchen", timeout=60)) == {"echo": "grüß"}


def test_large_data_and_results_come_whole_and_leave_no_file(site: Site) -> None:
    much = "ü" * 100_000
    assert asyncio.run(tasks.send("echo", {"say": much}, timeout=60)) == {"echo": much}
    assert list(site.profile(LEAD).runtime_folder.glob("task-*")) == []


def test_progress_is_told_until_the_end(site: Site, tmp_path: Path) -> None:
    async def steps(hold: str) -> list[tasks.Progress]:
        task = await tasks.submit("echo", {"hold": hold})
        seen = []
        async for step in task.progress():
            seen.append(step)
            if step.done == 0.5:
                await asyncio.to_thread(let_go, hold)
        assert (task.ended, task.state, await task.result()) == (True, "done", {"echo": None})
        return seen

    with held(tmp_path) as hold:
        seen = asyncio.run(steps(hold))
    assert (seen[-1].state, seen[-1].done, seen[-1].worker) == ("done", 1.0, WORKER)
    assert tasks.Progress("running", WORKER, 1, 0.5, "half") in seen


def test_a_failure_has_a_code_and_the_words_of_the_program(site: Site) -> None:
    with pytest.raises(tasks.TaskFailed) as failed:
        asyncio.run(tasks.send("echo", {"fail": "no paper"}, tries=1, timeout=60))
    assert failed.value.code == "exit"
    assert "no paper" in failed.value.why


def test_what_is_taken_back_is_cancelled_for_whoever_waits(site: Site, tmp_path: Path) -> None:
    async def taken_back(hold: str) -> None:
        task = await tasks.submit("echo", {"hold": hold})
        waiting = asyncio.create_task(task.result(60))
        await task.cancel()
        assert task.state == "cancelled"
        with pytest.raises(tasks.TaskCancelled):
            await waiting
        await task.cancel()  # again is no error

    with held(tmp_path) as hold:
        asyncio.run(taken_back(hold))


def test_one_that_may_be_done_once_is_held_and_done_again_when_somebody_says_so(site: Site, tmp_path: Path) -> None:
    async def decided() -> object:
        task = await tasks.submit("careful", {"fail": 3, "ran": str(tmp_path / "ran")}, once=True)
        with pytest.raises(tasks.TaskHeld) as was_held:
            await task.result(60)
        assert (was_held.value.task, was_held.value.worker) == (task.id, WORKER)
        await task.again()
        async for step in task.progress():
            if step.state == "held" and step.n == 2:
                break
        await task.cancel()
        return task.state

    assert asyncio.run(decided()) == "cancelled"
    assert (tmp_path / "ran").read_text() == "once more\n" * 2


def test_a_time_limit_ends_the_waiting_and_not_the_task(site: Site, tmp_path: Path) -> None:
    async def waited(hold: str) -> str:
        with pytest.raises(tasks.TaskOpen) as still_open:
            await tasks.send("echo", {"hold": hold, "say": "late"}, timeout=0.3)
        assert isinstance(still_open.value, TimeoutError)
        return still_open.value.task

    async def found(id_: str) -> object:
        task = await tasks.find(id_)
        return await task.result(60)

    with held(tmp_path) as hold:
        id_ = asyncio.run(waited(hold))
    assert asyncio.run(found(id_)) == {"echo": "late"}


def test_without_patience_the_end_of_the_agent_would_end_the_waiting(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test below proves is not proven by chance."""

    async def restarted(hold: str) -> None:
        task = await tasks.submit("echo", {"hold": hold})
        waiting = asyncio.create_task(task.result(90))
        await asyncio.to_thread(running, site, task.id)
        site.kill(LEAD)
        with pytest.raises(Unavailable):
            await waiting
        await asyncio.to_thread(site.start_station, LEAD, SILENT)

    monkeypatch.setattr("agent.tasks.task.AWAY", ())
    with held(tmp_path) as hold:
        asyncio.run(restarted(hold))


def test_the_agent_may_restart_while_a_program_waits(site: Site, tmp_path: Path) -> None:
    async def restarted(hold: str) -> object:
        task = await tasks.submit("echo", {"hold": hold, "say": "still here", "ran": str(tmp_path / "ran")})
        waiting = asyncio.create_task(task.result(90))
        await asyncio.to_thread(running, site, task.id)
        site.kill(LEAD)
        await asyncio.to_thread(site.start_station, LEAD, SILENT)
        await asyncio.to_thread(let_go, hold)
        return await waiting

    with held(tmp_path) as hold:
        assert asyncio.run(restarted(hold)) == {"echo": "still here"}
    assert (tmp_path / "ran").read_text() == "once more\n"


@pytest.mark.parametrize("named", [True, False])
def test_a_task_whose_receipt_was_lost_is_asked_for_again_and_is_one_task_because_it_has_a_name(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    lost = iter([True, True])
    ask = talk.ask

    async def forgetful(address: str, do: str, with_: talk.Line) -> object:
        found = await ask(address, do, with_ if named else {**with_, "id": ""})
        if do == "task.send" and next(lost, False):
            raise talk._gone()
        return found

    before = len(all_tasks(site))
    monkeypatch.setattr("agent.tasks.task.ask", forgetful)
    asyncio.run(tasks.submit("echo", {"say": 1}))
    assert len(all_tasks(site)) == before + (1 if named else 3)


def test_many_wait_at_once_over_few_connections(site: Site, tmp_path: Path) -> None:
    async def all_of_them(hold: str) -> list[object]:
        made = [await tasks.submit("echo", {"hold": hold, "say": n}) for n in range(4)]
        waiting = [asyncio.create_task(made[n % 4].result(90)) for n in range(talk.MOST_CALLS + 40)]
        await asyncio.to_thread(running, site, made[0].id)
        assert len(talk.ground().talks[site.profile(LEAD).control_address]) == 2
        await asyncio.to_thread(let_go, hold)
        return list(await asyncio.gather(*waiting))

    with held(tmp_path) as hold:
        results = asyncio.run(all_of_them(hold))
    assert results == [{"echo": n % 4} for n in range(talk.MOST_CALLS + 40)]


def test_any_thread_may_wait_in_a_loop_of_its_own_and_no_thread_is_left(site: Site) -> None:
    results: list[object] = []

    def one(n: int) -> None:
        results.append(asyncio.run(tasks.send("echo", {"say": n}, timeout=60)))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert sorted(map(str, results)) == [str({"echo": n}) for n in range(4)]
    until(lambda: not [one for one in threading.enumerate() if one.name == "tasks"], "the end of the threads")


def test_whoever_stops_waiting_leaves_no_connection_behind(site: Site, tmp_path: Path) -> None:
    async def stopped(hold: str) -> None:
        task = await tasks.submit("echo", {"hold": hold})
        waiting = asyncio.create_task(task.result())
        await asyncio.to_thread(running, site, task.id)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(
            until, lambda: not [one for one in threading.enumerate() if one.name == "tasks"], "the end of the thread"
        )
        assert not shown(site, task.id)["ended"]

    with held(tmp_path) as hold:
        asyncio.run(stopped(hold))


FORKS = """
import asyncio, os, sys, threading
from agent import tasks
tasks.use(sys.argv[1])
async def main():
    task = await tasks.submit("fold-napkins", {}, life=60)
    waiting = asyncio.create_task(task.result())
    await anext(task.progress())
    child = os.fork()
    if child == 0:
        done = threading.Thread(target=lambda: os._exit(asyncio.run(tasks.send("echo", {"say": 7}))["echo"]))
        done.start()
        done.join()
        os._exit(1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    await task.cancel()
    print(os.waitstatus_to_exitcode(status))
    try:
        await waiting
    except tasks.TaskCancelled as error:
        print(error.code)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process is forked on Windows")
def test_a_process_that_was_forked_while_its_parent_waited_has_connections_of_its_own(site: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(site.profile(LEAD).folder)],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("7\ncancelled\n", 0), done.stderr


def test_the_workers_who_are_available_are_told(site: Site) -> None:
    (worker,) = asyncio.run(tasks.workers())
    assert (worker.station, worker.capacity) == (WORKER, 4)
    assert {"ask", "echo", "careful", "print-label"} == set(worker.skills)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"type_": "Echo!"}, "type"),
        ({"type_": "echo", "to": "the kitchen"}, "to"),
        ({"type_": "echo", "data": {1, 2}}, "data"),
        ({"type_": "echo", "data": float("nan")}, "data"),
        ({"type_": "echo", "data": "\ud800"}, "data"),
        ({"type_": "echo", "data": "x" * 13_000_000}, "data"),
        ({"type_": "echo", "life": 0}, "life_s"),
        ({"type_": "echo", "tries": 101}, "tries"),
    ],
)
def test_what_cannot_be_a_task_is_refused_with_the_field_at_fault(
    site: Site, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(tasks.BadInput) as refused:
        asyncio.run(tasks.submit(**arguments))  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.field == field


def test_an_unknown_task_is_no_task(site: Site) -> None:
    with pytest.raises(tasks.BadInput, match="No such task"):
        asyncio.run(tasks.find("0" * 32))


def test_a_station_that_may_not_hand_out_tasks_is_told_so(site: Site) -> None:
    tasks.use(site.profile(WORKER))
    with pytest.raises(tasks.NotAllowed, match="may not hand out"):
        asyncio.run(tasks.submit("echo", {}))


def test_without_an_agent_it_is_said_at_once(tmp_path: Path) -> None:
    tasks.use(Profile.at(tmp_path))
    small: dict[str, str] = {}
    for data in (small, "x" * 50_000):
        with pytest.raises(tasks.AgentAway, match="not running"):
            asyncio.run(tasks.submit("echo", data))
    with pytest.raises(tasks.AgentAway):
        asyncio.run(tasks.workers())
