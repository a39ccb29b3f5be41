"""`nmr task send`: hand a task out, and wait for what comes of it."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.output import Context, json_option, pass_context, show
from agent.domain.errors import BadInput, TryLater

if TYPE_CHECKING:
    from agent.tasks import Task

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(_: click.Context, __: click.Parameter, value: str) -> int:
    """Read a time such as 90s, 20m, 2h or 7d."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", value)
    if found is None:
        raise click.BadParameter("write a time such as 90s, 20m, 2h or 7d")
    return int(found[1]) * SECONDS[found[2]]


@click.command()
@click.argument("type_", metavar="TYPE")
@click.argument("source", metavar="[-]", required=False, type=click.Choice(["-"]))
@click.option("--data", metavar="JSON", help="What it is about.")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="The same from a file; - is stdin.")
@click.option("--to", default="", metavar="ROLE", help="Only to workers of this role.")
@click.option("--once", is_flag=True, help="Never begin it a second time; somebody decides if a worker is lost.")
@click.option(
    "--life", metavar="TIME", callback=_seconds, default="24h", show_default=True, help="How long it may take."
)
@click.option("--tries", type=int, default=3, show_default=True, help="How many workers may fail at it.")
@click.option("--wait", is_flag=True, help="Wait and print the result: 0 done, 1 failed, 75 still open.")
@json_option
@pass_context
def send(
    context: Context,
    /,
    type_: str,
    source: str | None,
    *,
    data: str | None,
    file: Path | None,
    wait: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Hand a task of TYPE to the best worker; prints its id, or with --wait its result as JSON."""
    import asyncio

    from agent import tasks

    about = _about(source, data, file)
    tasks.use(context.profile)
    made: list[Task] = []

    async def hand_out() -> None:
        made.append(await tasks.submit(type_, about, **how))
        if wait:
            await _end(context, made[0])

    try:
        asyncio.run(hand_out())
    except KeyboardInterrupt:
        if not made:
            raise
        raise TryLater("The task is still open", f"It goes on: nmr task show {made[0].id}", code="task-open") from None
    if wait:
        print(json.dumps(made[0].told if as_json else made[0].told.get("result"), ensure_ascii=False))
    else:
        show({"task": made[0].id}, made[0].id, as_json=as_json)
    return 0


async def _end(context: Context, task: "Task") -> None:
    """Wait for the result, and say on a terminal how far it is; raises what `Task.result` raises."""
    if not sys.stderr.isatty():
        await task.result()
        return
    from agent.cli.task_reasons import state_words
    from agent.cli.task_words import words

    texts = words(context)
    async for step in task.progress():
        print(state_words(task.told, texts), file=sys.stderr, flush=True)
        if step.state == "held":
            break
    await task.result()


def _about(source: str | None, data: str | None, file: Path | None) -> object:
    """What the task is about; raises BadInput for what is no JSON, and UsageError for two things at once."""
    if sum(one is not None for one in (source, data, file)) > 1:
        raise click.UsageError("give the data once: --data JSON, --file FILE, or -")
    if source or file == Path("-"):
        return _decoded(sys.stdin.buffer.read(), "standard input")
    if file is not None:
        try:
            return _decoded(file.read_bytes(), str(file))
        except OSError as error:
            raise BadInput("The file cannot be read", f"{file}: {error.strerror}", field="file") from error
    return None if data is None else _decoded(data.encode("utf-8", "surrogateescape"), "--data")


def _decoded(content: bytes, whence: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        example = """Write JSON, such as '{"order": 17}' or '"a text"'"""
        raise BadInput("This is no JSON", f"{whence}: {error}. {example}", field="data") from error
