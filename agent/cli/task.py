"""`nmr task`: hand work to workers, look at it, decide about it, and see what this computer does for others."""

from collections import Counter
from typing import Any

import click

from agent.cli.output import Context, json_option, pass_context, show, table
from agent.cli.task_deciding import again, answer, cancel
from agent.cli.task_looking import explain, list_, questions, show_, workers
from agent.cli.task_sending import send
from agent.domain.asking import ASK
from agent.domain.errors import BadConfiguration


@click.group()
def task() -> None:
    """Hand work to workers, and look at what this computer does for others."""


for command in (send, list_, show_, explain, cancel, again, workers, questions, answer):
    task.add_command(command)


@task.command()
@json_option
@pass_context
def types(context: Context, *, as_json: bool) -> int:
    """Show the tasks that may be done here, and whether their programs are there (else exit code 78)."""
    from agent.system.config.load import load

    loaded = load(context.profile)
    found = _types(loaded.config.task, context.profile.control_address)
    mistakes = [
        str(one) for one in loaded.mistakes if one.key.partition("[")[0].partition(".")[0] in ("task", "worker")
    ]
    value = {"enabled": loaded.config.worker.enabled, "types": found, "mistakes": mistakes}
    show(value, _text(found, mistakes, enabled=loaded.config.worker.enabled), as_json=as_json)
    good = not mistakes and all(one["ok"] for one in found)
    return 0 if good else BadConfiguration.exit_code


def _types(configured: Any, address: str) -> list[dict[str, Any]]:
    from agent.system.task_types import allowed, missing

    often = Counter(one.type for one in configured)
    found = [_line(ASK, "the person at this computer", "", {})]
    for one in allowed(configured, address).values():
        fault = missing(one) or ("is given twice; the first counts" if often[one.type] > 1 else "")
        limits = {
            "seconds": one.seconds,
            "memory_bytes": one.memory_bytes,
            "output_bytes": one.output_bytes,
            "at_once": one.at_once,
            "once": one.once,
        }
        found.append(_line(one.type, list(one.command), fault, limits))
    return found


def _line(name: str, command: object, fault: str, limits: dict[str, Any]) -> dict[str, Any]:
    return {"type": name, "ok": not fault, "fault": fault, "command": command, "limits": limits}


def _text(found: list[dict[str, Any]], mistakes: list[str], *, enabled: bool) -> str:
    rows = [[one["type"], one["fault"] or "ok", _command(one["command"])] for one in found]
    notes = [f"mistake: {one}" for one in mistakes]
    if not enabled:
        notes.append("This computer takes no tasks: worker.enabled is false")
    return "\n".join([table([["TYPE", "", "COMMAND"], *rows]), *notes])


def _command(command: str | list[str]) -> str:
    from shlex import join

    return command if isinstance(command, str) else join(command)
