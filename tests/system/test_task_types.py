"""The configuration says what may be run here, and whether that is there is known before anybody asks."""

import sys

import msgspec
import pytest

from agent.system.config.check import check
from agent.system.config.schema import Config
from agent.system.task_types import Allowed, allowed, environment, missing


def configured(*types: dict[str, object]) -> dict[str, Allowed]:
    values, mistakes, unknown = check({"task": list(types)}, Config, lambda _: ("test", 0))
    assert (mistakes, unknown) == ([], [])
    return allowed(msgspec.convert(values, Config).task, "/run/nmr.sock")


def faults(**table: object) -> list[str]:
    _, mistakes, _ = check({"task": [table]}, Config, lambda _: ("test", 0))
    return [one.key for one in mistakes]


def test_limits_are_what_the_configuration_says() -> None:
    found = configured({"type": "a", "command": ["x"], "seconds": 7, "megabytes": 20, "output_kib": 3, "once": True})
    assert found == {
        "a": Allowed("a", ("x",), seconds=7, memory_bytes=20 << 20, output_bytes=3 << 10, at_once=1, once=True)
    }


def test_two_words_stand_for_what_only_this_computer_knows() -> None:
    found = configured({"type": "a", "command": ["{python}", "{agent}", "x{agent}", "{other}"]})
    assert found["a"].command == (sys.executable, "/run/nmr.sock", "x{agent}", "{other}")


def test_of_two_types_with_one_name_the_first_counts() -> None:
    found = configured({"type": "a", "command": ["x"]}, {"type": "a", "command": ["y"]})
    assert found["a"].command == ("x",)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"command": ["x"]}, "task[1].type"),
        ({"type": "a"}, "task[1].command"),
        ({"type": "ask", "command": ["x"]}, "task[1].type"),
        ({"type": "A b", "command": ["x"]}, "task[1].type"),
        ({"type": "a", "command": "x y"}, "task[1].command"),
        ({"type": "a", "command": [""]}, "task[1].command[1]"),
        ({"type": "a", "command": ["x\0"]}, "task[1].command[1]"),
        ({"type": "a", "command": ["x"] * 65}, "task[1].command"),
        ({"type": "a", "command": ["x"], "seconds": 0}, "task[1].seconds"),
        ({"type": "a", "command": ["x"], "megabytes": 15}, "task[1].megabytes"),
        ({"type": "a", "command": ["x"], "output_kib": 12289}, "task[1].output_kib"),
    ],
)
def test_a_mistake_is_named(table: dict[str, object], key: str) -> None:
    assert faults(**table) == [key]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ((), "no command is given"),
        (("sh",), ""),
        ((sys.executable,), ""),
        (("no-such",), "no-such is not there, or is no program"),
        ((__file__,), f"{__file__} is not there, or is no program"),
        (("./sh",), "./sh is neither a name nor a whole path"),
    ],
)
def test_whether_a_program_is_there_is_known(command: tuple[str, ...], fault: str) -> None:
    assert missing(Allowed("a", command)) == fault


def test_programs_are_not_looked_for_where_the_agent_looks(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert environment()["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    assert missing(Allowed("a", ("sh",))) == ""
