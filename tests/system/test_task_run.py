"""A task's program runs alone, within its limits, and leaves nothing: shown with real programs that try not to."""

import asyncio
import logging
import os
import time
from pathlib import Path

import pytest

from agent.system import task_run
from agent.system.task_outcome import Done, Failed
from agent.system.task_run import run, run_type
from agent.system.task_said import Progress
from agent.system.task_types import Allowed
from tests.system.task_stage import DEAF, MIB, done, gone, own_place, python, said, weakened

ECHO = "import json, sys; print(json.dumps({'result': json.load(sys.stdin)}))"
HUNGRY = "rows = [b'x' * (1 << 20) for _ in range(500)]; print('{\"result\": 0}')"
TELL = "import json, os, sys; print(json.dumps({'result': %s}))"


def test_a_program_gets_its_data_and_gives_its_result() -> None:
    data = {"a": [1, "ä", None], "b": "x" * MIB}
    assert done(python(ECHO, output_bytes=2 * MIB), data) == said(data)


def test_a_program_that_wants_no_data_need_not_read_them() -> None:
    assert done(python("print('{\"result\": 7}')"), "x" * 4 * MIB) == said(7)


def test_progress_is_heard_while_the_program_runs(tmp_path: Path) -> None:
    code = """
import os, sys, time
for row in range(4):
    print('{"progress": %s, "text": "row %d"}' % (row / 4, row), flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
print('{"result": null}')
"""
    heard = tmp_path / "heard"

    async def whole() -> object:
        return await run(
            python(code, str(heard)),
            b"null",
            progress=lambda one: heard.touch() if one == Progress(0.75, "row 3") else None,
        )

    assert asyncio.run(whole()) == said(None)


def test_words_of_a_command_stay_words_whatever_is_in_them(tmp_path: Path) -> None:
    made = tmp_path / "made"
    words = (f"$(touch {made})", f"; touch {made}", "a b", "*", "'", '"', "&& ls", "%PATH%", "|", "", "ä\\")
    assert done(python(TELL % "sys.argv[1:]", *words)) == said(list(words))
    assert not made.exists()


def test_nothing_of_the_agents_environment_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMR_CANARY", "sings")
    found = done(python(TELL % "dict(os.environ)"))
    assert isinstance(found, Done)
    assert set(found.result) <= {"PATH", "LANG", "LC_CTYPE", "HOME", "TMPDIR"}
    assert found.result["HOME"] == found.result["TMPDIR"]
    assert "nmr-task-" in found.result["HOME"]
    monkeypatch.setattr(task_run, "environment", lambda: dict(os.environ))  # the weakened variant
    weak = done(python(TELL % "dict(os.environ)"))
    assert isinstance(weak, Done)
    assert weak.result["NMR_CANARY"] == "sings"


def test_no_open_file_of_the_agent_is_inherited() -> None:
    opened = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(opened, True)  # as a careless library leaves it
    try:
        assert done(python(TELL % "len(os.listdir('/proc/self/fd'))")) == said(4)  # its three, and the listing's own
    finally:
        os.close(opened)


def test_a_program_begins_in_an_empty_folder_that_goes_with_it(tmp_path: Path) -> None:
    code = (
        "import os; open('kept', 'w').close()" + "\n" + TELL % "[os.getcwd(), os.listdir(), os.stat('.').st_mode & 511]"
    )
    with own_place(tmp_path) as folders:
        found = done(python(code))
        assert isinstance(found, Done)
        folder, names, mode = found.result
        assert (Path(folder).parent, names, mode) == (tmp_path, ["kept"], 0o700)
        assert folders() == []


def test_only_types_of_the_configuration_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    types = {"touch": Allowed("touch", ("touch", str(made)))}

    async def asked(name: str) -> object:
        return await run_type(types, name, b"null")

    refused = asyncio.run(asked(str(made)))
    assert isinstance(refused, Failed)
    assert (refused.code, made.exists()) == ("cannot-start", False)
    assert asyncio.run(asked("touch")) == Failed("not-json", "it said no result")
    assert made.exists()


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "bin/sh", __file__])
def test_what_is_no_program_cannot_start(program: str) -> None:
    found = done(Allowed("test", (program,)))
    assert isinstance(found, Failed)
    assert found.code == "cannot-start"
    assert program in found.why


