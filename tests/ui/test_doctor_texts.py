"""The doctor says the same things in both languages, and has words for whatever a check can find."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import agent.station.doctor as package
from agent.station.doctor.checks import CHECKS
from agent.station.doctor.keys import _FAULTS
from agent.station.doctor.visit import Fault
from agent.system import psk_file
from agent.ui.texts.doctor import doctor_texts
from agent.ui.texts.doctor_de import TEXTS as GERMAN
from agent.ui.texts.doctor_en import TEXTS as ENGLISH

FOLDER = Path(package.__file__).parent
VISITED = [f"{check}.{fault}" for check in ("hub", "broker") for fault in get_args(Fault) if fault]
COMPUTED = [
    *VISITED,
    *(f"enrolment.{what}" for what in _FAULTS.values()),
    *(f"key.{fault}" for fault in get_args(psk_file.Fault)),
    *(f"enrolment.{what}" for what in ("none", "awaited", "deployment")),
    *(f"tray.{what}" for what in ("no-bus", "no-watcher", "no-host")),
    *(f"notices.{what}" for what in ("no-bus", "none", "hangs")),
]
"""Failures and warnings whose kind is no word in the code."""


def found_in_the_code() -> Iterator[tuple[str, str]]:
    """Level and text key of each finding that is spelled out, by the check its function's file names first."""
    for file in sorted(FOLDER.glob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                yield from _findings(function)


def _findings(function: ast.AST) -> Iterator[tuple[str, str]]:
    made = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    checks = [call.args[0] for call in made if isinstance(call.func, ast.Name) and call.func.id == "Findings"]
    if len(checks) != 1 or not isinstance(checks[0], ast.Constant):
        return
    for call in made:
        level = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if level in ("ok", "off", "warning", "failure") and isinstance(call.func, ast.Attribute):
            what = call.args[0] if call.args else ast.Constant(level)
            if isinstance(what, ast.Constant):
                yield level, f"{checks[0].value!s}.{what.value!s}"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert list(ENGLISH) == list(GERMAN)


def test_both_languages_fill_the_same_placeholders_and_no_text_is_empty() -> None:
    assert [key for key in ENGLISH if placeholders(ENGLISH[key]) != placeholders(GERMAN[key])] == []
    assert [text for table in (ENGLISH, GERMAN) for text in table.values() if text != text.strip() or not text] == []


def test_each_check_has_a_name_for_people() -> None:
    assert {getattr(check, "__name__", "") for check in CHECKS} <= set(ENGLISH)


def test_each_finding_has_its_words_and_each_fault_its_cure() -> None:
    found = [*found_in_the_code(), *(("failure", key) for key in COMPUTED)]
    assert len(found) > 80
    wanted = {key for _, key in found} | {f"{key}.cure" for level, key in found if level in ("warning", "failure")}
    assert wanted - set(ENGLISH) == set()


def test_the_language_is_chosen() -> None:
    assert (doctor_texts("en")("agent"), doctor_texts("de")("configuration")) == ("agent", "Konfiguration")
