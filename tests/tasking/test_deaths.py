"""Whoever dies at whatever step: the task moves on in time, and there is exactly one result."""

from collections.abc import Callable

import pytest

from agent.tasking.task import State
from agent.tasking.worker import Rules
from tests.tasking.site import Net, Site

LONG = (50.0, 50.0)
"""Seconds a program runs: longer than a lease, so that there are renewals."""
STEPS = [
    *((step, side) for step in ("TaskAssign", "TaskGrant", "Woke", "TaskEnded") for side in ("before", "after")),
]
OWNER_STEPS = [
    *(
        (step, side)
        for step in ("TaskAsked", "Lease", "TaskAccept", "TaskRenew", "TaskResult")
        for side in ("before", "after")
    )
]


def warm(seed: int = 1, net: Callable[[], Net] = Net, seconds: tuple[float, float] = LONG) -> Site:
    """A site whose workers the owner has heard of: a first task is over."""
    site = Site(seed, net=net(), seconds=seconds)
    first = site.ask()
    site.until(lambda: site.tasks[first].ended, 4 * 3600.0)
    site.run(400.0)
    for node in site.nodes.values():
        node.steps.clear()
    return site


def steps_of(site: Site, name: str) -> set[str]:
    """The steps at which a station was while a task was done."""
    id_ = site.ask(data=b"x")
    site.until(lambda: site.tasks[id_].ended, 4 * 3600.0)
    site.run(5.0)
    return set(site.nodes[name].steps)


def test_the_steps_that_are_named_here_are_all_there_are() -> None:
    worker = {step for name in ("ant", "bee") for step in steps_of(warm(), name)} - {
        "TaskCancel.before",
        "TaskCancel.after",
    }
    assert worker == {f"{step}.{side}" for step, side in STEPS}
    assert steps_of(Site(1, seconds=LONG), "office") == {f"{step}.{side}" for step, side in OWNER_STEPS}


@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize(("step", "side"), STEPS)
def test_a_worker_that_dies_on_a_fast_link_is_replaced_within_45_seconds(
    step: str, side: str, comes_back: bool
) -> None:
    site = warm()
    for name in ("ant", "bee"):
        site.nodes[name].die_at = (f"{step}.{side}", 1)
    id_ = site.ask(data=b"x")
    site.until(lambda: bool(site.checker.deaths) or site.tasks[id_].ended)
    for node in site.nodes.values():
        node.die_at = None
    if site.checker.deaths:
        dead, death = site.checker.deaths[0]
        if comes_back:
            site.after(20.0, site.nodes[dead].start)
        taken = {"TaskEnded.after"}  # the result is committed, and comes when the worker is back
        if comes_back and f"{step}.{side}" in taken:
            site.until(lambda: site.tasks[id_].ended)
        else:
            site.until(lambda: len(site.checker.assigned[id_]) > 1)
            assert site.checker.reassigned(id_, death) <= 45.0
    site.until(lambda: site.tasks[id_].ended)
    site.run(200.0)
    assert site.tasks[id_].state is State.DONE
    site.checker.settled()


@pytest.mark.parametrize(("step", "side"), STEPS)
def test_a_worker_that_dies_behind_a_mailbox_is_replaced_within_lease_and_acceptance(step: str, side: str) -> None:
    site = warm(net=lambda: Net(2.0, 30.0, link="mail"), seconds=(1000.0, 1000.0))
    for name in ("ant", "bee"):
        site.nodes[name].die_at = (f"{step}.{side}", 1)
    id_ = site.ask(data=b"x")
    site.until(lambda: bool(site.checker.deaths) or site.tasks[id_].ended, 4 * 3600.0)
    for node in site.nodes.values():
        node.die_at = None
    assert site.checker.deaths
    _, death = site.checker.deaths[0]
    task = site.tasks[id_]
    accept_s = 2 * site.office.tasking.owner.trips.p95
    site.until(lambda: len(site.checker.assigned[id_]) > 1, 4 * 3600.0)
    assert site.checker.reassigned(id_, death) <= task.lease_ms / 1000 + accept_s
    site.until(lambda: site.tasks[id_].ended, 4 * 3600.0)
    site.checker.settled()


@pytest.mark.parametrize(("step", "side"), OWNER_STEPS)
def test_an_owner_that_dies_at_any_step_goes_on_where_it_was(step: str, side: str) -> None:
    site = Site(1, seconds=LONG)
    site.office.die_at = (f"{step}.{side}", 1)
    site.ask(data=b"x")
    site.until(lambda: bool(site.checker.deaths))
    site.run(5.0)
    site.office.start()
    if step == "TaskAsked" and side == "before":
        assert site.tasks == {}  # and nobody was told that there is a task
        return
    (id_,) = site.tasks
    site.until(lambda: site.tasks[id_].ended)
    site.run(200.0)
    assert site.tasks[id_].state is State.DONE
    site.checker.settled()


@pytest.mark.parametrize("step", [step for step, _ in STEPS])
def test_a_task_that_may_be_done_once_is_never_begun_again_by_itself(step: str) -> None:
    site = warm()
    for name in ("ant", "bee"):
        site.nodes[name].die_at = (f"{step}.after", 1)
    id_ = site.ask(data=b"x", once=True)
    site.until(lambda: bool(site.checker.deaths) or site.tasks[id_].ended)
    for node in site.nodes.values():
        node.die_at = None
    if site.checker.deaths:
        site.after(20.0, site.nodes[site.checker.deaths[0][0]].start)
    site.run(2000.0)
    assert len(site.checker.starts[id_]) <= 1
    site.checker.settled()


def test_a_site_of_one_worker_gets_its_task_done_when_that_comes_back() -> None:
    site = Site(3, workers={"ant": Rules(1, {"print": 1})}, seconds=LONG)
    id_ = site.ask(data=b"x")
    site.until(lambda: "ant" in {who for _, who, _ in site.checker.starts[id_]})
    site.nodes["ant"].kill()
    site.run(30.0)
    site.nodes["ant"].start()
    site.until(lambda: site.tasks[id_].ended, 400.0)
    assert site.tasks[id_].state is State.DONE
