"""The control socket over a real one: two ends, any junk, sleeping readers, agents that come and go."""

import asyncio
import json
import logging
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from agent.domain.errors import BadInput, NmrError, TryLater, Unavailable
from agent.system.control import ControlLine, connect, connect_to
from agent.system.control_server import LONGEST_LINE, ControlServer, Say
from agent.system.control_unix import open_stream
from agent.system.lock import ProfileLock
from agent.system.paths import Profile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Unix end; the pipe has its own tests")


class Agent:
    """A running control server in its own thread, with an agent behind it that does what the requests say."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.loop: asyncio.AbstractEventLoop
        self.stopping = asyncio.Event()
        self.changed: set[asyncio.Event] = set()
        self.state: dict[str, Any] = {"number": 0}
        self.built = 0
        self.waiting = 0
        self.left = threading.Event()

    async def answer(self, do: str, with_: dict[str, Any], say: Say) -> object:  # noqa: C901, PLR0912 - a case each
        match do:
            case "echo":
                return with_
            case "refuse":
                raise BadInput("No such order", "Run: nmr orders", code="no-such-order", field="order")
            case "break":
                raise ZeroDivisionError("a\nsecret")
            case "unwritable":
                return {"result": object()}
            case "page":
                for number in range(with_["lines"]):
                    say({"event": "page", "page": {"number": number, "note": with_.get("note", "")}})
                if with_.get("fail"):
                    raise TryLater("Not now")
                return {"page": "p1"}
            case "now":
                for number in range(3):
                    say({"event": "state", "state": {"number": number}})
                return {}
            case "build":
                say(lambda: {"number": 1 // 0})
                await self._for_ever()
            case "quit":
                self.stopping.set()
                return {}
            case "sleep":
                await self._for_ever()
            case "watch":
                await self._watch(say)
        raise NmrError("Unknown request", do, code="unknown-request")

    async def _for_ever(self) -> None:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
            self.left.set()

    async def _watch(self, say: Say) -> None:
        changed = asyncio.Event()
        changed.set()
        self.changed.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                say(self._build)
        finally:
            self.changed.discard(changed)
            self.left.set()

    def _build(self) -> dict[str, Any]:
        self.built += 1
        return {"event": "state", "state": self.state}

    def change(self, **state: object) -> None:
        """Give the agent a new state, from the test's thread."""

        def deed() -> None:
            self.state = state
            for changed in self.changed:
                changed.set()

        self.loop.call_soon_threadsafe(deed)

    def ask(self, deed: Callable[[], Any]) -> Any:
        """What `deed` returns in the agent's loop."""

        async def done() -> Any:
            return deed()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(10)


@contextmanager
def running(profile: Profile) -> Iterator[Agent]:
    profile.create()
    agent = Agent(profile)
    ready = threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        agent.loop = asyncio.get_running_loop()
        with ProfileLock(profile.lock_file) as lock:
            assert lock.acquire()
            async with ControlServer(profile.control_address, lock, agent.answer):
                ready.set()
                await agent.stopping.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as failure:  # noqa: BLE001 - told in the test's thread below
            failures.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        if not failures:
            yield agent
    finally:
        if not agent.loop.is_closed():
            agent.loop.call_soon_threadsafe(agent.stopping.set)
        thread.join(10)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "p")


@pytest.fixture
def agent(profile: Profile) -> Iterator[Agent]:
    with running(profile) as started:
        yield started


@pytest.fixture
def line(agent: Agent) -> Iterator[ControlLine]:
    with connect(agent.profile) as opened:
        yield opened


@pytest.fixture
def raw(agent: Agent) -> Iterator[socket.socket]:
    """A plain connection to the agent's socket."""
    with socket.socket(socket.AF_UNIX) as opened:
        opened.settimeout(10)
        opened.connect(agent.profile.control_address)
        yield opened


def lines(opened: socket.socket, count: int) -> list[dict[str, Any]]:
    """The next lines of a plain connection."""
    content = b""
    while content.count(b"\n") < count:
        piece = opened.recv(65536)
        assert piece, f"hung up after {content!r}"
        content += piece
    return [json.loads(one) for one in content.splitlines()]


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.005)


def test_a_request_gets_its_result(line: ControlLine) -> None:
    asked: dict[str, Any] = {"to": {"role": "kitchen"}, "note": 'ä"\n\u2028 😀', "order": None, "urgent": True}
    assert line.request("echo", **asked) == asked
    assert line.request("echo") == {}


def test_two_clients_get_each_their_own_results(agent: Agent) -> None:
    with connect(agent.profile) as one, connect_to(agent.profile.control_address) as other:
        asked = [(one, one.post("echo", n=1)), (other, other.post("echo", n=2)), (one, one.post("echo", n=3))]
        for line, number in reversed(asked):
            assert line.request("echo", again=number) == {"again": number}
        assert [answer["result"] for answer in one.ready()] == [{"n": 1}, {"n": 3}]
        assert [answer["result"] for answer in other.ready()] == [{"n": 2}]


