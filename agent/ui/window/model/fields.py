"""Whether what people typed can be sent, and which text says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.ui.texts import Texts

LIMITS = {"title": 120, "subtitle": 120, "note": 500, "answer": 500}
"""Longest inputs in characters, where the agent names no others."""


class Checked(NamedTuple):
    """The cleaned values, and for each field at fault the text that says why, in the order of the form."""

    values: dict[str, str]
    faults: dict[str, str]


def check(typed: Mapping[str, str], texts: Texts, limits: Mapping[str, int] | None = None) -> Checked:
    """Clean and check title, subtitle, note or answer, whichever are given (N-50)."""
    values = {name: _clean(name, text) for name, text in typed.items()}
    faults = {}
    for name, value in values.items():
        if fault := _fault(name, value, texts, limit(name, limits)):
            faults[name] = fault
    return Checked(values, faults)


def limit(name: str, limits: Mapping[str, int] | None = None) -> int:
    """The longest `name` may be, in characters."""
    return (limits or {}).get(name) or LIMITS[name]


def _clean(name: str, text: str) -> str:
    """Without white space around; a pasted line break becomes a space, except in a note."""
    if name == "note":
        return "\n".join(line.rstrip() for line in text.strip().splitlines())
    return " ".join(text.split())


def _fault(name: str, value: str, texts: Texts, longest: int) -> str:
    if not value and texts.has(f"form.{name}-missing"):
        return texts(f"form.{name}-missing")
    if len(value) > longest:
        return texts("form.too-long", length=len(value), limit=longest)
    if not all(character.isprintable() or character == "\n" for character in value):
        return texts("form.control")
    return ""
