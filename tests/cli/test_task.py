"""`nmr task types`: what this computer does for others, and whether it can."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run

GOOD = '[[task]]\ntype = "label"\ncommand = ["{python}", "-c", "a b"]\nonce = true\n'


def asked(folder: Path, capsys: pytest.CaptureFixture[str], settings: str, *words: str) -> tuple[int, str]:
    (folder / "p").mkdir(exist_ok=True)
    (folder / "p" / "config.toml").write_text(settings, encoding="utf-8")
    code = run(["--profile", str(folder / "p"), "task", "types", *words])
    return code, capsys.readouterr().out


def as_json(folder: Path, capsys: pytest.CaptureFixture[str], settings: str) -> tuple[int, Any]:
    code, said = asked(folder, capsys, settings, "--json")
    return code, json.loads(said)


def test_every_computer_can_ask_its_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(tmp_path, capsys, "")
    assert (code, found["enabled"], [one["type"] for one in found["types"]]) == (0, False, ["ask"])


def test_types_are_shown_with_command_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(tmp_path, capsys, f"worker.enabled = true\n{GOOD}")
    label = found["types"][1]
    assert (code, found["enabled"], label["ok"]) == (0, True, True)
    assert label["command"] == [sys.executable, "-c", "a b"]
    assert label["limits"] == {
        "seconds": 60, "memory_bytes": 256 << 20, "output_bytes": 1 << 20, "at_once": 1, "once": True
    }  # fmt: skip
    code, text = asked(tmp_path, capsys, GOOD)
    assert code == 0
    assert f"label  ok  {sys.executable} -c 'a b'" in text
    assert "worker.enabled is false" in text


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ('[[task]]\ntype = "scan"\ncommand = ["no-such-program"]\n', "no-such-program is not there"),
        ('[[task]]\ntype = "scan"\ncommand = []\n', "no command is given"),
        (f"{GOOD}{GOOD}", "is given twice"),
    ],
)
def test_what_cannot_run_is_said_and_the_exit_code_is_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: str, fault: str
) -> None:
    code, text = asked(tmp_path, capsys, settings)
    assert (code, fault in text) == (78, True), text
    code, found = as_json(tmp_path, capsys, settings)
    assert (code, fault in found["types"][1]["fault"]) == (78, True)


def test_a_mistake_in_the_file_is_said_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = asked(tmp_path, capsys, '[[task]]\ntype = "scan"\nring.again_seconds = 1\n')
    assert code == 78
    assert "task[1].command: missing" in text
    code, found = as_json(tmp_path, capsys, "ring.again_seconds = 1\n")
    assert (code, found["mistakes"]) == (0, [])
