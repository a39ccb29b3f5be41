"""Why a worker was chosen, in sentences: they follow from the numbers, in both languages."""

from string import Formatter
from typing import Any

import pytest
from msgspec import to_builtins

from agent.cli.task_reasons import explain, scored
from agent.tasking import choice
from agent.tasking.choice import Candidate, choose
from agent.tasking.task import State
from agent.ui.texts.task import task_texts
from agent.ui.texts.task_de import TEXTS as GERMAN
from agent.ui.texts.task_en import TEXTS as ENGLISH

GOOD: dict[str, Any] = {"skills": ("print",), "free": 2, "capacity": 2, "trip": 0.01}


def told(*verdicts: object, **more: Any) -> dict[str, Any]:
    task = {"id": "7" * 32, "type": "print", "state": "done", "worker": "anna", "n": 1, "done": 1000, "text": ""}
    return {**task, "code": "", "why": "", "choices": [to_builtins(one) for one in verdicts], **more}


def chosen(*candidates: Candidate) -> choice.Verdict:
    return choose("7" * 32, "print", list(candidates))


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        ({"free": 1}, "more of its places are free, 2.00 more"),
        ({"load": 0.5}, "its computer is less busy, 1.00 more"),
        ({"trip": 3.0}, "it is nearer, 1.99 more"),
        ({"failures": 0.5}, "it failed less often, 1.50 more"),
    ],
)
def test_what_made_the_difference_is_said(worse: dict[str, Any], reason: str) -> None:
    verdict = chosen(Candidate("ben", **{**GOOD, **worse}), Candidate("anna", **GOOD))
    said = explain(told(verdict), task_texts("en"))
    assert f"What counted most: {reason}." in said
    assert "anna had the best score, 3.99" in said


def test_equal_scores_are_told_as_such() -> None:
    verdict = chosen(Candidate("ben", **GOOD), Candidate("anna", **GOOD))
    said = explain(told(verdict), task_texts("de"))
    assert "hatten gleich viele Punkte, 3,99" in said


def test_everybody_who_could_not_have_it_is_named_with_the_reason() -> None:
    out: dict[str, dict[str, Any]] = {
        "no-member": {"member": False}, "no-lease": {"leased": False}, "no-skill": {"skills": ()},
        "no-way": {"trip": None}, "full": {"free": 0}, "lost": {"shunned": "lost"},
    }  # fmt: skip
    others = [Candidate(f"w-{why}", **{**GOOD, **bad}) for why, bad in out.items()]
    said = explain(told(chosen(Candidate("anna", **GOOD), *others)), task_texts("en"))
    assert "anna was the only one that could do it." in said
    for why in out:
        assert f"  w-{why} {ENGLISH[f'refused.{why}']}" in said


def test_a_task_that_waits_says_why_nobody_can_have_it() -> None:
    waiting = {"state": "new", "worker": "", "done": 0}
    nobody = explain(told(now=to_builtins(chosen()), **waiting), task_texts("en"))
    assert "No worker has said that it is available" in nobody
    full = explain(told(now=to_builtins(chosen(Candidate("ben", **{**GOOD, "free": 0}))), **waiting), task_texts("en"))
    assert "Nobody can have it now:\n  ben has no room" in full


def test_a_failure_is_told_in_words_and_those_of_the_program() -> None:
    said = explain(told(state="failed", code="exit", why="no paper", n=3), task_texts("en"))
    assert "It was assigned 3 times.\nWhy: the program failed: no paper" in said
    assert "Why: of-a-newer-worker" in explain(told(state="failed", code="of-a-newer-worker"), task_texts("en"))


def test_programs_get_the_scores() -> None:
    verdict = chosen(Candidate("ben", **{**GOOD, "free": 0}), Candidate("anna", **GOOD))
    judged = scored(to_builtins(verdict))["judged"]
    assert [(one["station"], one["score"]) for one in judged] == [("anna", verdict.judged[0].score), ("ben", None)]


def test_both_languages_have_words_for_each_state_and_reason_and_the_same_gaps() -> None:
    assert list(ENGLISH) == list(GERMAN)
    assert {f"state.{state.value}" for state in State} <= set(ENGLISH)
    refused = (choice.NO_MEMBER, choice.NO_SKILL, choice.NO_LEASE, choice.NO_WAY, choice.FULL)
    assert {f"refused.{why}" for why in (*refused, "lost", "failed", "silent", "declined")} <= set(ENGLISH)
    assert [key for key in ENGLISH if gaps(ENGLISH[key]) != gaps(GERMAN[key])] == []


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
