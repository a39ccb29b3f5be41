"""What the hub's commands share: the way to the hub, handing over an invite, and times."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.cli.output import Context
from agent.domain.errors import BadInput
from agent.system.control import ControlLine


def reach_hub(context: Context) -> ControlLine:
    """Return a line to the running hub; raises Unavailable."""
    from agent.hub.ask import connect_hub

    return connect_hub(context.profile)


def hand_over(made: dict[str, Any], path: Path | None, qr: Path | None) -> None:
    """Write an invite where IT wants it."""
    if path is not None:
        write_private(path, json.dumps(made["invite"], indent=1).encode())
    if qr is not None:
        from agent.hub.qr import write_qr

        write_qr(qr, made["invite"])


def code_text(made: dict[str, Any]) -> str:
    """Return what is typed where no file can be handed over."""
    return f"code  {made['code']}\nhub   {made['url']}"


def write_private(path: Path, content: bytes) -> None:
    """Write an invite so that only its owner reads it: whoever has it can join."""
    from agent.system.files import write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        raise BadInput("The invite cannot be written", f"{path}: {error}", field="file") from error


def when(ms: int | None) -> str:
    """Return a time, ms UTC, as people here write it."""
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
