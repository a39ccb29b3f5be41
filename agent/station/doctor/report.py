"""What the doctor says: to people in their language, to programs as JSON, to scripts as an exit code."""

from collections.abc import Sequence
from typing import Any

from agent.station.doctor.finding import Finding, Level
from agent.ui.texts import Texts

EXIT_CODES = {Level.OK: 0, Level.OFF: 0, Level.WARNING: 1, Level.FAILURE: 2}
_MARKS = {Level.OK: "ok", Level.OFF: "-", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}
_NEEDS_CURE = (Level.WARNING, Level.FAILURE)
_INDENT = 28


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level there is; what was not looked at counts as well."""
    return max([Level.OK, *(one.level for one in findings)], key=EXIT_CODES.__getitem__)


def as_wire(findings: Sequence[Finding], texts: Texts) -> dict[str, Any]:
    """The report for programs.

    {"rings": bool, "level", "summary", "findings": [{"check", "level", "what", "title", "cure" (or null), "values"}]}
    """
    return {
        "rings": worst(findings) is not Level.FAILURE,
        "level": str(worst(findings)),
        "summary": summary(findings, texts),
        "findings": [
            {
                "check": one.check,
                "level": str(one.level),
                "what": one.what,
                "title": title(one, texts),
                "cure": cure(one, texts),
                "values": dict(one.values),
            }
            for one in findings
        ],
    }


def as_text(findings: Sequence[Finding], texts: Texts) -> str:
    """The report for people: one line a finding, what to do under what needs it, and the answer at the end."""
    lines = [line for one in findings for line in _lines(one, texts)]
    return "\n".join([*lines, "", summary(findings, texts)])


def title(finding: Finding, texts: Texts) -> str:
    """What was found, in one line."""
    return texts(f"{finding.check}.{finding.what}", **finding.values)


def cure(finding: Finding, texts: Texts) -> str | None:
    """What to do about it; None where nothing needs to be done."""
    if finding.level not in _NEEDS_CURE:
        return None
    return texts(f"{finding.check}.{finding.what}.cure", **finding.values)


def summary(findings: Sequence[Finding], texts: Texts) -> str:
    """Will it ring? Names what stands against it, in the order of the checks."""
    level = worst(findings)
    if level not in _NEEDS_CURE:
        return texts("ring.yes")
    why = ", ".join(dict.fromkeys(texts(one.check) for one in findings if one.level is level))
    return texts("ring.no" if level is Level.FAILURE else "ring.but", why=why)


def _lines(finding: Finding, texts: Texts) -> list[str]:
    head = f"{_MARKS[finding.level]:<8} {texts(f'{finding.check}'):<18} {title(finding, texts)}"
    done = cure(finding, texts)
    return [head] if done is None else [head, " " * _INDENT + "→ " + done]
