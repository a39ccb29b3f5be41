"""The side that asked: late words change nothing, people decide what may have been begun, and every task ends."""

import pytest

from agent.domain.effects import Post, Reply, Tell, Unnotify
from agent.domain.events import GaveUp, Instant
from agent.domain.keys import from_b64u
from agent.domain.names import HUB
from agent.domain.task import Leaving, TaskAgain, TaskAsked, TaskDropped
from agent.domain.tasks import TaskNews
from agent.tasking.choice import winner_of
from agent.tasking.course import advance
from agent.tasking.speech import assign_id
from agent.tasking.task import Refused, Result, State, Task
from agent.tasking.worker import Rules
from agent.ui.texts.task import task_texts
from tests.tasking.site import Net, Site, ledger_of, running

LONG = (50.0, 50.0)


@pytest.mark.parametrize("asleep", [False, True])
@pytest.mark.parametrize("seconds", [(40.0, 40.0), (100.0, 100.0)])
def test_a_worker_that_slept_past_its_lease_stops_or_hears_that_it_is_superseded(
    asleep: bool, seconds: tuple[float, float]
) -> None:
    site = Site(4, seconds=seconds)
    id_, first = running(site)
    site.nodes[first].freeze()
    site.until(lambda: site.tasks[id_].worker not in ("", first))
    site.run(20.0)
    site.nodes[first].thaw(asleep=asleep)
    site.run(1.0)
    assert f"{id_}@office" not in site.nodes[first].running
    site.until(lambda: site.tasks[id_].ended)
    site.run(200.0)
    site.checker.settled()
    assert site.checker.stored[id_].worker != first


def test_a_result_that_comes_after_another_was_stored_changes_nothing_and_its_worker_is_told() -> None:
    site = Site(4, seconds=(20.0, 20.0))
    id_, first = running(site)
    site.cut.add(first)
    other = "bee" if first == "ant" else "ant"
    site.until(lambda: f"{id_}@office" in site.nodes[other].running)
    site.until(lambda: site.tasks[id_].ended)
    stored = site.checker.stored[id_]
    site.cut.clear()
    site.run(300.0)
    assert stored.worker == other
    assert site.office.disk.kept["result"].keys() == {id_}
    assert site.checker.stored[id_] == stored
    job = site.nodes[first].tasking.worker.jobs[f"{id_}@office"]
    assert job.fenced >= job.n  # it knows that it is over


def test_what_may_be_done_once_goes_to_a_person_who_decides() -> None:
    site = Site(5, seconds=LONG)
    id_, first = running(site, once=True)
    site.nodes[first].kill()
    site.until(lambda: site.tasks[id_].state is State.HELD)
    site.run(1000.0)
    assert site.tasks[id_].state is State.HELD
    assert len(site.checker.starts[id_]) == 1
    site.office.handle(TaskAgain(id_))
    site.until(lambda: site.tasks[id_].ended)
    assert site.tasks[id_].state is State.DONE
    assert len(site.checker.starts[id_]) == 2


def test_what_may_be_done_once_and_was_not_begun_goes_to_the_next_by_itself() -> None:
    site = Site(5, {"ant": Rules(1, {"print": 1}), "bee": Rules(1, {"print": 1})}, seconds=LONG)
    running(site)
    id_, _ = running(site, once=True)  # the first worker is full or was not chosen
    site.until(lambda: site.tasks[id_].ended)
    assert site.tasks[id_].state is State.DONE
    assert len(site.checker.starts[id_]) == 1


def test_a_task_that_is_taken_back_stops_and_stays_so() -> None:
    site = Site(6, seconds=LONG)
    id_, first = running(site)
    site.office.handle(TaskDropped(id_))
    site.run(2.0)
    assert f"{id_}@office" not in site.nodes[first].running
    site.run(300.0)
    assert site.tasks[id_].state is State.CANCELLED
    assert id_ not in site.checker.stored


