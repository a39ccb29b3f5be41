"""The side that works: only what it was told it may, never twice, and nobody else's."""

from collections.abc import Callable

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Effect, Keep, Post, WakeAt
from agent.domain.envelope import Envelope
from agent.domain.events import Arrived, Instant, Woke
from agent.domain.messages import Parameters
from agent.domain.task import Leaving, LoadKnown, Outcome, RunTask, StopTask, TaskEnded, TaskProgressed
from agent.domain.tasks import (
    TYPE_OF,
    Lease,
    LeaseAsk,
    TaskAccept,
    TaskAssign,
    TaskCancel,
    TaskDecline,
    TaskGrant,
    TaskRenew,
    TaskResult,
    TaskSuperseded,
)
from agent.tasking.job import State
from agent.tasking.worker import Rules
from tests.tasking.node import Node
from tests.tasking.site import Site
from tests.walks.members import SITE

ID = "a" * 32


class Bench:
    """One worker alone; what it says is looked at, and nobody answers but the test."""

    def __init__(self, **types: int) -> None:
        rules = Rules(2, types or {"print": 2})
        self.site = Site(1, {"ant": rules})
        self.node: Node = self.site.nodes["ant"]
        self.seconds = 0.0
        self.n = 0

    @property
    def now(self) -> Instant:
        return Instant(self.node.offset + self.seconds, 1_800_000_000_000 + round(self.seconds * 1000))

    def tell(self, event: object) -> list[Effect]:
        """Let something happen; what shall be done."""
        return self.node.tasking.handle(event, self.now)

    def hear(
        self, params: Parameters, sender: str = "office", *, link: str = "mqtt", expired: bool = False
    ) -> list[Effect]:
        """Let a message come."""
        self.n += 1
        envelope = Envelope(
            v=1,
            site=SITE,
            id=f"{self.n:032x}",
            sender=sender,
            to=Audience("station", "ant").to_wire(),
            type=TYPE_OF[type(params)],
            at=self.now.ms,
            exp=self.now.ms + 1000,
            re=None,
            want=1,
            prio=1,
            head=None,
            p={},
        )
        return self.tell(Arrived(envelope, params, link, expired=expired))

    def assign(self, n: int = 1, *, task: str = ID, type_: str = "print", once: bool = False) -> list[Effect]:
        """Let an assignment come."""
        until = self.now.ms + 86_400_000
        return self.hear(TaskAssign(task=task, n=n, type=type_, lease_ms=30_000, until=until, once=once, data="eA"))


def said(deeds: list[Effect]) -> list[Parameters]:
    """What is said to others."""
    return [deed.params for deed in deeds if isinstance(deed, Post) and not isinstance(deed.params, Lease)]


def runs(deeds: list[Effect]) -> list[RunTask]:
    return [deed for deed in deeds if isinstance(deed, RunTask)]


def done(bench: Bench, run: int = 1) -> list[Effect]:
    return bench.tell(TaskEnded(f"{ID}@office", run, Outcome(ok=True, data=b"paper")))


def test_it_is_kept_that_a_task_is_begun_before_it_is_and_before_anybody_hears() -> None:
    kinds = [type(deed) for deed in Bench().assign() if isinstance(deed, Keep | Post | RunTask)]
    assert kinds == [Keep, Post, RunTask]


def test_a_result_is_the_answer_for_thirty_days_and_the_task_is_not_run_again() -> None:
    bench = Bench()
    assert len(runs(bench.assign())) == 1
    done(bench)
    bench.seconds = 29 * 86_400.0
    bench.tell(Woke())
    (result,) = said(bench.assign(5))
    assert isinstance(result, TaskResult)
    assert (result.n, result.ok, result.data) == (5, True, "cGFwZXI")
    bench.seconds = 31 * 86_400.0
    forgotten = [deed for deed in bench.tell(Woke()) if isinstance(deed, Keep) and deed.kind == "job"]
    assert forgotten == [Keep("job", f"{ID}@office", None)]


@pytest.mark.parametrize("times", [2, 5])
def test_an_assignment_that_comes_again_runs_nothing(times: int) -> None:
    bench = Bench()
    assert sum(len(runs(bench.assign())) for _ in range(times)) == 1
    done(bench)
    assert [type(one) for one in said(bench.assign())] == [TaskResult]


def test_an_older_assignment_that_comes_late_means_nothing() -> None:
    bench = Bench()
    bench.assign(3)
    assert bench.assign(2) == []


def test_what_it_was_not_told_it_may_do_it_declines_and_what_is_too_much_as_well() -> None:
    bench = Bench(print=2, scan=1)
    assert said(bench.assign(type_="delete-all")) == [TaskDecline(task=ID, n=1, why="type")]
    bench.assign(task="1" * 32, type_="scan")
    assert said(bench.assign(task="2" * 32, type_="scan")) == [TaskDecline(task="2" * 32, n=1, why="full")]
    bench.assign(task="3" * 32)
    assert said(bench.assign(task="4" * 32)) == [TaskDecline(task="4" * 32, n=1, why="full")]
    assert len(bench.node.tasking.worker.jobs) == 5


