"""Which rows became orders, in a file that survives a crash between any two steps."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agent.domain.errors import TryLater
from agent.system.lock import ProfileLock

# One line of JSON for each step, on the disk before the next begins:
#     {"begun": "4f1c…", "fields": {"title": "Order 17", …}, "others": ["77ab…"]}   the agent is being asked; these
#                                                                orders are the same, and were there before
#     {"done": "4f1c…", "order": "9b1e…"}                        the order is there
#     {"undone": "4f1c…"}                                        the agent refused it
# A last line without its end was being written in a crash, and counts as not there.


class Journal:
    """Used by one program at a time; raises TryLater when another one has it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = ProfileLock(file.with_name(f"{file.name}.lock"))
        self._done: dict[str, str] = {}
        self._open: dict[str, dict[str, Any]] = {}
        self._there: list[Mapping[str, Any]] = []

    def __enter__(self) -> Self:
        if not self._lock.acquire():
            raise TryLater("Another import is running", f"It uses {self._file}; try again when it has ended")
        content = self._file.read_bytes() if self._file.exists() else b""
        whole, _, torn = content.rpartition(b"\n")
        if torn:
            os.truncate(self._file, len(content) - len(torn))
        for line in whole.splitlines():
            self._take(json.loads(line))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def settle(self, orders: Iterable[Mapping[str, Any]]) -> None:
        """Find out what became of rows that were being made in a crash: the order is there now, or it never was.

        `orders` are all there are.
        """
        self._there = list(orders)
        known = set(self._done.values())
        for key, begun in list(self._open.items()):
            found = next((one["id"] for one in self._there if one["id"] not in known and _is_from(one, begun)), None)
            if found is None:
                self.undone(key)
            else:
                known.add(found)
                self.done(key, found)

    def begin(self, key: str, fields: Mapping[str, Any]) -> None:
        """The agent is asked next."""
        others = [one["id"] for one in self._there if _is_same(one, fields)]
        self._write({"begun": key, "fields": dict(fields), "others": others})

    def done(self, key: str, order: str) -> None:
        """The row became this order."""
        self._write({"done": key, "order": order})

    def undone(self, key: str) -> None:
        """The row became nothing, and may be tried again."""
        self._write({"undone": key})

    def _write(self, step: dict[str, Any]) -> None:
        with self._file.open("ab") as file:
            file.write(json.dumps(step).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(step)

    def _take(self, step: dict[str, Any]) -> None:
        match step:
            case {"begun": str(key)}:
                self._open[key] = step
            case {"done": str(key), "order": str(order)}:
                self._open.pop(key, None)
                self._done[key] = order
            case {"undone": str(key)}:
                self._open.pop(key, None)


def _is_from(order: Mapping[str, Any], begun: Mapping[str, Any]) -> bool:
    """Whether an order is what a row was to become; by no clock, for an order's time is the hub's."""
    return _is_same(order, begun["fields"]) and order["id"] not in begun["others"]


def _is_same(order: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    return all(order.get(name) == value for name, value in fields.items())
