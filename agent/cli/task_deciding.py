"""`nmr task cancel | again | answer`: what people decide about tasks."""

import click

from agent.cli.output import Context, json_option, pass_context, show
from agent.cli.task_words import find, match
from agent.domain.errors import BadInput
from agent.system.control import connect


@click.command()
@click.argument("task_id", metavar="TASK")
@json_option
@pass_context
def cancel(context: Context, task_id: str, *, as_json: bool) -> None:
    """Take TASK back; whoever works at it stops."""
    with connect(context.profile) as line:
        id_ = find(line, task_id)
        line.request("task.cancel", task=id_)
    show({"task": id_}, f"taken back: {id_}", as_json=as_json)


@click.command()
@click.argument("task_id", metavar="TASK")
@json_option
@pass_context
def again(context: Context, task_id: str, *, as_json: bool) -> None:
    """Have TASK done again that waits for a decision: it was begun, perhaps, and may be done once only."""
    with connect(context.profile) as line:
        id_ = find(line, task_id)
        state = line.request("task.show", task=id_)["state"]
        if state != "held":
            raise BadInput("There is nothing to decide", f"The task is {state}", code="not-held", field="task")
        line.request("task.again", task=id_)
    show({"task": id_}, f"it is done again: {id_}", as_json=as_json)


@click.command()
@click.argument("task_id", metavar="TASK")
@click.option("--choice", default="", metavar="CHOICE", help="One of the choices, as it is written.")
@click.option("--text", default="", metavar="TEXT", help="A few words of your own.")
@json_option
@pass_context
def answer(context: Context, task_id: str, choice: str, text: str, *, as_json: bool) -> None:
    """Answer a question that the person at this computer is asked (nmr task questions)."""
    with connect(context.profile) as line:
        id_ = match(task_id, [one["task"] for one in line.request("task.questions")], "nmr task questions")
        line.request("task.answer", task=id_, choice=choice, text=text)
    show({"task": id_}, f"answered: {id_}", as_json=as_json)