def test_retries_end() -> None:
    site = Site(7, seconds=(1.0, 2.0), fails=1.0)
    id_ = site.ask(data=b"x", tries=3)
    site.until(lambda: site.tasks[id_].ended)
    task = site.tasks[id_]
    assert (task.state, task.code, task.why, len(site.checker.starts[id_])) == (State.FAILED, "exit", "it did not", 3)


def test_a_task_that_nobody_can_do_ends_with_its_life() -> None:
    site = Site(8, workers={"ant": Rules(1, {"scan": 1})})
    id_ = site.ask(data=b"x", life_ms=600_000)
    took = site.until(lambda: site.tasks[id_].ended)
    assert 599.9 <= took <= 601.0
    assert (site.tasks[id_].state, site.tasks[id_].code) == (State.FAILED, "nobody")
    assert site.checker.starts[id_] == []


def test_a_worker_that_is_shown_out_of_the_site_loses_its_tasks_at_once() -> None:
    site = Site(9, seconds=LONG)
    id_, first = running(site)
    site.ledger = ledger_of("office", "bee" if first == "ant" else "ant")
    site.office.run(site.office.tasking.ledger_grew(site.office.now), "LedgerGrew")
    assert site.tasks[id_].worker not in ("", first)


@pytest.mark.parametrize("minutes", [(2.0, 3.0), (5.0, 10.0), (20.0, 30.0), (60.0, 120.0)])
def test_a_task_is_done_however_slow_mail_is_and_is_not_handed_round_meanwhile(minutes: tuple[float, float]) -> None:
    fast, slow = minutes
    site = Site(17, net=Net(fast * 60.0, slow * 60.0, link="mail"), seconds=(5.0, 20.0))
    id_ = site.ask(data=b"x")
    site.until(lambda: site.tasks[id_].ended, 24 * 3600.0)
    assert site.tasks[id_].state is State.DONE
    assert site.tasks[id_].n == 1
    site.run(4 * 3600.0)
    site.checker.settled()


def test_an_assignment_that_cannot_be_delivered_goes_to_somebody_else_at_once() -> None:
    site = Site(10, seconds=LONG)
    first = site.ask(data=b"x")
    site.until(lambda: site.tasks[first].ended)
    site.cut |= {"ant", "bee"}
    id_ = site.ask(data=b"x")
    task = site.tasks[id_]
    assert task.state is State.ASSIGNED
    site.office.handle(GaveUp(assign_id(task), task.worker, "revoked"))
    assert site.tasks[id_].worker not in ("", task.worker)


def test_why_this_one_can_be_told_afterwards() -> None:
    site = Site(11)
    first = site.ask(data=b"x")
    site.until(lambda: site.tasks[first].ended)
    id_ = site.ask(data=b"x")
    site.until(lambda: site.tasks[id_].ended)
    (verdict,) = site.tasks[id_].choices
    assert verdict.winner == winner_of(verdict.judged) == site.checker.stored[id_].worker
    assert {one.station for one in verdict.judged} == {"ant", "bee"}


def test_the_hub_hears_that_a_task_is_new_and_how_it_ended_and_nothing_of_what_is_in_it() -> None:
    site, heard = Site(12), list[TaskNews]()
    handle = site.office.tasking.handle

    def watch(*given: object) -> object:
        deeds = handle(*given)  # type: ignore[arg-type]  # as it is called
        heard.extend(d.params for d in deeds if isinstance(d, Post) and isinstance(d.params, TaskNews))
        assert all(d.recipients == (HUB,) for d in deeds if isinstance(d, Post) and isinstance(d.params, TaskNews))
        return deeds

    site.office.tasking.handle = watch  # type: ignore[assignment,method-assign]  # the same with ears
    id_ = site.ask(data=b"secret")
    site.until(lambda: site.tasks[id_].ended)
    assert [(news.task, news.state) for news in heard] == [(id_, "new"), (id_, "done")]


def test_whoever_asks_again_with_the_same_id_gets_the_same_task() -> None:
    site, id_ = Site(18), "7" * 32
    for ticket in (1, 2):
        deeds = site.office.tasking.handle(TaskAsked("print", b"{}", id=id_, ticket=ticket), site.office.now)
        assert [deed.result for deed in deeds if isinstance(deed, Reply)] == [{"task": id_}]
    assert list(site.tasks) == [id_]
    assert site.tasks[id_].n <= 1


