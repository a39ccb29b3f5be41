"""Three stations and their hub under whatever comes to mind: no page lost, none rung twice, all of one opinion.

A Hypothesis machine deals out pages, answers, orders, cuts, crashes and faults; at its end everything is healed, and
then nothing may be open that is lost, and nothing may be believed differently at two desks. Each weakened variant
takes one guarantee out, and the machine notices.
"""

from collections.abc import Callable
from functools import lru_cache
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.events import AnswerGiven, Instant, OrderChanged, OrderDropped, PageAsked, WithdrawAsked
from agent.domain.order import Order, merge
from agent.domain.page import SETTLED, Answer, InPage, OutPage, Ring, State
from agent.routing.outbox import Outbox
from agent.station.core import Core
from agent.station.pages.answering import Answering
from agent.station.pages.ends import Ends
from tests.walks.members import Members
from tests.walks.node import Node
from tests.walks.world import World

STATIONS = ("bar", "front", "stove")
AUDIENCES = (Audience("role", "crew"), Audience("person", "anna"), EVERYBODY)
QUIET_S = 200.0
"""Time enough for every repeat, hold and retry of a page that is still alive."""
LONG_S = 4300.0
"""Time enough for every page to end, and for what is quiet to be tried once more."""


@lru_cache(maxsize=1)
def crew() -> Members:
    made = Members()
    made.add("bar", "crew", "lead", person="anna")
    made.add("front", "crew", "lead", person="anna")
    made.add("stove", "crew", "lead", person="ben")
    return made


