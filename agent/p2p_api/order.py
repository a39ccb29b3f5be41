"""The order of texts between two programs: parts are put together, and nothing comes twice, early or late."""

# A channel keeps its order, but it may be replaced by a newer one while messages are on their way in the old. So each
# text says which one it follows:
#
#   n = last + 1              it is the next: taken
#   n > last, and `first`     the sender gave something up and begins anew: taken, an unfinished text is dropped
#   another seat, `first`     the program of the sender is a new one: taken
#   anything else             something before it is missing, or it is late: refused, and its sender told so

from collections.abc import Generator

from agent.domain.keys import from_b64u, to_b64u
from agent.domain.texts import PART_TEXT, Text

MOST_BYTES = 64 * 1024
"""The longest text, in bytes of UTF-8."""

PART_BYTES = PART_TEXT // 4 * 3


class Outgoing:
    """Numbers the texts to one recipient; `seat` is 32 hex digits, new with each run of the program."""

    def __init__(self, seat: str) -> None:
        self._seat, self._n, self._first = seat, 0, True

    def texts(self, message: bytes) -> Generator[Text, None, None]:
        """Yield its parts; after one that could not be sent, begin anew."""
        starts = range(0, max(len(message), 1), PART_BYTES)
        for start in starts:
            part, more = message[start : start + PART_BYTES], start != starts[-1]
            first, self._n, self._first = self._first, self._n + 1, False
            yield Text(seat=self._seat, n=self._n, first=first, more=more, part=to_b64u(part))

    def begin_anew(self) -> None:
        """What was sent may be lost: do not wait for it."""
        self._first = True


class Incoming:
    """Puts the texts of one sender together."""

    def __init__(self) -> None:
        self._seat, self._last = "", 0
        self._left: set[str] = set()
        self._parts = bytearray()

    def take(self, text: Text) -> tuple[bool, bytes | None]:
        """Return whether it was taken, and the message that it completes."""
        if not self._follows(text):
            return False, None
        if text.first:
            self._parts.clear()
        try:
            self._parts += from_b64u(text.part)
        except ValueError:
            return False, None
        if len(self._parts) > MOST_BYTES:
            self._parts.clear()
            return False, None
        if text.seat != self._seat:
            self._left.add(self._seat)
        self._seat, self._last = text.seat, text.n
        if text.more:
            return True, None
        message = bytes(self._parts)
        self._parts.clear()
        return True, message

    def _follows(self, text: Text) -> bool:
        if text.seat != self._seat:
            return text.first and text.seat not in self._left
        return text.n == self._last + 1 or (text.first and text.n > self._last)