def test_a_person_who_has_to_decide_is_asked_again_after_a_restart_and_no_more_when_it_is_decided() -> None:
    site = Site(5, seconds=LONG)
    id_, first = running(site, once=True)
    site.nodes[first].kill()
    site.until(lambda: site.tasks[id_].state is State.HELD)
    site.office.kill()
    site.office.start()
    owner, now = site.office.tasking.owner, site.office.now
    assert [one.key for one in owner.restart(now) if isinstance(one, Tell)] == [id_]
    assert Unnotify(id_) in owner.dropped(TaskDropped(id_), now)


def test_whoever_sits_here_hears_of_a_task_that_failed_though_nobody_waits_for_it() -> None:
    site = Site(8, workers={"ant": Rules(1, {"scan": 1})})
    dropped, failed = (site.ask(data=b"x", life_ms=60_000) for _ in range(2))
    owner, now = site.office.tasking.owner, site.office.now
    assert not any(isinstance(deed, Tell) for deed in owner.dropped(TaskDropped(dropped), now))
    (notice,) = [deed for deed in owner.woke(Instant(now.mono + 61.0, now.ms + 61_000)) if isinstance(deed, Tell)]
    assert notice.values == {"type": "print", "text": f"nmr task explain {failed[-8:]}"}


@pytest.mark.parametrize("code", ["lost", "interrupted", "leaving", "no-grant", "exit", "revoked"])
def test_whoever_asked_is_told_in_words_why_it_came_to_nothing(code: str) -> None:
    site = Site(9, seconds=LONG, fails=float(code == "exit"))
    id_, first = running(site, tries=1)
    match code:
        case "lost":
            site.nodes[first].kill()
        case "interrupted":
            site.nodes[first].kill()
            site.nodes[first].start()
        case "leaving":
            site.nodes[first].handle(Leaving())
        case "no-grant":
            site.cut.add(first)
            site.after(25.0, site.cut.clear)
        case "revoked":
            site.ledger = ledger_of("office", "bee" if first == "ant" else "ant")
            site.office.run(site.office.tasking.ledger_grew(site.office.now), "LedgerGrew")
    took = site.until(lambda: site.tasks[id_].ended)
    assert took <= 55.0
    assert (site.tasks[id_].state, site.tasks[id_].code) == (State.FAILED, code)
    for language in ("en", "de"):
        assert task_texts(language).has(f"code.{code}")


@pytest.mark.parametrize(("lease_ms", "seconds"), [(30_000, 5), (900_000, 150)])
def test_who_had_no_room_is_asked_again_soon_nearby_and_later_by_mail(lease_ms: int, seconds: int) -> None:
    task = Task("7" * 32, "print", 0, 10**9, state=State.ASSIGNED, n=1, worker="ant", lease_ms=lease_ms)
    after, _ = advance(task, Refused("full"), Instant(0.0, 1000))
    assert after.shunned["ant"].until == 1000 + seconds * 1000


@pytest.mark.parametrize("runs", [200, pytest.param(2000, marks=pytest.mark.long)])
@pytest.mark.parametrize("link", ["mqtt", "mail"])
def test_each_task_has_one_effect_and_one_result_where_everything_is_doubled(runs: int, link: str) -> None:
    loss, slow, seconds = (0.1, 0.5, 3.0) if link == "mqtt" else (0.0, 60.0, 300.0)
    for seed in range(runs):
        site = Site(seed, net=Net(0.005, slow, loss, 1.0, link), seconds=(0.2, seconds))
        id_ = site.ask(data=b"x")
        site.until(lambda: site.tasks[id_].ended)  # noqa: B023 - used at once
        assert len(site.checker.starts[id_]) == 1
        assert from_b64u(site.checker.stored[id_].data).startswith(id_.encode())
        assert isinstance(site.checker.stored[id_], Result)