def test_a_program_whose_interpreter_is_missing_cannot_start(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)
    found = done(Allowed("test", (str(script),)))
    assert isinstance(found, Failed)
    assert (found.code, "No such file" in found.why) == ("cannot-start", True)


def test_what_takes_too_long_is_ended_even_if_it_ignores_every_wish() -> None:
    mark = f"deaf-{time.time_ns()}"
    began = time.monotonic()
    found = done(python(DEAF, mark, seconds=0.5))
    assert found == Failed("timeout", "it took longer than 0.5 s")
    assert time.monotonic() - began < 20
    gone(mark)


def test_what_eats_memory_fails_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = done(python(HUNGRY, memory_bytes=128 * MIB))
    assert isinstance(found, Failed)
    assert (found.code, "128 MiB" in found.why) == ("memory", True)
    silent = HUNGRY.replace("rows", "import os\ntry: rows") + "\nexcept MemoryError: os._exit(3)"
    found = done(python(silent, memory_bytes=128 * MIB))  # it had nearly all of it, and does not say why it ended
    assert isinstance(found, Failed)
    assert found.code == "memory"
    weakened(monkeypatch, "task_guard_linux.resource.setrlimit = lambda *_: None")
    assert done(python(HUNGRY, memory_bytes=128 * MIB)) == said(0)


def test_each_process_is_limited_before_it_begins() -> None:
    code = (
        "import resource as r\n" + TELL % "[r.getrlimit(one) for one in (r.RLIMIT_AS, r.RLIMIT_CORE, r.RLIMIT_NPROC)]"
    )
    found = done(python(code, memory_bytes=128 * MIB))
    assert isinstance(found, Done)
    memory, core, processes = found.result
    assert memory == [128 * MIB] * 2
    assert core == [0, 0]
    assert 256 < processes[0] == processes[1] < 256 + 20_000


@pytest.mark.parametrize("line", ["x" * 1000, '{"progress": 0.5}', ""])
def test_what_says_too_much_is_ended(line: str) -> None:
    mark = f"loud-{time.time_ns()}"
    found = done(python(f"while True: print({line!r})", mark, output_bytes=100_000))
    assert found == Failed("output", "it said more than 100000 bytes")
    gone(mark)


def test_complaints_without_end_do_not_stop_a_program_and_only_their_end_is_kept() -> None:
    code = "import sys\nfor row in range(100000): sys.stderr.write(f'row {row}\\n')\nsys.exit(3)"
    found = done(python(code))
    assert isinstance(found, Failed)
    assert found.code == "exit"
    assert found.why.startswith("it ended with 3: ")
    assert found.why.endswith("row 99999")
    assert len(found.why) < 4200


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('hello')", "line 1 of what it said is neither a result nor a progress"),
        ("pass", "it said no result"),
        ("print('{\"progress\": 1}')", "it said no result"),
        ('print(\'{"result": 1}\\n{"result": 2}\')', "line 2 of what it said comes after the result"),
    ],
)
def test_what_does_not_speak_as_agreed_has_no_result(code: str, expected: str) -> None:
    assert done(python(code)) == Failed("not-json", expected)


def test_a_result_of_a_program_that_failed_does_not_count() -> None:
    assert done(python("import sys; print('{\"result\": 1}'); sys.exit('no paper')")) == Failed(
        "exit", "it ended with 1: no paper"
    )
    assert done(python("import os; os.kill(os.getpid(), 9)")) == Failed("exit", "it ended with -9")


def test_a_log_holds_no_word_of_a_task(caplog: pytest.LogCaptureFixture) -> None:
    code = "import sys; sys.stderr.write(sys.stdin.read()); print('canary'); sys.exit(1)"
    with caplog.at_level(logging.DEBUG):
        found = done(python(code, "canary"), "canary")
    assert isinstance(found, Failed)
    assert "canary" in found.why
    (line,) = (one for one in caplog.records if one.msg == "task-ended")
    assert line.__dict__["fields"]["stderr_bytes"] == len('"canary"')
    assert "canary" not in str([one.__dict__ for one in caplog.records])