def test_an_error_arrives_as_it_was_raised(line: ControlLine) -> None:
    with pytest.raises(BadInput) as raised:
        line.request("refuse")
    error = raised.value
    assert (error.title, error.message, error.code, error.field, error.exit_code) == (
        "No such order",
        "Run: nmr orders",
        "no-such-order",
        "order",
        2,
    )


@pytest.mark.parametrize("do", ["break", "unwritable"])
def test_a_mistake_of_the_agent_is_logged_told_and_survived(
    line: ControlLine, caplog: pytest.LogCaptureFixture, do: str
) -> None:
    with pytest.raises(NmrError) as raised:
        line.request(do)
    assert raised.value.code == "internal"
    assert "secret" not in str(raised.value)
    assert any(one.exc_info for one in caplog.records if one.name == "agent.system.control_server")
    assert line.request("echo", n=1) == {"n": 1}


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\x00\xff\xfe",
        b"GET / HTTP/1.1\r",
        b"null",
        b"[]",
        b"{}",
        b'{"id": null, "do": "echo"}',
        b'{"id": {"a": 1}, "do": "echo"}',
        b'{"id": [1], "do": "echo"}',
        b'{"id": 1.5, "do": "echo"}',
        b'{"do": "echo"}',
        b'{"id": 1, "do"',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b'{"id": NaN, "do": "echo"}',
        b"\xc3\x28",
    ],
    ids=lambda one: repr(one[:20]),
)
def test_junk_is_answered_and_the_connection_stays(raw: socket.socket, junk: bytes) -> None:
    raw.sendall(junk + b'\n{"id": "x", "do": "echo", "with": {"n": 1}}\n')
    complaint, answer = lines(raw, 2)
    assert complaint["id"] is None
    assert complaint["ok"] is False
    assert complaint["error"]["code"] == "bad-request"
    assert answer == {"id": "x", "ok": True, "result": {"n": 1}}


@pytest.mark.parametrize("junk", [{"id": 7}, {"id": 7, "do": 3}, {"id": 7, "do": "echo", "with": []}])
def test_a_request_in_a_wrong_shape_is_answered_under_its_id(raw: socket.socket, junk: dict[str, Any]) -> None:
    raw.sendall(json.dumps(junk).encode() + b"\n")
    (complaint,) = lines(raw, 1)
    assert (complaint["id"], complaint["error"]["code"], complaint["error"]["exit"]) == (7, "bad-request", 2)


@pytest.mark.parametrize("size", [LONGEST_LINE + 1, 3 * LONGEST_LINE, 5_000_000])
def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_heard(raw: socket.socket, size: int) -> None:
    raw.sendall(b'{"id": 1, "do": "' + b"x" * size + b'"}\n{"id": 2, "do": "echo"}\n')
    complaint, answer = lines(raw, 2)
    assert (complaint["id"], complaint["ok"]) == (None, False)
    assert "65536" in complaint["error"]["message"]
    assert answer["id"] == 2


def test_a_line_as_long_as_allowed_is_heard(raw: socket.socket) -> None:
    frame = b'{"id": 1, "do": "echo", "with": {"n": ""}}\n'
    raw.sendall(frame.replace(b'""', b'"' + b"x" * (LONGEST_LINE - len(frame)) + b'"'))
    (answer,) = lines(raw, 1)
    assert answer["ok"]


def test_unfinished_lines_and_hanging_up_in_the_middle_hurt_nobody(agent: Agent, line: ControlLine) -> None:
    for piece in (b'{"id": 1', b"x" * 100_000, b'{"id": 1, "do": "sleep"}\n{"id"'):
        with socket.socket(socket.AF_UNIX) as opened:
            opened.connect(agent.profile.control_address)
            opened.sendall(piece)
    assert line.request("echo", n=1) == {"n": 1}
    wait_until(lambda: agent.waiting == 0)


def test_a_watcher_gets_the_state_at_once_and_then_every_change_at_most_ten_times_a_second(agent: Agent) -> None:
    with connect(agent.profile) as line:
        seen: list[tuple[float, int]] = []
        states = line.watch()
        assert next(states) == {"number": 0}
        for number in range(1, 301):
            agent.change(number=number)
        while not seen or seen[-1][1] != 300:
            seen.append((time.monotonic(), next(states)["number"]))
        agent.change(number=301)
        seen.append((time.monotonic(), next(states)["number"]))
    moments, numbers = zip(*seen, strict=True)
    assert list(numbers) == sorted(set(numbers))
    assert numbers[-1] == 301
    assert all(later - earlier > 0.08 for earlier, later in pairwise(moments))
    assert agent.built == len(seen) + 1


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
            assert line.request("echo", n=number, within=2) == {"n": number}
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
            assert time.monotonic() - started < 5


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


