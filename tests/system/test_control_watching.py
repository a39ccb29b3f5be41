"""Streams over the control socket: watchers get the newest state, and a slow or greedy one hurts only itself."""

import json
import select
import socket
import sys
import time
from itertools import pairwise

import pytest

from agent.domain.errors import NmrError, TryLater, Unavailable
from agent.system.control import ControlLine, connect
from agent.system.paths import Profile
from tests.system.control_stage import Agent, running, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Unix end; the pipe has its own tests")


def test_a_watcher_gets_the_state_at_once_and_then_every_change_at_most_ten_times_a_second(agent: Agent) -> None:
    with connect(agent.profile) as line:
        numbers: list[int] = []
        states = line.watch()
        assert next(states) == {"number": 0}
        for number in range(1, 301):
            agent.change(number=number)
        while 300 not in numbers:
            numbers.append(next(states)["number"])
        agent.change(number=301)
        numbers.append(next(states)["number"])
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 301
    assert all(later - earlier > 0.08 for earlier, later in pairwise(agent.built_at))
    assert agent.built == len(numbers) + 1


def test_a_watcher_asks_on_the_same_line_and_loses_no_state(agent: Agent) -> None:
    with connect(agent.profile) as line:
        watching = line.post("watch")
        assert line.request("echo", n=1) == {"n": 1}
        agent.change(number=1)
        got: list[int] = []
        while 1 not in got:
            select.select([line], [], [], 10)
            got += [one["state"]["number"] for one in line.ready() if one["id"] == watching]
        assert got in ([0, 1], [1])


def test_a_sleeping_watcher_blocks_nobody_and_wakes_up_to_the_newest_state(agent: Agent, line: ControlLine) -> None:
    filling = "x" * 1_000_000
    with connect(agent.profile) as sleeper:
        sleeper.post("watch")
        wait_until(lambda: agent.changed)
        number, end = 0, time.monotonic() + 1.2  # as long as twelve states take that somebody reads
        while time.monotonic() < end:
            number += 1
            agent.change(number=number, filling=filling)
            assert line.request("echo", n=number, within=10) == {"n": number}
        built = agent.built
        assert built <= 4
        numbers: list[int] = []
        while number not in numbers:
            select.select([sleeper], [], [], 10)
            numbers += [one["state"]["number"] for one in sleeper.ready()]
        assert len(numbers) <= built + 1


def test_a_reader_that_leaves_too_much_lying_is_cut_off(agent: Agent, line: ControlLine, raw: socket.socket) -> None:
    note = "x" * 60_000
    raw.sendall(json.dumps({"id": 1, "do": "page", "with": {"lines": 1000, "note": note}}).encode() + b"\n")
    assert line.request("echo", within=5) == {}
    received = 0
    try:
        while piece := raw.recv(1 << 20):
            received += len(piece)
    except ConnectionResetError:
        pass
    assert received < 20 << 20
    assert line.request("echo", within=5) == {}


def test_following_a_request_yields_its_events_until_it_is_done(line: ControlLine) -> None:
    events = list(line.follow("page", lines=3))
    assert [one["page"]["number"] for one in events] == [0, 1, 2]
    with pytest.raises(TryLater):
        list(line.follow("page", lines=1, fail=True))


def test_the_newest_state_comes_before_the_result_of_its_request(line: ControlLine) -> None:
    assert [one["state"] for one in line.follow("now")] == [{"number": 2}]


def test_a_state_that_cannot_be_made_ends_its_connection_only(
    agent: Agent, line: ControlLine, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(agent.profile) as other, pytest.raises(Unavailable):
        other.request("build")
    assert any(one.message == "control-failed" for one in caplog.records)
    assert line.request("echo", n=1) == {"n": 1}


def test_more_connections_than_anybody_needs_are_refused(agent: Agent) -> None:
    opened = [connect(agent.profile) for _ in range(64)]
    for line in opened:
        assert line.request("echo") == {}
    with connect(agent.profile) as one_too_many, pytest.raises(Unavailable):
        one_too_many.request("echo")
    for line in opened:
        line.close()
    wait_until(lambda: answers(agent.profile))


def answers(profile: Profile) -> bool:
    with connect(profile) as line:
        try:
            return bool(line.request("echo") == {})
        except Unavailable:
            return False


def test_a_sleeping_reader_does_not_keep_the_agent_from_stopping(profile: Profile) -> None:
    with running(profile) as agent:
        agent.change(filling="x" * 5_000_000)
        with connect(profile) as sleeper:
            sleeper.post("watch")
            wait_until(lambda: agent.built)
            started = time.monotonic()
            agent.loop.call_soon_threadsafe(agent.stopping.set)
            wait_until(agent.loop.is_closed)
            assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "garbage", [b"\xff\n", b"[1]\n", b"no\n", b'{"id": 1, "ok": 1}\n', b'{"id": null, "ok": false}\n']
)
def test_an_agent_that_talks_nonsense_is_told_apart_from_a_silent_one(garbage: bytes) -> None:
    class Nonsense:
        def send(self, content: bytes) -> None: ...

        def receive(self, seconds: float | None) -> bytes | None:
            return garbage

        def fileno(self) -> int:
            return -1

        def close(self) -> None: ...

    with pytest.raises(NmrError) as raised:
        ControlLine(Nonsense()).request("echo")
    assert raised.value.code == "internal"


def test_hanging_up_ends_what_was_asked_for(agent: Agent) -> None:
    with connect(agent.profile) as line:
        next(line.watch())
        line.post("sleep")
        wait_until(lambda: agent.waiting)
        agent.left.clear()
    assert agent.left.wait(10)
    wait_until(lambda: agent.waiting == 0 and not agent.changed)


def test_more_requests_at_once_than_anybody_needs_are_refused(agent: Agent) -> None:
    with connect(agent.profile) as line:
        for _ in range(300):
            line.post("sleep")
        with pytest.raises(TryLater):
            line.request("echo")
        wait_until(lambda: agent.waiting == 256)
        assert all(one["error"]["code"] == "too-many" for one in line.ready())
    wait_until(lambda: agent.waiting == 0)
