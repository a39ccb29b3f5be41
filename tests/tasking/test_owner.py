"""The side that asked: late words change nothing, people decide what may have been begun, and every task ends."""

import pytest

from agent.domain.effects import Post, Reply
from agent.domain.events import GaveUp, Woke
from agent.domain.keys import from_b64u
from agent.domain.names import HUB
from agent.domain.task import TaskAgain, TaskAsked, TaskDropped
from agent.domain.tasks import MOST_BYTES, TaskNews
from agent.tasking import book, keeping, worker
from agent.tasking.choice import winner_of
from agent.tasking.parts import read_back
from agent.tasking.speech import assign_id
from agent.tasking.task import Result, State
from agent.tasking.worker import Rules
from tests.tasking.site import Net, Site, ledger_of

LONG = (50.0, 50.0)


def running(site: Site, **values: object) -> tuple[str, str]:
    """A task that runs, and where."""
    id_ = site.ask(**{"data": b"x", **values})
    site.until(lambda: any(f"{id_}@office" in node.running for node in site.nodes.values()))
    site.run(1.0)
    return id_, site.tasks[id_].worker


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


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("size", [20_000, 700_000])
def test_large_data_and_results_come_whole_also_where_much_is_lost(loss: float, size: int) -> None:
    site = Site(13, net=Net(loss=loss), seconds=(5.0, 5.0), size=size)
    id_ = site.ask(data=bytes(size))
    site.until(lambda: site.tasks[id_].ended)
    result = site.checker.stored[id_]
    assert result.blob is not None
    data = read_back(id_, "result", result.blob, site.office.disk.kept["piece"].get)
    assert data is not None
    assert len(data) == size
    assert data.split(b" ")[2].decode() == result.worker
    site.checker.settled()


def test_a_large_result_goes_on_after_both_sides_were_restarted() -> None:
    site = Site(14, net=Net(loss=0.2), seconds=(5.0, 5.0), size=2_000_000)
    id_ = site.ask(data=b"x")
    site.until(lambda: site.tasks[id_].state is State.COLLECTING)
    site.until(lambda: len(site.office.disk.kept["piece"]) > 20)
    worker = site.nodes[site.tasks[id_].worker]
    came = len(site.office.disk.kept["piece"])
    for node in (site.office, worker):
        node.kill()
        node.start()
    assert site.tasks[id_].state is State.COLLECTING
    assert len(site.office.disk.kept["piece"]) >= came
    site.until(lambda: site.tasks[id_].ended)
    assert site.tasks[id_].state is State.DONE
    assert len(site.checker.starts[id_]) == 1


def test_more_than_a_task_may_have_is_refused_before_anything_is_kept() -> None:
    site = Site(15)
    deeds = site.office.tasking.handle(TaskAsked("print", bytes(MOST_BYTES + 1), ticket=4), site.office.now)
    assert [type(deed) for deed in deeds] == [Reply]
    assert isinstance(deeds[0], Reply)
    assert deeds[0].error is not None
    assert site.tasks == {}


def test_whoever_asks_again_with_the_same_id_gets_the_same_task() -> None:
    site, id_ = Site(18), "7" * 32
    for ticket in (1, 2):
        deeds = site.office.tasking.handle(TaskAsked("print", b"{}", id=id_, ticket=ticket), site.office.now)
        assert [deed.result for deed in deeds if isinstance(deed, Reply)] == [{"task": id_}]
    assert list(site.tasks) == [id_]
    assert site.tasks[id_].n <= 1


def test_what_is_long_over_is_forgotten_with_all_that_was_kept_of_it() -> None:
    site = Site(16, seconds=(1.0, 1.0), size=30_000)
    id_ = site.ask(data=bytes(30_000), life_ms=60_000)
    site.until(lambda: site.tasks[id_].ended)
    site.run(31 * 24 * 3600.0)
    for node in site.nodes.values():
        node.handle(Woke())
    kept = {kind: values for node in site.nodes.values() for kind, values in node.disk.kept.items() if values}
    assert kept == {}


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
def test_of_a_task_that_has_ended_no_data_stay(end: str) -> None:
    site = Site(16, seconds=(20.0, 20.0), size=30_000, fails=float(end == "failed"))
    id_, _ = running(site, data=bytes(30_000), tries=1)
    small = site.ask(data=b"x", tries=1)
    if end == "cancelled":
        for task in (id_, small):
            site.office.handle(TaskDropped(task))
    site.until(lambda: site.tasks[id_].ended and site.tasks[small].ended)
    assert {site.tasks[one].state.value for one in (id_, small)} == {end}
    assert [key for key in site.office.disk.kept["piece"] if "/data/" in key] == []
    assert (site.tasks[id_].blob, site.tasks[small].data) == (None, "")


def test_what_a_worker_gave_back_does_not_stay_on_its_disk_for_long() -> None:
    site = Site(16, seconds=(1.0, 1.0), fails=1.0)
    id_ = site.ask(data=bytes(30_000), tries=2)
    site.until(lambda: site.tasks[id_].ended)
    pieces = [node.disk.kept["piece"] for node in site.nodes.values()]
    assert any(pieces)  # it might have come again
    site.run(2 * 3600.0 + 1.0)
    for node in site.nodes.values():
        node.handle(Woke())
    assert not any(pieces)


@pytest.mark.parametrize(("limit", "most"), [("MOST_ENDED", 3), ("MOST_LARGE_BYTES", 100_000)])
def test_only_the_newest_results_stay_where_there_are_many(
    limit: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (keeping, book, worker):
        monkeypatch.setattr(module, limit, most, raising=False)
    site = Site(16, {"ant": Rules(1, {"print": 1})}, seconds=(1.0, 1.0), size=30_000)
    ids = []
    for _ in range(6):
        ids.append(id_ := site.ask(data=b"x"))
        site.until(lambda: site.tasks[id_].ended)
        site.run(5.0)
    site.run(3600.0)
    for node in site.nodes.values():
        node.handle(Woke())
    assert list(site.tasks) == ids[3:]
    assert list(site.nodes["ant"].tasking.worker.jobs) == [f"{id_}@office" for id_ in ids[3:]]
    for node in (site.office, site.nodes["ant"]):
        assert {key[:32] for key in node.disk.kept["piece"]} == set(ids[3:])


def test_a_result_waits_for_its_owner_for_as_long_as_the_task_has_time() -> None:
    site = Site(16, seconds=(5.0, 5.0))
    id_, first = running(site, once=True, life_ms=5 * 86_400_000)
    site.office.kill()
    site.run(3 * 86_400.0)
    site.office.start()
    site.until(lambda: site.tasks[id_].ended)
    assert (site.tasks[id_].state, site.tasks[id_].worker) == (State.DONE, first)


def test_results_are_stored_once_in_two_hundred_doubled_runs() -> None:
    for seed in range(200):
        site = Site(seed, net=Net(0.005, 0.5, 0.1, 1.0), seconds=(0.2, 3.0))
        id_ = site.ask(data=b"x")
        site.until(lambda: site.tasks[id_].ended)  # noqa: B023 - used at once
        assert len(site.checker.starts[id_]) == 1
        assert from_b64u(site.checker.stored[id_].data).startswith(id_.encode())
        assert isinstance(site.checker.stored[id_], Result)
