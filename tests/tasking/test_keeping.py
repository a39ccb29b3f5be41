"""Data and results: they come whole, whatever befalls either side, and stay for as long as somebody may want them."""

import pytest

from agent.domain.effects import Reply
from agent.domain.events import Woke
from agent.domain.task import TaskAsked, TaskDropped
from agent.domain.tasks import MOST_BYTES
from agent.tasking import book, keeping, worker
from agent.tasking.parts import key_of, read_back
from agent.tasking.task import State
from agent.tasking.worker import Rules
from tests.tasking.site import Net, Site, running


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


def test_what_is_long_over_is_forgotten_with_all_that_was_kept_of_it() -> None:
    site = Site(16, seconds=(1.0, 1.0), size=30_000)
    id_ = site.ask(data=bytes(30_000), life_ms=60_000)
    site.until(lambda: site.tasks[id_].ended)
    site.run(31 * 24 * 3600.0)
    for node in site.nodes.values():
        node.handle(Woke())
    kept = {kind: values for node in site.nodes.values() for kind, values in node.disk.kept.items() if values}
    assert kept == {}


def test_a_result_that_stuck_half_way_comes_when_its_worker_is_back_and_nobody_has_to_decide() -> None:
    site = Site(14, net=Net(loss=0.2), seconds=(5.0, 5.0), size=2_000_000)
    id_ = site.ask(data=b"x", once=True)
    site.until(lambda: site.tasks[id_].state is State.COLLECTING)
    site.run(1.0)
    worker = site.nodes[site.tasks[id_].worker]
    worker.kill()
    site.until(lambda: site.tasks[id_].state is State.HELD)
    came = len(site.office.disk.kept["piece"])
    assert came > 0
    site.run(600.0)
    worker.start()
    site.until(lambda: site.tasks[id_].ended)
    assert site.tasks[id_].state is State.DONE
    assert len(site.checker.starts[id_]) == 1
    site.checker.settled()


def test_a_task_whose_data_are_lost_here_fails_at_once_and_not_when_its_time_is_over() -> None:
    site = Site(12)
    id_ = site.ask(data=bytes(30_000))
    del site.office.disk.kept["piece"][key_of(id_, "data", 1)]
    site.until(lambda: site.tasks[id_].ended, 5.0)
    assert (site.tasks[id_].state, site.tasks[id_].code) == (State.FAILED, "data")
    site.run(60.0)
    assert not any(job.active for node in site.nodes.values() for job in node.tasking.worker.jobs.values())


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