def test_without_an_agent_the_user_is_told_how_to_start_it(profile: Profile) -> None:
    profile.create()
    with pytest.raises(Unavailable) as raised:
        connect(profile)
    assert (raised.value.exit_code, raised.value.message) == (69, "Start it with: nmr run")


def test_a_socket_left_by_a_dead_agent_is_no_agent_and_is_replaced(profile: Profile) -> None:
    profile.create()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(profile.control_address)
    assert Path(profile.control_address).is_socket()
    with pytest.raises(Unavailable):
        connect(profile)
    with running(profile) as agent, connect(agent.profile) as line:
        assert line.request("echo", n=1) == {"n": 1}
    assert not Path(profile.control_address).exists()


def test_what_is_no_socket_is_never_removed(profile: Profile) -> None:
    profile.create()
    precious = Path(profile.control_address)
    precious.write_text("precious", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be opened"), running(profile):
        pass
    assert precious.read_text(encoding="utf-8") == "precious"


def test_without_the_lock_no_server_starts(profile: Profile) -> None:
    profile.create()

    async def answer(do: str, with_: dict[str, Any], say: Say) -> object:
        return None

    async def start() -> None:
        async with ControlServer(profile.control_address, ProfileLock(profile.lock_file), answer):
            pass

    with pytest.raises(AssertionError, match="lock"):
        asyncio.run(start())


def test_the_socket_is_open_to_its_owner_only(agent: Agent) -> None:
    assert stat.S_IMODE(Path(agent.profile.control_address).stat().st_mode) == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_hung_up_on_even_where_the_folder_let_him_in() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with running(Profile.at(folder / "p")) as agent, socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(10)
            for place in (folder, folder / "p", folder / "p/run"):
                place.chmod(0o755)
            Path(agent.profile.control_address).chmod(0o777)
            os.seteuid(65534)  # what the system writes down about who connects
            try:
                stranger.connect(agent.profile.control_address)
            finally:
                os.seteuid(0)
            assert stranger.recv(10) == b""
    finally:
        shutil.rmtree(folder)


def test_a_socket_of_somebody_else_is_not_talked_to(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    with pytest.raises(Unavailable):
        connect(agent.profile)


def test_when_the_agent_stops_everybody_is_told(profile: Profile) -> None:
    with running(profile) as agent:
        asker, follower = connect(profile), connect(profile)
        states = follower.watch()
        next(states)
        assert asker.request("quit") == {}
    with asker, follower:
        with pytest.raises(Unavailable, match="has stopped"):
            next(states)
        with pytest.raises(Unavailable):
            asker.request("echo")
        with pytest.raises(Unavailable):
            asker.ready()
    assert agent.loop.is_closed()


def test_lines_that_came_before_the_end_are_not_lost(profile: Profile) -> None:
    with running(profile) as agent:
        line = connect(profile)
        line.post("echo", n=1)
        line.post("quit")
        wait_until(agent.stopping.is_set)
    with line:
        assert [one["result"] for one in line.ready()] == [{"n": 1}, {}]
        with pytest.raises(Unavailable):
            line.ready()


def test_a_silent_agent_is_not_waited_for_longer_than_asked(line: ControlLine) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        line.request("sleep", within=0.2)
    assert 0.15 < time.monotonic() - started < 5


def test_debug_logging_tells_nothing_about_contents(line: ControlLine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        line.request("echo", note="a secret note")
    assert "secret" not in caplog.text


def test_one_thread_waits_while_another_one_asks(agent: Agent) -> None:
    stream = open_stream(agent.profile.control_address)
    got: SimpleQueue[bytes] = SimpleQueue()

    def wait() -> None:
        while content := stream.receive(None):
            got.put(content)

    waiting = threading.Thread(target=wait)
    waiting.start()
    for number in range(20):
        stream.send(b'{"id": %d, "do": "echo"}\n' % number)
        assert json.loads(got.get(timeout=10))["id"] == number
    agent.loop.call_soon_threadsafe(agent.stopping.set)
    waiting.join(10)
    assert not waiting.is_alive()
    stream.close()


def test_the_calling_end_loads_nothing_heavy() -> None:
    check = (
        "import sys; before = set(sys.modules); import agent.system.control, agent.system.control_unix;"
        " print(sorted({'asyncio', 'typing', 'msgspec', 'dataclasses', 'pathlib', 'logging', 'threading'}"
        " & (set(sys.modules) - before)))"
    )
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert told.stdout.strip() == "[]", told.stderr
