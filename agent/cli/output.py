"""What commands share: the profile they work on and the one way they print."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from agent.system.paths import Profile

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Context:
    """Handed to every command."""

    profile: Profile


pass_context = click.make_pass_decorator(Context)


def json_option(command: F) -> F:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")(command)


def show(value: object, text: str, *, as_json: bool) -> None:
    """Print a result: JSON for programs, or a text for people; only data goes to standard output."""
    print(json.dumps(value, ensure_ascii=False) if as_json else text)


def table(rows: list[list[str]]) -> str:
    """Return rows as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
