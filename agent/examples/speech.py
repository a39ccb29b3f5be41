"""What every program for a task does: read its data, say how far it is, say its result, or say why not."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def do(deed: Callable[[Mapping[str, Any]], Any]) -> int:
    """Do a task: `deed` gets its data and returns its result; returns the exit code.

    What it raises of ValueError, KeyError and OSError becomes the reason why the task failed.
    """
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # Windows would choose its own
    try:
        data = json.load(sys.stdin.buffer)
        if not isinstance(data, dict):
            raise ValueError("the data of this task are an object")  # noqa: TRY301, TRY004 - a wrong value, as below
        say({"result": deed(data)})
    except KeyError as missing:
        sys.stderr.write(f"{missing} is missing\n")
        return 1
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def progress(part: float, text: str = "") -> None:
    """Say that this part (0 to 1) is done."""
    say({"progress": round(part, 4), "text": text})


def say(line: Mapping[str, Any]) -> None:
    """Say one line."""
    print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201 - that is how a program for a task speaks
