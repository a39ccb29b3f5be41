"""`nmr task list | show | explain | workers | questions`: what was handed out, to whom and why, and what is asked."""

import json
from typing import Any

import click

from agent.cli.hub_output import when
from agent.cli.output import Context, json_option, pass_context, show, table
from agent.cli.task_words import find, words
from agent.system.control import connect


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@json_option
@pass_context
def list_(context: Context, *, everything: bool, as_json: bool) -> None:
    """List the tasks this station has handed out."""
    with connect(context.profile) as line:
        found = [one for one in line.request("task.list") if everything or not one["ended"]]
    heads = ["TASK", "TYPE", "STATE", "WORKER", "DONE", "ASKED", ""]
    show(found, table([heads, *map(_row, found)]) if found else "no tasks", as_json=as_json)


@click.command("show")
@click.argument("task_id", metavar="TASK")
@json_option
@pass_context
def show_(context: Context, task_id: str, *, as_json: bool) -> None:
    """Show a task and its result; TASK is its id, or enough letters of its beginning or end."""
    found = _shown(context, task_id)
    rows = [[name, str(found[key])] for name, key in FIELDS if found[key] not in ("", None)]
    rows += [["done", f"{found['done'] / 10:.0f} % {found['text']}"], ["asked", when(found["asked_ms"])]]
    rows += [["until", when(found["until_ms"])], ["once", "yes" if found["once"] else "no"]]
    result = f"\n{json.dumps(found['result'], ensure_ascii=False, indent=1)}" if "result" in found else ""
    show(found, table(rows) + result, as_json=as_json)


FIELDS = (
    ("task", "id"), ("type", "type"), ("state", "state"), ("code", "code"), ("why", "why"), ("worker", "worker"),
    ("number", "n"), ("role", "role"),
)  # fmt: skip


@click.command()
@click.argument("task_id", metavar="TASK")
@json_option
@pass_context
def explain(context: Context, task_id: str, *, as_json: bool) -> None:
    """Say why TASK went to whom it went: who was weighed, with which numbers, and who could not have it."""
    from agent.cli import task_reasons

    found, texts = _shown(context, task_id), words(context)
    value = {
        "task": found["id"],
        "state": found["state"],
        "choices": [task_reasons.scored(verdict) for verdict in found["choices"]],
        "now": task_reasons.scored(found["now"]) if "now" in found else None,
    }
    show(value, task_reasons.explain(found, texts), as_json=as_json)


@click.command()
@json_option
@pass_context
def workers(context: Context, *, as_json: bool) -> None:
    """List the workers that say they are available."""
    with connect(context.profile) as line:
        found = line.request("task.workers")
    heads = ["WORKER", "FREE", "LOAD", "FAILURES", "UNTIL", "TYPES"]
    rows = [
        [
            one["station"],
            f"{one['free']} of {one['capacity']}",
            f"{one['load']} %",
            f"{one['failures']:.0%}",
            when(one["until_ms"]),
            ", ".join(one["skills"]),
        ]
        for one in found
    ]
    show(found, table([heads, *rows]) if rows else "no worker is available", as_json=as_json)


@click.command()
@json_option
@pass_context
def questions(context: Context, *, as_json: bool) -> None:
    """List what the person at this computer is asked."""
    with connect(context.profile) as line:
        found = line.request("task.questions")
    text = "\n\n".join(_question(one) for one in found)
    show(found, text or "no questions", as_json=as_json)


def _shown(context: Context, task_id: str) -> dict[str, Any]:
    with connect(context.profile) as line:
        found: dict[str, Any] = line.request("task.show", task=find(line, task_id))
        return found


def _row(one: dict[str, Any]) -> list[str]:
    done = f"{one['done'] / 10:.0f} %"
    return [
        one["id"],
        one["type"],
        one["state"],
        one["worker"],
        done,
        when(one["asked_ms"]),
        one["code"] or one["text"],
    ]


def _question(one: dict[str, Any]) -> str:
    choices = f"\n  choices: {' | '.join(one['choices'])}" if one["choices"] else ""
    return f"{one['task']}\n  {one['from']} asks: {one['question']}{choices}"
