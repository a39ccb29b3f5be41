"""Why a task went to whom it went: what was weighed, told in sentences and numbers."""

from typing import Any

from agent.cli.output import table
from agent.ui.texts import Texts

PARTS = ("free", "load", "distance", "failures")
SIGNS = {"free": 1, "load": -1, "distance": -1, "failures": -1}
"""Whether a part adds to the score or takes from it."""


def explain(task: dict[str, Any], texts: Texts) -> str:
    """Return everything `task.show` says about the choices of a task, for people."""
    said = [_head(task, texts)]
    for number, verdict in enumerate(task["choices"], 1):
        said += ["", texts("choice", number=number, winner=verdict["winner"]), *_weighed(verdict, texts)]
    if "now" in task:
        said += ["", *_now(task["now"], texts)]
    elif not task["choices"]:
        said += ["", texts("none")]
    return "\n".join(said)


def scored(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict with the score of everybody who has one, for programs."""
    judged = [{**one, "score": None if one["refused"] else score(one)} for one in verdict["judged"]]
    return {**verdict, "judged": judged}


def score(one: dict[str, Any]) -> float:
    """Return the sum that decided."""
    return round(sum(_points(one, part) for part in PARTS), 6)


def state_words(task: dict[str, Any], texts: Texts) -> str:
    """Return where a task is, in a few words."""
    percent = round(task["done"] / 10)
    return texts(f"state.{task['state']}", worker=task["worker"], percent=percent, text=task["text"]).strip()


def _head(task: dict[str, Any], texts: Texts) -> str:
    lines = [f"{task['type']} {task['id']}: {state_words(task, texts)}."]
    if task["n"] > 1:
        lines.append(texts("assigned", n=task["n"]))
    if task["code"]:
        key = f"code.{task['code']}"
        words = texts(key) if texts.has(key) else task["code"]
        lines.append(texts("why", code=f"{words}: {task['why']}" if task["why"] else words))
    if task["state"] == "held":
        lines.append(texts("decide", id=task["id"]))
    return "\n".join(lines)


def _weighed(verdict: dict[str, Any], texts: Texts) -> list[str]:
    """One choice: its sentences, the numbers, and who was out of the question."""
    fit, out = _sorted_out(verdict)
    numbers = [["", "score", *PARTS], *[_row(one, texts) for one in fit]] if fit else []
    return [*_sentences(fit, texts), *_indented(table(numbers)), *(_refusal(one, texts) for one in out)]


def _now(verdict: dict[str, Any], texts: Texts) -> list[str]:
    """What a choice would be that has not been made."""
    if not verdict["judged"]:
        return [texts("now.no-worker")]
    head = texts("now.winner", winner=verdict["winner"]) if verdict["winner"] else texts("now.nobody")
    return [head, *(_refusal(one, texts) for one in _sorted_out(verdict)[1])]


def _sorted_out(verdict: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those who could have it, the winner first, and those who could not."""
    judged = verdict["judged"]
    return [one for one in judged if not one["refused"]], [one for one in judged if one["refused"]]


def _sentences(fit: list[dict[str, Any]], texts: Texts) -> list[str]:
    """Why the first of them won."""
    match fit:
        case []:
            return []
        case [only]:
            return [texts("choice.alone", winner=only["station"])]
    best, other = fit[0], fit[1]
    values = {"winner": best["station"], "other": other["station"], "score": _number(score(best), texts)}
    if score(best) == score(other):
        return [texts("choice.tie", **values)]
    part = max(PARTS, key=lambda part: _points(best, part) - _points(other, part))
    more = _number(_points(best, part) - _points(other, part), texts)
    return [
        texts("choice.best", **values, less=_number(score(other), texts)),
        texts("choice.most", part=texts(f"part.{part}"), points=more),
    ]


def _points(one: dict[str, Any], part: str) -> float:
    return float(SIGNS[part] * one[part])


def _row(one: dict[str, Any], texts: Texts) -> list[str]:
    return [
        one["station"],
        _number(score(one), texts),
        *(f"{'+' if _points(one, part) > 0 else ''}{_number(_points(one, part), texts)}" for part in PARTS),
    ]


def _refusal(one: dict[str, Any], texts: Texts) -> str:
    key = f"refused.{one['refused']}"
    return f"  {one['station']} {texts(key) if texts.has(key) else one['refused']}"


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _number(value: float, texts: Texts) -> str:
    """Two or more digits behind the point, as the language writes it; enough of them that small differences show."""
    shown = f"{value + 0.0:.2f}" if abs(value) >= 0.1 or not value else f"{value:.4f}"  # noqa: PLR2004 - as it says
    return shown.replace(".", ",") if texts.language == "de" else shown
