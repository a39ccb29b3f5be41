"""Which messages are known: being stored right now, or on disk; a known one has no effect a second time."""

from collections.abc import Callable

Accept = Callable[[], None]


class Seen:
    """The ids whose commit is under way, with whoever waits for it; the disk knows the rest."""

    def __init__(self, on_disk: Callable[[str], bool]) -> None:
        self._on_disk = on_disk
        self._storing: dict[str, list[Accept]] = {}

    def known(self, id_: str) -> bool:
        """Whether this message is stored."""
        return self._on_disk(id_)

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
        """The commit failed: no copy was accepted, the next one may try."""
        self._storing.pop(id_, None)