def test_an_assignment_that_came_too_late_is_not_begun() -> None:
    bench = Bench()
    assign = TaskAssign(task=ID, n=1, type="print", lease_ms=30_000, until=bench.now.ms + 1000)
    assert bench.hear(assign, expired=True) == []


def test_a_cancel_that_overtakes_its_assignment_keeps_it_from_being_begun() -> None:
    bench = Bench()
    bench.hear(TaskCancel(task=ID, n=2))
    assert bench.assign(1) == bench.assign(2) == []
    assert len(runs(bench.assign(3))) == 1


@pytest.mark.parametrize("word", [TaskCancel, TaskSuperseded])
def test_a_cancelled_task_stops_and_what_it_still_brings_is_not_told(word: type[TaskCancel]) -> None:
    bench = Bench()
    bench.assign()
    assert StopTask(f"{ID}@office", 1, "cancelled") in bench.hear(word(task=ID, n=1))
    assert done(bench) == []


def test_nobody_but_its_owner_reaches_a_task() -> None:
    bench = Bench()
    bench.assign()
    for word in (TaskCancel(task=ID, n=1), TaskSuperseded(task=ID, n=9)):
        assert not any(isinstance(deed, StopTask) for deed in bench.hear(word, "bee"))
    assert bench.node.tasking.worker.jobs[f"{ID}@office"].state is State.RUNNING


def test_what_may_be_done_once_waits_for_its_owner() -> None:
    bench = Bench()
    deeds = bench.assign(once=True)
    assert (runs(deeds), said(deeds)) == ([], [TaskAccept(task=ID, n=1)])
    assert runs(bench.hear(TaskGrant(task=ID, n=2, k=0))) == []
    bench.seconds = 2.0
    assert len(runs(bench.hear(TaskGrant(task=ID, n=1, k=0)))) == 1
    assert runs(bench.hear(TaskGrant(task=ID, n=1, k=0))) == []


def test_what_may_be_done_once_and_was_not_granted_in_time_is_given_back_and_a_late_grant_begins_nothing() -> None:
    bench = Bench()
    bench.assign(once=True)
    bench.seconds = 24.0
    assert said(bench.tell(Woke())) == [TaskDecline(task=ID, n=1, why="no-grant")]
    assert runs(bench.hear(TaskGrant(task=ID, n=1, k=0))) == []


def test_it_renews_each_third_of_the_lease_and_stops_at_80_percent_of_it_without_a_grant() -> None:
    bench, renewed, stopped = Bench(), list[float](), list[float]()
    bench.assign()
    for tenth in range(300):
        bench.seconds = tenth / 10
        deeds = bench.tell(Woke())
        renewed += [bench.seconds for one in said(deeds) if isinstance(one, TaskRenew)]
        stopped += [bench.seconds for one in deeds if isinstance(one, StopTask)]
    assert (renewed, stopped) == ([10.0, 20.0], [24.0])


def test_a_grant_counts_from_when_the_renewal_was_said() -> None:
    bench = Bench()
    bench.assign()
    bench.seconds = 10.0
    bench.tell(Woke())
    bench.seconds = 20.0
    bench.hear(TaskGrant(task=ID, n=1, k=1))
    bench.seconds = 33.9
    assert not any(isinstance(deed, StopTask) for deed in bench.tell(Woke()))
    bench.seconds = 34.0
    assert any(isinstance(deed, StopTask) for deed in bench.tell(Woke()))


def test_a_computer_whose_clock_stood_while_it_slept_stops_by_the_other_clock() -> None:
    bench = Bench()
    bench.assign()
    asleep = Instant(bench.now.mono + 1.0, bench.now.ms + 600_000)
    deeds = bench.node.tasking.handle(Woke(), asleep)
    assert any(isinstance(deed, StopTask) for deed in deeds)


def test_after_a_short_sleep_it_wakes_in_time_to_stop() -> None:
    bench = Bench()
    bench.assign()
    slept = Instant(bench.now.mono + 1.0, bench.now.ms + 12_000)
    wakes = [deed.mono for deed in bench.node.tasking.handle(Woke(), slept) if isinstance(deed, WakeAt)]
    assert min(wakes) <= slept.mono + 12.0
    bench.node.tasking.handle(Woke(), Instant(slept.mono + 9.0, slept.ms + 9000))  # it renews, and nobody answers
    late = Instant(slept.mono + 9.1, slept.ms + 9100)
    wakes = [deed.mono for deed in bench.node.tasking.handle(Woke(), late) if isinstance(deed, WakeAt)]
    assert min(wakes) <= slept.mono + 12.0


