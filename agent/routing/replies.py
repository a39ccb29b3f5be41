"""What a router says by itself: receipts, many in one message, and that it could not understand something."""

import asyncio
from collections.abc import Callable

from agent.domain.audience import Audience
from agent.domain.effects import Post
from agent.domain.envelope import PAGE, QUIET, WANT_NOTHING
from agent.domain.messages import ErrorNote, Parameters
from agent.routing.complaints import Complaint
from agent.routing.receipts import Receipts

RECEIPTS_AFTER_S = 0.02
"""Receipts wait this long for company: no person notices, and a burst costs few signatures."""


class Replies:
    """Gathers receipts and gives them to `post`; `now_ms` is the time they are evidence of."""

    def __init__(self, post: Callable[[Post], None], new_id: Callable[[], str], now_ms: Callable[[], int]) -> None:
        self._post, self._new_id, self._now_ms = post, new_id, now_ms
        self._receipts = Receipts()
        self._timer: asyncio.TimerHandle | None = None

    def receipt(self, sender: str, id_: str, stage: str, why: str = "") -> None:
        """Tell a sender soon how far its message got here."""
        self._receipts.add(sender, id_, stage, why, self._now_ms())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RECEIPTS_AFTER_S, self.send)

    def send(self) -> None:
        """Send the receipts that wait, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for sender, receipt in self._receipts.take():
            self._write(sender, "receipt", receipt, None, PAGE)

    def complain(self, complaint: Complaint) -> None:
        """Tell a station that we cannot read what it sends."""
        self._write(complaint.station, "error", ErrorNote(code=complaint.code), complaint.re, QUIET)

    def _write(self, station: str, type_: str, params: Parameters, re: str | None, prio: int) -> None:
        to = Audience("station", station)
        self._post(Post(self._new_id(), to, (station,), type_, params, re, WANT_NOTHING, prio))
