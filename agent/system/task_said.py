"""What a task's program says on standard output: how far it is, and its one result."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from agent.domain.text import clean

# How a program does a task. It gets the task's data as one JSON document on standard input, then the end of it.
# It says lines of JSON (UTF-8) on standard output; empty ones are passed over:
#
#     {"progress": 0.4, "text": "row 40 of 100"}     as often as it likes; 0 to 1, and a text or none
#     {"result": {"rows": 100}}                      once, as the last line; any JSON
#
# and ends with exit code 0. Any other exit code means that it failed; the end of what it wrote to standard error then
# says why. Asked to end (Linux: SIGTERM, Windows: Ctrl+Break) it has 5 s.
LONGEST_TEXT = 200
LONGEST_PROGRESS = 4096
"""Bytes of a line that can be a progress."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: 0 to 1, and what is being done, "" if nothing is said."""

    part: float
    text: str = ""


class _ResultLine(msgspec.Struct, forbid_unknown_fields=True):
    """The last line; the result stays as it was written, for between two programs nobody reads it."""

    result: msgspec.Raw


class _ProgressLine(msgspec.Struct, forbid_unknown_fields=True):
    """Any line before."""

    progress: Annotated[float, msgspec.Meta(ge=0, le=1)]
    text: str = ""


_far = re.compile(rb"[0-9]{300}|[0-9][eE]\+?[0-9]{3}")
"""What may be a number that no program here can read, as only reading it shows."""
_read_result = msgspec.json.Decoder(_ResultLine).decode
_read_progress = msgspec.json.Decoder(_ProgressLine).decode


class Said:
    """Takes in what one program says; at most `most` bytes of it are kept."""

    def __init__(self, most: int, progress: Callable[[Progress], None]) -> None:
        self.too_much = False
        self.fault = ""
        """What is wrong with it, if anything is."""
        self.result: bytes | None = None
        """The result, JSON as it was written, if there was one."""
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
        if b"\n" not in content:
            return  # a long line is put together without looking at all of it again and again
        *lines, rest = self._begun.split(b"\n")
        self._begun = bytearray(rest)
        self._tell([one for line in lines if (one := self._line(bytes(line))) is not None])

    def end(self) -> None:
        """Nothing more comes; the last line may lack its end."""
        last, self._begun = bytes(self._begun), bytearray()
        self._line(last)
        if self.result is None and not self.fault:
            self.fault = "it said no result"

    def _tell(self, steps: list[Progress]) -> None:
        if steps:
            self._progress(steps[-1])  # what was overtaken meanwhile is of no use to anybody

    def _line(self, line: bytes) -> Progress | None:
        self._lines += 1
        if not line.strip():
            return None
        if self.result is not None:
            self._blame("comes after the result")
        elif (progress := _progress_in(line)) is not None:
            return progress
        else:
            self.result = _result_in(line)
            if self.result is None:
                self._blame("is neither a result nor a progress")
        return None

    def _blame(self, what: str) -> None:
        self.fault = self.fault or f"line {self._lines} of what it said {what}"


def _progress_in(line: bytes) -> Progress | None:
    if len(line) > LONGEST_PROGRESS:
        return None
    try:
        found = _read_progress(line)
    except (ValueError, RecursionError):
        return None
    return Progress(found.progress, clean(found.text)[:LONGEST_TEXT])


def _result_in(line: bytes) -> bytes | None:
    """The result of a line as it was written, or None for what is no JSON of ours."""
    try:
        line.decode("utf-8")  # which nobody looks at inside the texts of what is only passed on
        result = bytes(_read_result(line).result)
        if _far.search(result):
            msgspec.json.decode(result)
        return result  # noqa: TRY300 - an else after a check reads worse
    except (ValueError, RecursionError):
        return None
