"""What the commands about tasks share: a task's id from a few of its letters, and the language of this computer."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.cli.output import Context
from agent.domain.errors import BadInput
from agent.system.control import ControlLine

if TYPE_CHECKING:
    from agent.ui.texts import Texts

SHOWN = 3


def find(line: ControlLine, wanted: str) -> str:
    """Return the id of the task of ours that `wanted` means; raises BadInput if it is none, or not the only one."""
    return match(wanted, [one["id"] for one in line.request("task.list")], "nmr task list --all")


def match(wanted: str, ids: Iterable[str], where: str) -> str:
    """Return the one id that begins with `wanted`, or whose task does end with it: ids made at once begin alike."""
    small = wanted.lower()
    found = [id_ for id_ in ids if small and (id_.startswith(small) or id_.partition("@")[0].endswith(small))]
    if wanted in found:
        return wanted
    if not found:
        raise BadInput("No such task", f"There is none with “{wanted}”: {where}", code="no-such-task", field="task")
    if len(found) > 1:
        some = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
        raise BadInput("Which task?", f"Write more of it: {some}", code="which-task", field="task")
    return found[0]


def words(context: Context) -> "Texts":
    """Return the texts about tasks in the language of this computer."""
    from agent.station.picture import language_of
    from agent.system.config.load import load
    from agent.ui.texts.task import task_texts

    return task_texts(language_of(load(context.profile).config))