def progress_told(bench: Bench, seconds: int, at: Callable[[int], int]) -> list[tuple[float, int]]:
    """Let a task get on each second as `at` says; when how far it is was told."""
    told = list[tuple[float, int]]()
    for quarter in range(4 * seconds):
        bench.seconds = quarter / 4
        event = TaskProgressed(f"{ID}@office", 1, at(quarter // 4), "line\n7")
        for deeds in (bench.tell(event) if quarter % 4 == 0 else [], bench.tell(Woke())):
            told += [(bench.seconds, one.done) for one in said(deeds) if isinstance(one, TaskRenew)]
            ks = [one.k for one in said(deeds) if isinstance(one, TaskRenew)]
            for k in ks:
                bench.hear(TaskGrant(task=ID, n=1, k=k))
    return told


def test_how_far_it_is_goes_when_it_changes_but_not_too_often() -> None:
    bench = Bench()
    bench.assign()
    told = progress_told(bench, 10, lambda second: second * 50)
    assert told == [(1.5, 50), (3.0, 150), (4.5, 200), (6.0, 300), (7.5, 350), (9.0, 450)]


def test_what_changed_right_after_a_word_is_told_soon_and_what_does_not_change_only_with_the_renewals() -> None:
    bench = Bench()
    bench.assign()
    assert progress_told(bench, 30, lambda second: min(second, 2) * 50) == [
        (1.5, 50),
        (3.0, 100),
        (13.0, 100),
        (23.0, 100),
    ]


def test_by_mail_how_far_it_is_goes_with_the_renewals_alone() -> None:
    bench = Bench()
    bench.hear(TaskAssign(task=ID, n=1, type="print", lease_ms=900_000, until=bench.now.ms + 86_400_000), link="mail")
    assert [when for when, _ in progress_told(bench, 900, lambda second: second)] == [300.0, 600.0]


def test_a_task_that_gets_on_all_the_time_goes_on_though_each_grant_is_slow() -> None:
    bench, answers = Bench(), list[tuple[float, int]]()
    bench.assign()
    for second in range(120):
        bench.seconds = float(second)
        deeds = bench.tell(TaskProgressed(f"{ID}@office", 1, second))
        answers += [(bench.seconds + 15.0, one.k) for one in said(deeds) if isinstance(one, TaskRenew)]
        for _, k in [one for one in answers if one[0] == bench.seconds]:
            bench.hear(TaskGrant(task=ID, n=1, k=k))
        bench.tell(Woke())
    assert bench.node.tasking.worker.jobs[f"{ID}@office"].state is State.RUNNING


def test_a_clean_stop_gives_everything_back_and_says_not_available() -> None:
    bench = Bench()
    bench.hear(LeaseAsk())
    bench.assign(task="1" * 32, once=True)
    bench.assign()
    bench.seconds = 3.0
    deeds = bench.tell(Leaving())
    (post,) = [deed for deed in deeds if isinstance(deed, Post) and isinstance(deed.params, Lease)]
    assert isinstance(post.params, Lease)
    assert (post.params.free, post.params.until) == (0, bench.now.ms)
    assert post.life_ms is not None
    assert post.life_ms >= 15 * 60_000  # however late it comes, nobody has to believe the lease before
    assert {type(one) for one in said(deeds)} == {TaskDecline, TaskResult}
    assert said(bench.assign(task="5" * 32)) == [TaskDecline(task="5" * 32, n=1, why="leaving")]


def test_leases_are_renewed_while_somebody_needs_them_and_say_what_is_free() -> None:
    bench, leases = Bench(), list[tuple[float, int, int]]()
    bench.tell(LoadKnown(40))

    def look(deeds: list[Effect]) -> None:
        for deed in deeds:
            if isinstance(deed, Post) and isinstance(deed.params, Lease):
                assert deed.recipients == ("office", "hub")
                leases.append((bench.seconds, deed.params.free, deed.params.load))

    look(bench.hear(LeaseAsk()))
    bench.assign()
    for second in range(1, 4000):
        bench.seconds = float(second)
        look(bench.tell(Woke()))
        bench.hear(TaskGrant(task=ID, n=1, k=bench.node.tasking.worker.jobs[f"{ID}@office"].k))
    assert leases[:4] == [(0.0, 2, 40), (10.0, 1, 40), (20.0, 1, 40), (30.0, 1, 40)]
    assert 3590.0 <= leases[-1][0] <= 3600.0


def test_a_lease_by_mail_lasts_a_quarter_of_an_hour() -> None:
    bench = Bench()
    (post,) = [deed for deed in bench.hear(LeaseAsk(), link="mail") if isinstance(deed, Post)]
    assert isinstance(post.params, Lease)
    assert post.params.until == bench.now.ms + 15 * 60_000
