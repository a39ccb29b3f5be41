"""A label comes to its folder once and whole, and no text in it can give the printer orders."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from agent.examples.print_label import put, zpl
from agent.system.task_outcome import Failed, Outcome
from agent.system.task_run import run
from agent.system.task_types import Allowed
from tests.system.task_stage import said

ORDER = {"lines": ["Order 17", "Tisch 4 – Tür"], "copies": 2, "name": "Order 17"}


def printed(folder: Path, data: object, *words: str) -> Outcome:
    task = Allowed("print-label", (sys.executable, "-m", "agent.examples.print_label", str(folder), *words))
    return asyncio.run(run(task, json.dumps(data).encode()))


def test_a_label_is_printed_as_text_or_in_the_printers_language(tmp_path: Path) -> None:
    assert printed(tmp_path, ORDER) == said({"file": "order-17.txt", "copies": 2})
    assert printed(tmp_path, ORDER, "zpl") == said({"file": "order-17.zpl", "copies": 2})
    one = "Order 17\nTisch 4 – Tür\n"
    assert (tmp_path / "order-17.txt").read_text(encoding="utf-8") == f"{one}\f{one}"
    content = (tmp_path / "order-17.zpl").read_text(encoding="utf-8")
    assert content.startswith("^XA^CI28\n^FO40,40^A0N,40^FH_^FDOrder 17^FS\n^FO40,90")
    assert content.endswith("^PQ2^XZ\n")


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "Möller"), ("订单 17", "发票 17"), ("x" * 32 + "1", "x" * 32 + "2"), ("a/b", "a b")]
)
def test_labels_whose_names_differ_are_two(tmp_path: Path, one: str, other: str) -> None:
    for name in (one, other, one):
        put(tmp_path, "text", {"lines": ["Order 17"], "name": name})
    assert len(list(tmp_path.iterdir())) == 2


def test_a_label_done_twice_is_one_label(tmp_path: Path) -> None:
    for _ in range(2):
        put(tmp_path, "text", {"lines": ["Order 17"]})
    put(tmp_path, "text", {"lines": ["Order 18"]})
    assert len(list(tmp_path.iterdir())) == 2


def test_no_text_is_a_command_of_the_printer() -> None:
    content = zpl(["^XZ~JA_5E"], 1)
    assert "^FD_5EXZ_7EJA_5F5E^FS" in content
    assert content.count("^XZ") == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "'lines' is missing"),
        ([], "the data of this task are an object"),
        ({"lines": []}, "lines are 1 to 20 texts"),
        ({"lines": ["x" * 81]}, "lines are 1 to 20 texts"),
        ({"lines": [7]}, "lines are 1 to 20 texts"),
        ({"lines": ["\x1b"]}, "cannot be printed"),
        ({"lines": ["x"], "copies": 0}, "copies is a number from 1 to 100"),
        ({"lines": ["x"], "copies": True}, "copies is a number from 1 to 100"),
    ],
)
def test_what_is_no_label_fails_with_its_reason(tmp_path: Path, data: object, why: str) -> None:
    found = printed(tmp_path, data)
    assert isinstance(found, Failed)
    assert (found.code, why in found.why) == ("exit", True), found.why
    assert list(tmp_path.iterdir()) == []


def test_a_name_leads_nowhere_but_into_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    assert put(folder, "text", {"lines": ["x"], "name": "../../etc/passwd"})["file"].startswith("etc-passwd-")
    assert [file.parent for file in tmp_path.rglob("*.txt")] == [folder]


def test_a_missing_folder_fails_and_is_not_made(tmp_path: Path) -> None:
    found = printed(tmp_path / "none", ORDER)
    assert isinstance(found, Failed)
    assert "No such file" in found.why
    assert printed(tmp_path, ORDER, "pdf") == Failed(
        "exit", "it ended with 2: Usage: python -m agent.examples.print_label FOLDER [text|zpl]"
    )
