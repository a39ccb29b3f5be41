"""Tasks at a real site: a lead's computer hands them to workers, which run real programs or ask a person."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.errors import BadInput, NotAllowed

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

SILENT = {**NO_KEYRING, "NMR_TRAY": "silent", "NMR_SOUND": "silent", "NMR_NOTIFY": "silent"}
WORKERS = ("bench-1", "bench-2")
ECHO = """
import json, os, sys, time
data = json.load(sys.stdin)
print(json.dumps({"progress": 0.5, "text": "half"}), flush=True)
while os.path.exists(data.get("hold", "")):
    time.sleep(0.02)
if "ran" in data:
    with open(data["ran"], "a") as file:
        file.write("once more\\n")
print(json.dumps({"result": {"echo": data["say"], "pid": os.getpid()}}))
"""


def worker_config(program: Path) -> str:
    return (
        "[worker]\nenabled = true\nat_once = 2\n"
        f'[[task]]\ntype = "echo"\ncommand = ["{{python}}", "{program}"]\n'
        f'[[task]]\ntype = "once-only"\ncommand = ["{{python}}", "{program}"]\nonce = true\n'
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A customer's computer that may hand out tasks, and two that do them."""
    folder = tmp_path_factory.mktemp("tasks")
    program = folder / "echo.py"
    program.write_text(ECHO)
    running = Site(folder)
    try:
        running.start_hub()
        running.enrol("customer", "carla", "lead")
        running.start_station("customer", SILENT)
        for name in WORKERS:
            running.profile(name).create()
            running.profile(name).config_file.write_text(worker_config(program))
            running.enrol(name, name, "worker")
            running.start_station(name, SILENT)
        yield running
    finally:
        running.stop()


@contextmanager
def held(folder: Path) -> Iterator[str]:
    """A file that programs wait for to be gone."""
    file = folder / "hold"
    file.touch()
    try:
        yield str(file)
    finally:
        file.unlink(missing_ok=True)


def sent(site: Site, type_: str, data: object = None, **more: Any) -> str:
    """Hand a task out; returns its id."""
    with site.talk("customer") as line:
        found: str = line.request("task.send", type=type_, data=data, **more)["task"]
        return found


def shown(site: Site, task: str) -> dict[str, Any]:
    with site.talk("customer") as line:
        found: dict[str, Any] = line.request("task.show", task=task)
        return found


def ended(site: Site, task: str) -> dict[str, Any]:
    """The task when it is over."""
    until(lambda: shown(site, task)["ended"], "the end of a task", within=90)
    return shown(site, task)


def test_a_task_is_done_by_a_worker_and_its_result_comes_back(site: Site) -> None:
    with site.talk("customer") as line:
        asked = line.follow("task.send", type="echo", data={"say": "grüß"}, wait=True)
        told = [event["task"] for event in asked]
    assert told[-1]["state"] == "done"
    assert told[-1]["result"]["echo"] == "grüß"
    assert told[-1]["worker"] in WORKERS
    (verdict,) = told[-1]["choices"]
    assert verdict["winner"] == told[-1]["worker"]


def test_what_no_worker_knows_waits_and_can_be_taken_back(site: Site) -> None:
    task = sent(site, "fold-napkins", {})
    assert shown(site, task)["state"] == "new"
    with site.talk("customer") as line:
        line.request("task.cancel", task=task)
    assert shown(site, task)["state"] == "cancelled"


def test_a_killed_worker_loses_its_task_to_the_other_and_there_is_one_result(site: Site, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with held(tmp_path) as hold:
        task = sent(site, "echo", {"say": "soup", "hold": hold, "ran": str(ran)})
        until(lambda: shown(site, task)["state"] == "running", "a worker that runs it")
        first = shown(site, task)["worker"]
        site.kill(first)
        until(lambda: shown(site, task)["worker"] not in ("", first), "the other worker", within=60)
    found = ended(site, task)
    assert (found["state"], found["n"]) == ("done", 2)
    assert ran.read_text() == "once more\n"
    site.start_station(first, SILENT)


def test_a_question_is_put_before_the_person_and_their_answer_is_the_result(site: Site) -> None:
    task = sent(site, "ask", {"question": "Is the back door locked?", "choices": ["Yes", "No"]})
    until(lambda: shown(site, task)["worker"], "somebody to ask")
    worker = shown(site, task)["worker"]
    with site.talk(worker) as line:
        until(lambda: line.request("task.questions"), "the question")
        (question,) = line.request("task.questions")
        assert (question["question"], question["from"]) == ("Is the back door locked?", "customer")
        with pytest.raises(BadInput, match="No such choice"):
            line.request("task.answer", task=question["task"], choice="Perhaps")
        line.request("task.answer", task=question["task"], choice="No", text="Ben has the key")
    assert ended(site, task)["result"] == {"choice": "No", "text": "Ben has the key"}


def test_large_data_and_results_come_whole(site: Site, tmp_path: Path) -> None:
    much = "u" * 300_000
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"say": much}))
    found = ended(site, sent(site, "echo", file=str(file)))
    assert found["state"] == "done", found
    assert found["result"]["echo"] == much


def test_whoever_may_not_hand_out_tasks_is_told_so(site: Site) -> None:
    with site.talk(WORKERS[0]) as line, pytest.raises(NotAllowed, match="may not hand out"):
        line.request("task.send", type="echo", data={})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "Echo!"}, "type"),
        ({}, "type"),
        ({"type": "echo", "life_s": 0}, "life_s"),
        ({"type": "echo", "file": "/nowhere/data.json"}, "file"),
    ],
)
def test_what_cannot_be_a_task_is_refused_with_the_field_at_fault(
    site: Site, fields: dict[str, Any], field: str
) -> None:
    with site.talk("customer") as line, pytest.raises(BadInput) as refused:
        line.request("task.send", **fields)
    assert refused.value.field == field
