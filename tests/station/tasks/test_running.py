"""What runs: told of while it is wanted, silent after a stop, never two runs of one job at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.domain.task import Outcome, RunTask, StopTask, TaskEnded, TaskProgressed
from agent.station.tasks import running
from agent.station.tasks.running import Running
from agent.system.task_outcome import Done, Failed
from agent.system.task_said import Progress
from tests.servers.waiting import eventually


class Programs:
    """Programs that end when they are let go."""

    def __init__(self) -> None:
        self.going: list[str] = []
        self.let_go = asyncio.Event()
        self.most = 0

    async def run(
        self, _: object, name: str, data: bytes, *, progress: Callable[[Progress], None], stop: asyncio.Event
    ) -> Done | Failed:
        self.going.append(data.decode())
        self.most = max(self.most, len(self.going))
        progress(Progress(0.25, "begun"))
        waiting = [asyncio.create_task(self.let_go.wait()), asyncio.create_task(stop.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.01)  # a program takes a moment to end
        for one in waiting:
            one.cancel()
        self.going.remove(data.decode())
        return Failed("cancelled", "it was stopped") if stop.is_set() else Done(name.encode())


def play(scene: Callable[[Programs, Running, list[Any]], Awaitable[None]], patch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        programs, told = Programs(), list[Any]()
        patch.setattr(running, "run_type", programs.run)
        await scene(programs, Running({}, told.append), told)

    asyncio.run(run())


def test_a_program_is_told_of_and_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(programs: Programs, room: Running, told: list[Any]) -> None:
        room.begin(RunTask("j", 1, "echo", "customer"), b"1")
        await eventually(lambda: told)
        programs.let_go.set()
        await eventually(lambda: len(told) == 2)
        assert told == [TaskProgressed("j", 1, 250, "begun"), TaskEnded("j", 1, Outcome(ok=True, data=b"echo"))]

    play(scene, monkeypatch)


def test_nothing_is_told_of_what_was_stopped_and_the_job_begins_again_only_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(programs: Programs, room: Running, told: list[Any]) -> None:
        room.begin(RunTask("j", 1, "echo", "customer"), b"1")
        await eventually(lambda: programs.going == ["1"])
        room.end(StopTask("j", 1, "superseded"))
        room.begin(RunTask("j", 2, "echo", "customer"), b"2")
        await eventually(lambda: programs.going == ["2"])
        programs.let_go.set()
        await eventually(lambda: any(isinstance(event, TaskEnded) for event in told))
        assert [event.run for event in told] == [1, 2, 2]
        assert programs.most == 1

    play(scene, monkeypatch)


def test_at_the_end_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(programs: Programs, room: Running, told: list[Any]) -> None:
        room.begin(RunTask("j", 1, "echo", "customer"), b"1")
        room.begin(RunTask("k", 1, "echo", "customer"), b"2")
        await eventually(lambda: len(programs.going) == 2)
        await room.settle()
        assert programs.going == []
        assert {type(event) for event in told} == {TaskProgressed, TaskEnded}

    play(scene, monkeypatch)
