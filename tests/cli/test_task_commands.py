"""`nmr task send` and its kin at a real site: each exit code, each way to give data, each reason in words."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from agent.demo.site import Site, until
from tests.stand_ins import ROOT
from tests.tasks.site import LEAD, WORKER, all_tasks, held, running, shown, take_back, task_site

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with task_site(tmp_path_factory.mktemp("site")) as site:
        yield site


class Commands:
    """`nmr task …` at one station."""

    def __init__(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        self.site, self._capsys = site, capsys

    def __call__(self, *words: str, exit_code: int = 0, at: str = LEAD) -> str:
        """Run a command; returns what it said, complaints first."""
        self._capsys.readouterr()
        code = run(["--profile", str(self.site.profile(at).folder), "task", *words])
        said = self._capsys.readouterr()
        assert code == exit_code, said
        return said.err + said.out

    def asked(self, *words: str, exit_code: int = 0, at: str = LEAD) -> Any:
        """The same with --json."""
        return json.loads(self(*words, "--json", exit_code=exit_code, at=at))

    def program(self, *words: str, stdin: bytes | None = None, **more: Any) -> "subprocess.Popen[bytes]":
        """The command as a process of its own."""
        arguments = ["-m", "agent", "--profile", str(self.site.profile(LEAD).folder), "task", *words]
        source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        return subprocess.Popen([sys.executable, *arguments], stdin=source, cwd=ROOT, **more)


@pytest.fixture
def nmr(whole_site: Site, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    yield Commands(whole_site, capsys)
    take_back(whole_site)


def test_send_prints_the_id_at_once_and_show_the_result_later(nmr: Commands) -> None:
    id_ = nmr("send", "echo", "--data", '{"say": "soup"}').strip()
    until(lambda: shown(nmr.site, id_)["ended"], "the end", within=60)
    said = nmr("show", id_)
    assert '"echo": "soup"' in said
    assert WORKER in said
    assert nmr.asked("show", id_)["result"] == {"echo": "soup"}
    assert nmr.asked("send", "echo", "--data", "{}")["task"] in {one["id"] for one in all_tasks(nmr.site)}


def test_send_and_wait_prints_the_result_as_json(nmr: Commands) -> None:
    assert json.loads(nmr("send", "echo", "--data", '{"say": "grüß"}', "--to", "kitchen", "--wait")) == {"echo": "grüß"}
    told = nmr.asked("send", "echo", "--data", "{}", "--wait")
    assert (told["state"], told["worker"], told["role"]) == ("done", WORKER, "")


def test_data_come_from_a_file_or_standard_input_however_large(nmr: Commands, tmp_path: Path) -> None:
    file, much = tmp_path / "data.json", "x" * 200_000
    file.write_text(json.dumps({"say": much}))
    assert json.loads(nmr("send", "echo", "--file", str(file), "--wait")) == {"echo": much}
    with nmr.program("send", "echo", "-", "--wait", stdin=b"", stdout=subprocess.PIPE) as program:
        said, _ = program.communicate(b'{"say": "from a pipe"}', timeout=90)
    assert (program.returncode, json.loads(said)) == (0, {"echo": "from a pipe"})


def test_a_task_that_failed_ends_with_1_and_the_words_of_the_program(nmr: Commands) -> None:
    words = ("send", "echo", "--data", '{"fail": "no paper"}', "--tries", "1", "--wait")
    assert "(exit). " in (said := nmr(*words, exit_code=1))
    assert "no paper" in said
    error = nmr.asked(*words, exit_code=1)["error"]
    assert (error["code"], error["exit"]) == ("exit", 1)


def test_an_interrupted_wait_ends_with_75_and_the_task_goes_on(nmr: Commands, tmp_path: Path) -> None:
    before = {one["id"] for one in all_tasks(nmr.site)}
    with held(tmp_path) as hold:
        words = ("send", "echo", "--data", json.dumps({"hold": hold}), "--wait")
        with nmr.program(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            (id_,) = until(lambda: {one["id"] for one in all_tasks(nmr.site)} - before, "the task")
            running(nmr.site, id_)
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=30)
        assert program.returncode == 75
        assert f"nmr task show {id_}" in said.decode()
        assert not shown(nmr.site, id_)["ended"]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Windows is no pair of files")
@pytest.mark.parametrize(("language", "said"), [("en", "was done by bench"), ("de", "wurde von bench erledigt")])
def test_on_a_terminal_waiting_says_how_far_it_is(nmr: Commands, language: str, said: str) -> None:
    import pty

    ours, theirs = pty.openpty()
    env = {**os.environ, "LC_ALL": language}
    with nmr.program("send", "echo", "--data", "{}", "--wait", stdout=subprocess.PIPE, stderr=theirs, env=env) as one:
        result, _ = one.communicate(timeout=90)
    os.close(theirs)
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    assert json.loads(result) == {"echo": None}
    assert said in told


def test_one_that_was_begun_and_may_be_done_once_ends_with_75_and_is_done_again_on_demand(nmr: Commands) -> None:
    said = nmr("send", "careful", "--once", "--data", '{"fail": 3}', "--wait", exit_code=75)
    (task,) = [one for one in all_tasks(nmr.site) if one["state"] == "held"]
    assert f"nmr task again {task['id']}" in said
    assert "Decide: " in nmr("explain", task["id"])
    nmr("again", task["id"][-12:])
    until(lambda: shown(nmr.site, task["id"])["n"] == 2, "the second time", within=60)


def test_again_is_refused_where_there_is_nothing_to_decide(nmr: Commands) -> None:
    id_ = nmr.asked("send", "fold-napkins")["task"]
    assert nmr.asked("again", id_, exit_code=2)["error"]["code"] == "not-held"


def test_what_nobody_can_do_is_explained_and_taken_back(nmr: Commands) -> None:
    id_ = nmr.asked("send", "fold-napkins", "--to", "kitchen", "--life", "2h")["task"]
    assert "bench does not do this type" in nmr("explain", id_)
    assert nmr.asked("explain", id_)["now"]["judged"][0]["refused"] == "no-skill"
    assert id_ in nmr("list")
    nmr("cancel", id_)
    assert id_ not in nmr("list")
    assert id_ in nmr("list", "--all")
    assert {one["id"] for one in nmr.asked("list", "--all")} >= {id_}
    assert nmr.asked("cancel", id_, exit_code=2)["error"]["code"] == "no-such-task"


def test_a_choice_is_explained_with_its_numbers(nmr: Commands) -> None:
    id_ = nmr.asked("send", "echo", "--data", "{}", "--wait")["id"]
    said = nmr("explain", id_)
    assert "bench was the only one that could do it." in said
    (verdict,) = nmr.asked("explain", id_)["choices"]
    (judged,) = verdict["judged"]
    parts = judged["free"] - judged["load"] - judged["distance"] - judged["failures"]
    assert (verdict["winner"], judged["score"]) == (WORKER, pytest.approx(parts))


def test_workers_are_listed(nmr: Commands) -> None:
    assert "ask, careful, echo, print-label" in nmr("workers")
    assert [one["station"] for one in nmr.asked("workers")] == [WORKER]


def test_a_question_is_listed_and_answered(nmr: Commands) -> None:
    id_ = nmr.asked("send", "ask", "--data", '{"question": "Is it locked?", "choices": ["Yes", "No"]}')["task"]
    until(lambda: nmr.asked("questions", at=WORKER), "the question", within=60)
    said = nmr("questions", at=WORKER)
    assert "customer asks: Is it locked?\n  choices: Yes | No" in said
    assert nmr.asked("answer", id_, "--choice", "Perhaps", exit_code=2, at=WORKER)["error"]["field"] == "choice"
    nmr("answer", id_[-10:], "--choice", "No", "--text", "Ben has the key", at=WORKER)
    until(lambda: shown(nmr.site, id_)["ended"], "the answer", within=60)
    assert nmr.asked("show", id_)["result"] == {"choice": "No", "text": "Ben has the key"}
    assert nmr("questions", at=WORKER) == "no questions\n"


def test_an_id_that_means_two_tasks_or_none_is_refused(nmr: Commands) -> None:
    for _ in range(2):
        nmr("send", "fold-napkins")
    assert nmr.asked("show", "0", exit_code=2)["error"]["code"] == "which-task"
    assert nmr.asked("show", "no-such", exit_code=2)["error"]["code"] == "no-such-task"
    assert nmr.asked("show", "", exit_code=2)["error"]["code"] == "no-such-task"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Echo!"], "This name cannot be used"),
        (["echo", "--data", "soup"], "This is no JSON"),
        (["echo", "--file", "/nowhere/data.json"], "The file cannot be read"),
        (["echo", "--data", "{}", "-"], "give the data once"),
        (["echo", "--life", "soon"], "write a time such as"),
        (["echo", "--life", "30d"], "life_s is a whole number"),
        (["echo", "--tries", "0"], "tries is a whole number"),
    ],
)
def test_what_cannot_be_a_task_ends_with_2_and_says_what_to_write(nmr: Commands, words: list[str], said: str) -> None:
    assert said in nmr("send", *words, exit_code=2)


def test_a_station_that_may_not_hand_out_tasks_ends_with_77(nmr: Commands) -> None:
    assert "nmr hub roles" in nmr("send", "echo", exit_code=77, at=WORKER)


@pytest.mark.parametrize(
    "words",
    [["send", "echo"], ["list"], ["show", "1"], ["explain", "1"], ["cancel", "1"], ["again", "1"], ["workers"],
     ["questions"], ["answer", "1"]],
)  # fmt: skip
def test_without_an_agent_each_command_ends_with_69(nmr: Commands, words: list[str]) -> None:
    error = nmr.asked(*words, exit_code=69, at="nobody")["error"]
    assert (error["title"], "nmr run" in error["message"]) == ("The agent is not running", True)
