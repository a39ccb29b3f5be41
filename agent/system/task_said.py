"""What a task's program says on standard output: how far it is, and its one result."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.domain.text import clean

# How a program does a task. It gets the task's data as one JSON document on standard input, then the end of it.
# It says lines of JSON (UTF-8) on standard output; empty ones are passed over:
#
#     {"progress": 0.4, "text": "row 40 of 100"}     as often as it likes; 0 to 1, and a text or none
#     {"result": {"rows": 100}}                      once, as the last line; any JSON without NaN
#
# and ends with exit code 0. Any other exit code means that it failed; the end of what it wrote to standard error then
# says why. Asked to end (Linux: SIGTERM, Windows: Ctrl+Break) it has 5 s.
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: 0 to 1, and what is being done, "" if nothing is said."""

    part: float
    text: str = ""


class Said:
    """Takes in what one program says; at most `most` bytes of it are kept."""

    def __init__(self, most: int, progress: Callable[[Progress], None]) -> None:
        self.too_much = False
        self.fault = ""
        """What is wrong with it, if anything is."""
        self.result: Any = None
        self.finished = False
        """Whether there was a result."""
        self._left, self._progress = most, progress
        self._begun = bytearray()
        self._lines = 0

    def take(self, content: bytes) -> None:
        """The next bytes; tells the last progress of them. What is too much is not looked at."""
        self._left -= len(content)
        if self._left < 0:
            self.too_much = True
            self._begun.clear()
            return
        self._begun += content
        *lines, rest = self._begun.split(b"\n")
        self._begun = bytearray(rest)
        self._tell([one for line in lines if (one := self._line(bytes(line))) is not None])

    def end(self) -> None:
        """Nothing more comes; the last line may lack its end."""
        last, self._begun = bytes(self._begun), bytearray()
        self._line(last)
        if not self.finished and not self.fault:
            self.fault = "it said no result"

    def _tell(self, steps: list[Progress]) -> None:
        if steps:
            self._progress(steps[-1])  # what was overtaken meanwhile is of no use to anybody

    def _line(self, line: bytes) -> Progress | None:
        self._lines += 1
        if not line.strip():
            return None
        if self.finished:
            self._blame("comes after the result")
            return None
        match _decoded(line):
            case {"result": result, **rest} if not rest:
                self.result, self.finished = result, True
            case {"progress": int(part) | float(part), **rest} if 0 <= part <= 1 and _is_text_alone(rest):
                return Progress(float(part), clean(str(rest.get("text", "")))[:LONGEST_TEXT])
            case _:
                self._blame("is neither a result nor a progress")
        return None

    def _blame(self, what: str) -> None:
        self.fault = self.fault or f"line {self._lines} of what it said {what}"


def _is_text_alone(rest: Mapping[Any, Any]) -> bool:
    return not rest or (list(rest) == ["text"] and isinstance(rest["text"], str))


def _decoded(line: bytes) -> Any:
    """The value of one line, or None for what could not be sent on: NaN, half characters, a depth nobody needs."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)
