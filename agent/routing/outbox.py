"""What is on its way: one row for each message and recipient, until the recipient's signed receipt closes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.envelope import PAGE, QUIET, URGENT, WANT_PRESENTED
from agent.routing.policy import LinkView, calls, choose, late_after, next_time, pause_before, spared, towards

ENDS = {"presented": 2, "seen": 2, "refused": 2, "stored": 1}
"""How much of `want` each receipt stage fulfils."""

ASK_AFTER_S = 3.0
"""How long a receipt that is already on its way has, once there is a link again, before its message asks for it."""

WAYLESS_S = {QUIET: 3600.0, PAGE: 60.0, URGENT: 60.0}
"""How long a row without a way sleeps if nobody wakes it, which whatever opens one does: there may be thousands."""


@dataclass(slots=True)
class Row:
    """One message to one recipient; `posted`, `due` and `ends` are monotonic seconds, `exp` is ms UTC.

    `ends` is when its life is over by the clock it was signed by; a row of an earlier run has only `exp`. `tried` are
    the links it was sent over, `mailed` is when a mail server took it, monotonic.
    """

    id: str
    recipient: str
    prio: int
    want: int
    exp: int
    posted: float
    attempt: int = 0
    due: float = 0.0
    stored: bool = False
    late: bool = False
    ends: float = math.inf
    tried: frozenset[str] = frozenset()
    mailed: float = -math.inf


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send this row's message over these links now."""

    row: Row
    links: tuple[str, ...]


class Outbox:
    """All open rows; decides what is due. Holds no frames and does no I/O."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Take a committed row in; it is due at once."""
        row.due = row.posted
        self._rows[row.id, row.recipient] = row

    def get(self, id_: str, recipient: str) -> Row | None:
        """Return an open row."""
        return self._rows.get((id_, recipient))

    def move(self, id_: str, exp: int, now: float) -> bool:
        """A message was signed again, until `exp`: it is due at once; False if it has no open row any more."""
        rows = [row for row in self._rows.values() if row.id == id_]
        for row in rows:
            row.exp, row.due = exp, now
        return bool(rows)

    def hear(self, id_: str, recipient: str, stage: str) -> bool:
        """Take a receipt in; return whether it closed the row."""
        row = self._rows.get((id_, recipient))
        if row is None:
            return False
        row.stored = True
        if ENDS.get(stage, 0) < row.want:
            return False
        del self._rows[id_, recipient]
        return True

    def drop(self, id_: str) -> list[Row]:
        """Close all rows of a message."""
        rows = [row for row in self._rows.values() if row.id == id_]
        for row in rows:
            del self._rows[row.id, row.recipient]
        return rows

    def drop_recipient(self, recipient: str) -> list[Row]:
        """Close all rows to a station that is no member any more."""
        rows = [row for row in self._rows.values() if row.recipient == recipient]
        for row in rows:
            del self._rows[row.id, row.recipient]
        return rows

    def try_now(self, now: float) -> None:
        """A link came up: whatever its recipient has not stored goes again at once."""
        for row in self._rows.values():
            _hasten(row, now)

    def try_recipient(self, recipient: str, now: float) -> None:
        """A way to a station opened or ended: what it has not stored goes again at once."""
        for row in self._rows.values():
            if row.recipient == recipient:
                _hasten(row, now)

    def calling(self, now: float = math.inf) -> set[str]:
        """Return the stations that a way should be opened to, for what is due by then."""
        rows = [row for row in self._rows.values() if row.due <= now and not row.stored]
        return {row.recipient for row in rows if calls(row.recipient, row.prio, row.want)}

    def recipients(self) -> set[str]:
        """Return the stations that rows are open to."""
        return {row.recipient for row in self._rows.values()}

    def due(self, now: float, links: Sequence[LinkView], *, only: Row | None = None) -> list[Attempt]:
        """Return what to send now (of all rows, or `only` one) and move each such row to its next time."""
        ready = [row for row in ([only] if only else self._rows.values()) if row.due <= now]
        return [attempt for row in ready if (attempt := _step(row, now, links)) is not None]

    def newly_late(self, now: float) -> list[Row]:
        """Return rows whose sender must see red now, once each."""
        rows = [r for r in self._rows.values() if not r.late and not r.stored and now >= r.posted + late_after(r.prio)]
        for row in rows:
            row.late = True
        return rows

    def expired(self, mono: float, sure_ms: int) -> list[Row]:
        """Close and return rows whose message has expired, by the hub's time (Instant.sure_ms) and by no other."""
        rows = [row for row in self._rows.values() if row.exp <= sure_ms or row.ends <= mono]
        for row in rows:
            del self._rows[row.id, row.recipient]
        return rows

    def next_due(self) -> float | None:
        """Return the monotonic time at which `due` or `newly_late` has something to say."""
        times = [t for row in self._rows.values() for t in _times(row)]
        return min(times, default=None)


def _hasten(row: Row, now: float) -> None:
    """Send a row earlier. What was stored is only asked after: its last receipt may be lost with the last link."""
    row.due = min(row.due, now + ASK_AFTER_S) if row.stored else now


def _times(row: Row) -> list[float]:
    waiting = not row.late and not row.stored
    return [row.due, row.posted + late_after(row.prio)] if waiting else [row.due]


def _step(row: Row, now: float, links: Sequence[LinkView]) -> Attempt | None:
    """Move a due row on. Without a link it stays at its attempt and looks again when one comes up."""
    reaching = spared(towards(row.recipient, links), row.prio, row.mailed, now)
    names = tuple(choose(row.attempt, row.prio, reaching, row.tried))
    if not names:
        row.due = now + WAYLESS_S[row.prio]
        return None
    row.attempt, row.tried = row.attempt + 1, row.tried.union(names)
    # Never sooner than the pause the table has here: after hours without a link there is nothing to catch up on.
    row.due = max(row.posted + next_time(row.attempt, row.prio), now + pause_before(row.attempt, row.prio))
    if row.stored and row.want == WANT_PRESENTED:
        row.due = max(row.due, now + 15.0)
    return Attempt(row, names)
