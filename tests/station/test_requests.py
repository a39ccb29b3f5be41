"""What commands and windows ask: checked before it is an event, and always answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.errors import BadInput, NmrError
from agent.domain.events import AnswerGiven, Event, OrderChanged, OrderDropped, PageAsked, QuietAsked, WithdrawAsked
from agent.domain.task import TaskEvent
from agent.station.requests import Requests
from agent.station.tasks.room import TaskRoom

Line = dict[str, Any]


class Agent:
    """A station that answers every event at once, or never, or with an error."""

    def __init__(self) -> None:
        self.requests = Requests(self)
        self.events: list[Event | TaskEvent] = []
        self.reply: NmrError | Line | None = {"page": "p1"}
        self.pages: list[Line | None] = []
        self.said: list[Line] = []
        self.windows: list[str] = []
        self.pinged: list[str] = []
        self.settings: list[tuple[str, object]] = []
        self.quits = self.retries = self.reloads = 0

    @property
    def tasks(self) -> TaskRoom:
        raise AssertionError("nobody asks for tasks")

    def handle(self, event: Event | TaskEvent) -> None:
        self.events.append(event)
        ticket = getattr(event, "ticket", None)
        assert isinstance(ticket, int)
        if isinstance(self.reply, NmrError):
            self.requests.replied(ticket, {}, self.reply)
        elif self.reply is not None:
            self.requests.replied(ticket, self.reply, None)

    def status(self) -> Line:
        return {"state": "ok"}

    def state(self) -> Line:
        return {"orders": [1], "number": len(self.events)}

    def page(self, page_id: str) -> Line | None:
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]

    async def open_window(self, window: str) -> None:
        self.windows.append(window)

    async def ping(self, station: str, ask: Callable[[Callable[[int], Event]], Awaitable[object]]) -> Line:
        self.pinged.append(station)
        return {"station": station, "reply": await ask(lambda ticket: WithdrawAsked("ping", ticket))}

    async def set_setting(self, key: str, value: object) -> Line:
        self.settings.append((key, value))
        return {"note": ""}

    def reload(self) -> None:
        self.reloads += 1

    async def retry(self) -> None:
        self.retries += 1

    def quit(self) -> None:
        self.quits += 1

    def say(self, line: Line | Callable[[], Line]) -> None:
        self.said.append(line() if callable(line) else line)

    async def ask(self, do: str, **with_: object) -> object:
        return await self.requests.answer(do, with_, self.say)


def play(scene: Callable[[Agent], Awaitable[None]]) -> Agent:
    agent = Agent()

    async def run() -> None:
        await scene(agent)

    asyncio.run(run())
    assert agent.requests._tickets == {}
    assert agent.requests._watchers == set()
    return agent


@pytest.mark.parametrize(
    ("do", "with_", "event"),
    [
        ("page", {"to": {"role": "kitchen"}}, PageAsked(Audience("role", "kitchen"), ticket=1)),
        (
            "page",
            {"to": {"all": True}, "order": "o", "note": "n", "urgent": True},
            PageAsked(EVERYBODY, "o", "n", urgent=True, ticket=1),
        ),
        ("answer", {"page": "p", "answer": "later"}, AnswerGiven("p", "later", "", 1)),
        ("answer", {"page": "p", "answer": "accepted", "text": "t"}, AnswerGiven("p", "accepted", "t", 1)),
        ("withdraw", {"page": "p"}, WithdrawAsked("p", 1)),
        (
            "order.add",
            {"fields": {"title": "soup"}},
            OrderChanged("", "order", {"title": "soup"}, create=True, ticket=1),
        ),
        ("order.add", {"kind": "item", "fields": {}}, OrderChanged("", "item", {}, create=True, ticket=1)),
        (
            "order.edit",
            {"order": "o", "fields": {"flag_a": True}},
            OrderChanged("o", "order", {"flag_a": True}, ticket=1),
        ),
        ("order.done", {"order": "o"}, OrderChanged("o", "order", {"done": True}, ticket=1)),
        ("order.delete", {"order": "o"}, OrderDropped("o", 1)),
        ("dnd", {"minutes": 30}, QuietAsked(30, 1)),
    ],
)
def test_each_request_is_one_event(do: str, with_: Line, event: Event) -> None:
    async def scene(agent: Agent) -> None:
        assert await agent.ask(do, **with_) == {"page": "p1"}

    assert play(scene).events == [event]


@pytest.mark.parametrize(
    ("do", "with_"),
    [
        ("dance", {}),
        ("page", {}),
        ("page", {"to": "kitchen"}),
        ("page", {"to": {"role": "Kitchen!"}}),
        ("page", {"to": {"role": "kitchen", "all": True}}),
        ("page", {"to": {"all": True}, "note": 5}),
        ("page", {"to": {"all": True}, "urgent": "false"}),
        ("page", {"to": {"all": True}, "wait": 1}),
        ("answer", {"page": "p", "answer": "perhaps"}),
        ("answer", {"page": "p", "answer": ["accepted"]}),
        ("answer", {"page": "p", "answer": "accepted", "text": ["x"]}),
        ("answer", {"answer": "accepted"}),
        ("withdraw", {"page": 7}),
        ("order.add", {"kind": "soup", "fields": {}}),
        ("order.add", {"fields": ["title"]}),
        ("order.add", {"fields": {"title": ["x"]}}),
        ("order.add", {"fields": {"title": 1.5}}),
        ("order.edit", {"fields": {}}),
        ("order.done", {}),
        ("order.delete", {"order": None}),
        ("dnd", {}),
        ("dnd", {"minutes": True}),
        ("dnd", {"minutes": "30"}),
        ("open", {"window": "attic"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing_behind(do: str, with_: Line) -> None:
    async def scene(agent: Agent) -> None:
        with pytest.raises(BadInput):
            await agent.ask(do, **with_)

    assert play(scene).events == []


def test_the_core_s_error_is_the_asker_s_error() -> None:
    async def scene(agent: Agent) -> None:
        agent.reply = NmrError("No", code="no")
        with pytest.raises(NmrError, match="No"):
            await agent.ask("withdraw", page="p")

    play(scene)


def test_an_asker_who_hangs_up_is_forgotten_and_a_late_reply_hurts_nobody() -> None:
    async def scene(agent: Agent) -> None:
        agent.reply = None
        asking = asyncio.ensure_future(agent.ask("withdraw", page="p"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        agent.requests.replied(1, {}, None)
        agent.requests.replied(99, {}, NmrError("nobody asked"))

    play(scene)


def test_waiting_for_a_page_says_each_change_once_until_it_is_settled() -> None:
    async def scene(agent: Agent) -> None:
        sent, shown, over = ({"state": name, "settled": name == "over"} for name in ("sent", "shown", "over"))
        agent.pages = [sent, sent, shown, over]
        asking = asyncio.ensure_future(agent.ask("page", to={"all": True}, wait=True))
        while not asking.done():
            await asyncio.sleep(0)
            agent.requests.changed()
        assert await asking == {"page": "p1"}
        assert [line["page"] for line in agent.said] == [sent, shown, over]

    play(scene)


def test_a_page_that_is_forgotten_is_waited_for_no_longer() -> None:
    async def scene(agent: Agent) -> None:
        agent.pages = [None]
        assert await agent.ask("page", to={"all": True}, wait=True) == {"page": "p1"}

    play(scene)


def test_a_ping_reaches_the_station_that_was_named_and_has_the_core_s_ear() -> None:
    async def scene(agent: Agent) -> None:
        assert await agent.ask("p2p.ping", station="grill") == {"station": "grill", "reply": {"page": "p1"}}
        with pytest.raises(BadInput):
            await agent.ask("p2p.ping")
        assert agent.pinged == ["grill"]

    play(scene)


def test_a_watcher_gets_the_state_at_once_and_after_each_change_until_it_hangs_up() -> None:
    async def scene(agent: Agent) -> None:
        watching = asyncio.ensure_future(agent.ask("watch"))
        await asyncio.sleep(0)
        agent.requests.changed()
        agent.requests.show("pages")
        assert [line["event"] for line in agent.said] == ["state", "state", "show"]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        agent.requests.changed()
        agent.requests.show("pages")
        assert len(agent.said) == 3

    play(scene)


def test_the_rest_is_answered_without_the_core() -> None:
    async def scene(agent: Agent) -> None:
        assert await agent.ask("status") == {"state": "ok"}
        assert await agent.ask("orders") == [1]
        assert await agent.ask("open") == {}
        assert await agent.ask("open", window="pages") == {}
        assert agent.windows == ["orders", "pages"]
        assert await agent.ask("retry") == {}
        assert agent.retries == 1
        assert await agent.ask("quit") == {}
        assert agent.quits == 0, "the answer leaves first"
        async with asyncio.timeout(20):
            while not agent.quits:
                await asyncio.sleep(0.01)

    assert play(scene).events == []


def test_a_setting_is_handed_to_the_station_as_it_came() -> None:
    async def scene(agent: Agent) -> None:
        assert await agent.ask("settings.set", key="ring.again_seconds", value=20) == {"note": ""}
        assert await agent.ask("settings.set", key="ui.mask", value=False) == {"note": ""}
        with pytest.raises(BadInput):
            await agent.ask("settings.set", value=20)

    assert play(scene).settings == [("ring.again_seconds", 20), ("ui.mask", False)]


def test_the_station_looks_at_its_settings_when_told_to() -> None:
    async def scene(agent: Agent) -> None:
        assert await agent.ask("settings.reload") == {}

    assert play(scene).reloads == 1