class Site(RuleBasedStateMachine):
    """The rules; `world` is the state."""

    world: World

    @initialize(seed=st.integers(0, 2**32), delay=st.sampled_from([0.0, 0.5]))
    def open(self, seed: int, delay: float) -> None:
        self.world = World(crew(), Random(seed))
        self.world.advance(1.0)
        self.world.delay = delay

    def node(self, name: str) -> Node:
        return self.world.nodes[name]

    @rule(
        sender=st.sampled_from(STATIONS),
        audience=st.sampled_from(AUDIENCES),
        urgent=st.booleans(),
        about=st.integers(0, 2),
        regret=st.booleans(),
    )
    def page(self, sender: str, audience: Audience, urgent: bool, about: int, regret: bool) -> None:
        """Page somebody, perhaps about an order; whoever regrets it withdraws it before it can have come everywhere."""
        node = self.node(sender)
        if not node.anchored:
            return  # nobody believes what is dated by a wrong clock: its sender is told, which is proven elsewhere
        known = sorted(uuid for uuid, order in node.orders().items() if order.alive)
        node.tell(PageAsked(audience, known[about % len(known)] if about and known else None, "now", urgent))
        if regret:
            self.world.advance(0.05)
            self.withdraw(sender, -1)

    @rule(
        name=st.sampled_from(STATIONS),
        pick=st.integers(0, 5),
        answer=st.sampled_from(["accepted", "declined", "later"]),
    )
    def answer(self, name: str, pick: int, answer: str) -> None:
        node = self.node(name)
        waiting = core(node).ringing.open_pages()
        if waiting and node.anchored:
            node.tell(AnswerGiven(waiting[pick % len(waiting)].id, answer))

    @rule(pick=st.integers(0, 5))
    def two_answer_at_once(self, pick: int) -> None:
        for name in STATIONS:
            self.answer(name, pick, "accepted")

    @rule(name=st.sampled_from(STATIONS), pick=st.integers(0, 5))
    def withdraw(self, name: str, pick: int) -> None:
        node = self.node(name)
        mine = [page for page in core(node).paging.pages.values() if not page.settled]
        if mine and node.anchored:
            node.tell(WithdrawAsked(mine[pick % len(mine)].id))

    @rule(
        name=st.sampled_from(STATIONS), pick=st.integers(0, 5), deed=st.sampled_from(["new", "edit", "done", "delete"])
    )
    def order(self, name: str, pick: int, deed: str) -> None:
        node = self.node(name)
        alive = sorted(uuid for uuid, order in node.orders().items() if order.alive)
        if not node.anchored or (deed != "new" and not alive):
            return
        uuid = alive[pick % len(alive)] if alive else ""
        events: dict[str, OrderChanged | OrderDropped] = {
            "new": OrderChanged("", "order", {"title": f"order {pick}"}, create=True),
            "edit": OrderChanged(uuid, "order", {"title": f"changed {pick}", "flag_a": bool(pick % 2)}),
            "done": OrderChanged(uuid, "order", {"done": True}),
            "delete": OrderDropped(uuid),
        }
        node.tell(events[deed])

    @rule(loss=st.sampled_from([0.0, 0.2, 0.6]), double=st.sampled_from([0.0, 0.5]), delay=st.sampled_from([0.0, 0.5]))
    def trouble(self, loss: float, double: float, delay: float) -> None:
        self.world.loss, self.world.double, self.world.delay = loss, double, delay

    @rule(name=st.sampled_from([*STATIONS, "hub"]))
    def cut_or_heal(self, name: str) -> None:
        node = self.node(name)
        if node.online:
            node.down()
        else:
            node.up()

    @rule(name=st.sampled_from(STATIONS), hours=st.sampled_from([0, 0, -3, 3, 87_600, -87_600]))
    def crash(self, name: str, hours: int) -> None:
        self.node(name).crash(hours * 3_600_000)

    @rule()
    def crash_of_the_hub(self) -> None:
        self.node("hub").crash()

    @rule(name=st.sampled_from([*STATIONS, "hub"]))
    def crash_at_the_next_commit(self, name: str) -> None:
        self.node(name).crash_soon = True

    @rule(seconds=st.sampled_from([0.05, 0.05, 0.2, 1.0, 5.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def no_page_rings_twice_but_in_the_ring_gap(self) -> None:
        for node in self.world.stations:
            for page, times in node.rings.items():
                assert times <= 1 + node.gaps[page], f"{page} rang {times} times at {node.name}"

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.settle(QUIET_S)
        self.no_page_rings_twice_but_in_the_ring_gap()
        for node in self.world.stations:
            for page in core(node).paging.pages.values():
                self.check_page(node, page)
        self.world.settle(LONG_S, self.nothing_is_open)
        self.check_orders()
        self.check_ends()

    def check_page(self, sender: Node, page: OutPage) -> None:
        if page.exp <= sender.now.ms:
            return
        for name, target in page.targets.items():
            found = core(self.node(name)).ringing.pages.get(page.id)
            if page.taken is not None:
                assert found is None or not found.open, f"{page.id} rings on at {name}, taken by {page.taken.station}"
                assert found is None or taker(found) in ("", page.taken.station), f"{page.id}: {name} thinks otherwise"
            elif page.withdrawn:
                assert found is None or not found.open, f"{page.id} rings on at {name}, withdrawn"
            else:
                assert target.state not in (State.EXPIRED, State.MISSED), (
                    f"{page.id} lives, and {name} is told otherwise"
                )
                if target.state not in SETTLED:
                    self.check_waiting(name, page, found)

    def check_waiting(self, name: str, page: OutPage, found: InPage | None) -> None:
        assert found is not None, f"{page.id} never came to {name}"
        assert taker(found) == "", f"{name} thinks that {taker(found)} comes, the sender of {page.id} does not"
        heard = self.node(name).rings[page.id] or found.ring in (Ring.SILENT, Ring.MISSED)
        assert heard, f"{page.id} was lost at {name}: {found.ring} {found.why}"

    def nothing_is_open(self) -> bool:
        pages = all(page.settled for node in self.world.stations for page in core(node).paging.pages.values())
        rings = any(core(node).ringing.open_pages() for node in self.world.stations)
        return pages and not rings and not any(node.disk.outbox for node in self.world.nodes.values())

    def check_orders(self) -> None:
        lists = {node.name: node.orders() for node in self.world.nodes.values()}
        whole: dict[str, Order] = {}
        for orders in lists.values():
            for uuid, order in orders.items():
                whole[uuid] = merge(whole.get(uuid), order)
        for name, orders in lists.items():
            assert orders == whole, f"{name} knows another list"
        for node in self.world.stations:
            assert core(node).ordering.pending == {}, f"changes of {node.name} never reached the hub"

    def check_ends(self) -> None:
        for node in self.world.stations:
            waiting = [page.id for page in core(node).paging.pages.values() if not page.settled]
            assert waiting == [], f"{node.name} was never told what became of {waiting}"
            assert core(node).ringing.open_pages() == [], f"something rings on at {node.name}"
        left = {node.name: sorted(node.disk.outbox) for node in self.world.nodes.values() if node.disk.outbox}
        assert left == {}, "something is repeated for ever"


def core(node: Node) -> Core:
    """The core of a station."""
    assert isinstance(node.core, Core)
    return node.core


def taker(page: InPage) -> str:
    """The station whose person comes, as whoever got the page believes."""
    return page.answer.station if page.answer is not None and page.answer.answer == "accepted" else ""


def play(examples: int, *phases: Phase) -> None:
    """Let the machine try so many stories."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=phases or tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Site, settings=chosen)


def test_no_page_is_lost_or_doubled_and_all_agree() -> None:
    play(250)


def forget_ends(patch: pytest.MonkeyPatch) -> None:
    """An answer or a withdrawal that overtakes its page is dropped."""
    patch.setattr(Ends, "add", lambda *_: [])


def send_once(patch: pytest.MonkeyPatch) -> None:
    """What is not receipted is not repeated."""
    patch.setattr(Outbox, "try_now", lambda *_: None)
    patch.setattr("agent.routing.outbox.pause_before", lambda *_: 1e9)


def handle_at_once(patch: pytest.MonkeyPatch) -> None:
    """A page counts as handled when it came, not when it was shown."""
    patch.setattr(Node, "rings_now", lambda *_: False)


def ignore_answers(patch: pytest.MonkeyPatch) -> None:
    """Only the sender hears who comes."""
    patch.setattr(Answering, "answered", lambda *_: [])


def last_answer_wins(patch: pytest.MonkeyPatch) -> None:
    """Of two who answer at once, everybody believes whom they heard last."""
    patch.setattr(Answer, "__lt__", lambda *_: False)


def ours_says_over(page: InPage | OutPage, now: Instant) -> bool:
    """Judge a page by whatever our own clock says."""
    return page.exp <= now.ms


def believe_any_clock(patch: pytest.MonkeyPatch) -> None:
    """A clock that nobody set right ends what it takes for old."""
    patch.setattr("agent.station.pages.ringing.is_over", ours_says_over)
    patch.setattr("agent.station.pages.tracking.is_over", ours_says_over)
    patch.setattr(Node, "hub_ms", property(lambda node: node.now.ms))


def last_change_wins(patch: pytest.MonkeyPatch) -> None:
    """An order is what was heard of it last."""
    patch.setattr("agent.domain.order.merge", lambda _, theirs: theirs)


WEAK = (forget_ends, send_once, handle_at_once, ignore_answers, last_answer_wins, believe_any_clock, last_change_wins)


@pytest.mark.parametrize("weaken", WEAK, ids=lambda weaken: weaken.__name__)
def test_the_machine_notices_when_a_guarantee_is_taken_out(
    weaken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch)
    with pytest.raises(AssertionError):
        play(300, Phase.generate)
