"""Which messages are being stored right now; the disk knows the rest, and a known one has no effect twice."""

from collections.abc import Callable

Accept = Callable[[], None]


class Seen:
    """The ids whose commit is under way, with every link that waits for it."""

    def __init__(self) -> None:
        self._storing: dict[str, list[Accept]] = {}

    def begin(self, id_: str, accept: Accept) -> bool:
        """Note that a message is being stored; False if it already is, then `accept` waits for that."""
        waiting = self._storing.setdefault(id_, [])
        waiting.append(accept)
        return len(waiting) == 1

    def stored(self, id_: str) -> None:
        """The commit is done: let the links forget every copy."""
        for accept in self._storing.pop(id_, []):
            accept()

    def failed(self, id_: str) -> None:
        """The commit failed: no copy was accepted, so the next one may try."""
        self._storing.pop(id_, None)
