"""The data of a task on their way to the agent: in the request itself, or beside it in a private file."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from agent.domain.errors import BadInput
from agent.domain.tasks import MOST_BYTES
from agent.system.paths import Profile
from agent.tasks.errors import AgentAway

MOST_INLINE = 40 * 1024
"""More bytes go by file: a request has 64 KiB at most, and everything else in it wants room."""


def encoded(data: object) -> bytes:
    """Return data as JSON; raises BadInput for what is none, or more than a task may have."""
    try:
        found = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput("The data are no JSON", str(error), field="data") from error
    if len(found) > MOST_BYTES:
        raise BadInput("Too much for a task", f"Data may have {MOST_BYTES} bytes", code="too-large", field="data")
    return found


@contextmanager
def handed_over(profile: Profile, data: object) -> Iterator[dict[str, Any]]:
    """Give the fields of a request that carry the data; a file lasts as long as the context."""
    content = encoded(data)
    if len(content) <= MOST_INLINE:
        yield {"data": data}
        return
    file = _written(profile, content)
    try:
        yield {"file": str(file)}
    finally:
        file.unlink(missing_ok=True)


def _written(profile: Profile, content: bytes) -> Path:
    """Write a file that only this account can read, beside the agent's socket, where the agent sees it too."""
    try:
        number, name = mkstemp(".json", "task-", profile.runtime_folder)
    except OSError as error:
        raise AgentAway(
            "The agent is not running",
            f"{profile.runtime_folder}: {error.strerror}. Start it with: nmr run",
            code="no-agent",
        ) from error
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
