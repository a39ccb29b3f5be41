"""The window's line to the agent, in a Tk event loop without a display."""

import tkinter as tk
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.ui.window import line as line_module
from agent.ui.window.line import AgentLine
from tests.servers.programs import until
from tests.ui.window import sample
from tests.ui.window.stand_in import StandIn

NOW = 10**12


class Heard:
    """What came out of a line, and the loop it came through."""

    def __init__(self, line: AgentLine) -> None:
        self.loop = tk.Tcl()
        self.events: list[dict[str, Any]] = []
        self.lost = 0
        line.told = self.events.append
        line.lost = self._lost

    def _lost(self) -> None:
        self.lost += 1

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Run the loop until the condition holds."""

        def turned() -> object:
            while self.loop.tk.dooneevent(tk._tkinter.DONT_WAIT):  # type: ignore[attr-defined]
                pass
            return condition()

        until(turned, what)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that tells of a busy evening."""
    with StandIn(tmp_path, sample.evening(NOW)) as started:
        yield started


@pytest.fixture
def line(agent: StandIn) -> Iterator[AgentLine]:
    """A connected line."""
    found = AgentLine(agent.address)
    assert found.connect()
    yield found
    found.close()


def test_the_first_state_is_waited_for(agent: StandIn, line: AgentLine) -> None:
    (event,) = line.first(5)
    assert event["state"] == agent.state


def test_a_state_of_ten_thousand_orders_comes_whole(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    with StandIn(tmp_path / "big", sample.evening(NOW, count=10_000)) as agent:
        line = AgentLine(agent.address)
        line.connect()
        (event,) = line.first(5)
        line.close()
    assert len(event["state"]["orders"]) == 10_002


def test_without_an_agent_there_is_no_line_and_no_wait(tmp_path: Path) -> None:
    line = AgentLine(str(tmp_path / "nobody.sock"))
    assert not line.connect()
    assert not line.open
    assert line.first(60) == []


def test_changes_come_through_the_loop(agent: StandIn, line: AgentLine) -> None:
    line.first(5)
    heard = Heard(line)
    line.attach(heard.loop)
    agent.tell(orders=[])
    heard.until(lambda: heard.events, "the new state")
    assert heard.events[0]["state"]["orders"] == []


def test_a_reply_goes_to_who_asked(agent: StandIn, line: AgentLine) -> None:
    heard, replies = Heard(line), list[dict[str, Any]]()
    line.attach(heard.loop)
    line.ask("order.done", {"order": "o1"}, replies.append)
    line.ask("order.add", {"kind": "order", "fields": {}}, replies.append)
    heard.until(lambda: len(replies) == 2, "two replies")
    assert agent.asked == [("order.done", {"order": "o1"}), ("order.add", {"kind": "order", "fields": {}})]
    assert [reply["result"] for reply in replies] == [{}, {"order": "new"}]


def test_an_error_is_a_reply_too(agent: StandIn, line: AgentLine) -> None:
    agent.answers["order.done"] = lambda _: {"error": {"code": "no-such-order", "title": "It is gone"}}
    heard, replies = Heard(line), list[dict[str, Any]]()
    line.attach(heard.loop)
    line.ask("order.done", {"order": "o1"}, replies.append)
    heard.until(lambda: replies, "a reply")
    assert not replies[0]["ok"]
    assert replies[0]["error"]["title"] == "It is gone"


def test_when_the_agent_dies_it_is_told_once(agent: StandIn, line: AgentLine) -> None:
    line.first(5)
    heard = Heard(line)
    line.attach(heard.loop)
    agent.stop()
    heard.until(lambda: heard.lost, "the loss")
    assert heard.lost == 1
    assert not line.open


def test_what_was_asked_of_a_dead_agent_is_answered(agent: StandIn, line: AgentLine) -> None:
    line.first(5)
    heard, replies = Heard(line), list[dict[str, Any]]()
    line.attach(heard.loop)

    def die(_: dict[str, Any]) -> dict[str, Any]:
        agent.stop()
        return {}

    agent.answers["page"] = die
    line.ask("page", {}, replies.append)
    heard.until(lambda: replies, "a reply")
    assert replies[0]["error"]["code"] == "no-agent"
    line.ask("page", {}, replies.append)
    assert replies[1]["error"]["code"] == "no-agent"


def test_a_new_agent_is_found_again(agent: StandIn, line: AgentLine) -> None:
    line.first(5)
    heard = Heard(line)
    line.attach(heard.loop)
    agent.stop()
    heard.until(lambda: heard.lost, "the loss")
    assert not line.connect()
    agent.start()
    assert line.connect()
    line.attach(heard.loop)
    heard.until(lambda: heard.events, "a state of the new agent")


def test_after_closing_nobody_is_told_anything(agent: StandIn, line: AgentLine) -> None:
    line.first(5)
    heard, replies = Heard(line), list[dict[str, Any]]()
    line.attach(heard.loop)
    line.ask("page", {}, replies.append)
    line.close()
    until(lambda: agent.asked, "the request to arrive")
    agent.stop()
    heard.until(lambda: True, "nothing")
    assert (heard.lost, replies) == (0, [])


class Loop:
    """As much of Tk as a thread needs: an event that runs what was bound, when the loop turns."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.bound: Callable[[object], None] = lambda _: None

    def bind(self, _: str, do: Callable[[object], None]) -> None:
        """Remember what to do."""
        self.bound = do

    def event_generate(self, event: str, when: str) -> None:
        """Put the event at the end of the queue."""
        assert when == "tail", "a thread must not run Tk's own code"
        self.waiting.append(event)

    def turn(self) -> bool:
        """Run what waits."""
        while self.waiting:
            self.waiting.pop()
            self.bound(None)
        return True


def test_where_tk_cannot_watch_a_thread_waits_and_wakes_it(
    agent: StandIn, line: AgentLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "_by_descriptor", line_module._by_thread)
    line.first(5)
    loop, events, lost = Loop(), list[dict[str, Any]](), list[bool]()
    line.told, line.lost = events.append, lambda: lost.append(True)
    line.attach(loop)  # type: ignore[arg-type]
    agent.tell(orders=[])
    until(lambda: loop.turn() and events, "a state")
    replies = list[dict[str, Any]]()
    line.ask("order.done", {"order": "o1"}, replies.append)
    until(lambda: loop.turn() and replies, "a reply while the thread waits")
    agent.stop()
    until(lambda: loop.turn() and lost, "the loss")
    assert lost == [True]
