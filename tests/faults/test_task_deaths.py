"""Workers that are killed or stopped at each step: another has the task in time, and there is exactly one result."""

from collections.abc import Iterator

import pytest

from agent.demo.site import until
from tests.faults.task_site import TaskScene, fast_scene

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

STEPS = ("assigned", "accepted", "running", "written")
WHILE_HELD = ("accepted", "running")
"""Steps before the program has ended."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskScene]:
    with fast_scene(tmp_path_factory.mktemp("deaths")) as running:
        yield running


def killed_at(scene: TaskScene, step: str, **more: object) -> tuple[str, str]:
    """Hand a task out whose worker is killed at this step; returns the task, and who it was."""
    with scene.held() as hold:
        scene.want(step, "kill")
        task = scene.send(data={"hold": hold} if step in WHILE_HELD else {}, **more)
        return task, scene.fallen(step, "kill")


def check_replaced(scene: TaskScene, step: str) -> None:
    """Whoever is killed at this step is replaced in time, and is of no weight when it comes back."""
    task, dead = killed_at(scene, step)
    moved = scene.moved_on(task, dead)
    (death,) = scene.journal(dead, "kill")[-1:]
    assert moved.at - death.at <= scene.in_time_s
    found = scene.reached(task, "done")
    assert found["worker"] == scene.other(dead)
    scene.start(dead)
    until(lambda: scene.journal(dead, "superseded", task), "the answer to whatever it says late", within=60)
    assert scene.stored(task) == [(found["n"], found["worker"])]


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=[pytest.mark.long] if step in WHILE_HELD else []) for step in STEPS]
)
def test_a_worker_that_is_killed_at_any_step_is_replaced_in_time(scene: TaskScene, step: str) -> None:
    check_replaced(scene, step)


@pytest.mark.long
def test_a_killed_worker_is_replaced_within_45_seconds_at_the_paces_of_the_product(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with fast_scene(tmp_path_factory.mktemp("unhurried"), hurry=False) as unhurried:
        assert unhurried.in_time_s == 45.0
        for step in STEPS:
            check_replaced(unhurried, step)


@pytest.mark.long
def test_a_worker_that_was_stopped_in_the_middle_stops_itself_or_is_told(scene: TaskScene) -> None:
    with scene.held() as hold:
        scene.want("running", "stop")
        task = scene.send(data={"hold": hold})
        late = scene.fallen("running", "stop")
        scene.moved_on(task, late)
        scene.wake(late)
        until(
            lambda: scene.journal(late, "stop", task) or scene.journal(late, "superseded", task), "the end of its work"
        )
    found = scene.reached(task, "done")
    assert found["worker"] == scene.other(late)
    assert scene.stored(task) == [(found["n"], found["worker"])]


def late_result_counts(scene: TaskScene) -> bool:
    """Whether the result of a worker that slept until somebody else was at it ends the task."""
    scene.want("written", "stop")
    with scene.held() as hold:
        task = scene.send(data={"hold": hold})
        scene.reached(task, "accepted", "running")
    late = scene.fallen("written", "stop")
    with scene.held():
        scene.moved_on(task, late)
        scene.wake(late)
        until(lambda: scene.journal(late, "superseded", task) or scene.shown(task)["ended"], "a word about it")
        counts = bool(scene.shown(task)["ended"])
    scene.reached(task, "done")
    assert len(scene.stored(task)) == 1
    return counts


def test_a_result_that_comes_too_late_is_answered_superseded_and_not_stored(scene: TaskScene) -> None:
    assert not late_result_counts(scene)


def test_without_fencing_the_result_of_a_sleeper_would_count(scene: TaskScene) -> None:
    with scene.without("no fencing", scene.customer):
        assert late_result_counts(scene)


def times_done_by_the_only_one(scene: TaskScene) -> int:
    """How often a task is run whose only worker dies with the result, and gets it again after it was let go."""
    idle = scene.workers[1]
    scene.site.kill(idle)
    task, dead = killed_at(scene, "written")
    scene.let_go(task, dead)
    scene.start(dead)
    scene.reached(task, "done")
    scene.start(idle)
    assert len(scene.stored(task)) == 1
    return len(scene.runs(task))


def test_a_result_that_is_there_is_told_and_not_made_again(scene: TaskScene) -> None:
    assert times_done_by_the_only_one(scene) == 1


def test_without_its_memory_a_worker_would_do_it_again(scene: TaskScene) -> None:
    with scene.without("no dedupe", *scene.workers):
        assert times_done_by_the_only_one(scene) > 1


@pytest.mark.long
def test_a_task_waits_while_both_workers_are_dead(scene: TaskScene) -> None:
    with scene.held() as hold:
        scene.want("running", "kill")
        task = scene.send(data={"hold": hold})
        first = scene.fallen("running", "kill")
        scene.want("running", "kill")
        second = scene.fallen("running", "kill")
        assert second == scene.other(first)
    scene.let_go(task, second)
    assert not scene.shown(task)["ended"]
    scene.start(first)
    found = scene.reached(task, "done")
    assert found["worker"] == first
    assert scene.stored(task) == [(found["n"], first)]
    scene.start(second)


def held_or_done(scene: TaskScene) -> tuple[str, str]:
    """A task that may be done once and was begun by a worker that was killed; returns it and what became of it."""
    task, dead = killed_at(scene, "running", type=scene.once_type, once=True)
    state = scene.reached(task, "held", "done")["state"]
    scene.start(dead)
    return task, state


def test_what_may_be_done_once_is_held_for_a_person_who_releases_it(scene: TaskScene) -> None:
    task, state = held_or_done(scene)
    assert state == "held"
    assert scene.reached(scene.send(), "done")  # there is room for it, and yet:
    assert scene.shown(task)["state"] == "held"
    assert len(scene.runs(task)) == 1
    with scene.site.talk(scene.customer) as line:
        line.request("task.again", task=task)
    assert scene.reached(task, "done")
    assert (len(scene.runs(task)), len(scene.stored(task))) == (2, 1)


@pytest.mark.long
def test_without_that_rule_it_would_be_done_twice(scene: TaskScene) -> None:
    with scene.without("reruns once", scene.customer):
        task, state = held_or_done(scene)
    assert (state, len(scene.runs(task))) == ("done", 2)


@pytest.mark.long
def test_what_may_be_done_once_moves_on_when_it_was_not_begun(scene: TaskScene) -> None:
    task, dead = killed_at(scene, "assigned", type=scene.once_type, once=True)
    assert scene.reached(task, "done")["worker"] == scene.other(dead)
    scene.start(dead)
    assert scene.runs(task) == [scene.other(dead)]


@pytest.mark.long
def test_the_result_of_what_may_be_done_once_still_counts_when_it_comes_late(scene: TaskScene) -> None:
    task, dead = killed_at(scene, "written", type=scene.once_type, once=True)
    assert scene.reached(task, "held")
    scene.start(dead)
    assert scene.reached(task, "done")["worker"] == dead
    assert (scene.runs(task), scene.stored(task)) == ([dead], [(scene.given(task, dead).n, dead)])
