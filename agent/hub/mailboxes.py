"""Who takes mail where: what stations say of their mailboxes comes into the ledger."""

# mail.address says a mailbox of whoever signed it, so nobody can send others astray. What a station can do with a
# false address is little:
#   one that does not exist      nobody reaches that station by mail, which it could have had without lying
#   another member's             that one finds mail it cannot open, puts it aside unread, and counts it
#   a stranger's or a list's     they get mail that only the liar could open, signed by no name and saying nothing;
#                                who sends it is a member's account, so the changes a day are few, and the address is
#                                in the ledger for everybody to see, with who wrote it
# What is in a mail is sealed for the station's key whatever its address is, and the grammar of agent.domain.mail lets
# nothing through that could be a second header or command. So an address needs no proof, and its deliverability is
# all that is at stake. Stations may share a mailbox: with plus-addresses each takes its own.

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from agent.domain.effects import Effect
from agent.domain.envelope import DAY_MS
from agent.domain.errors import NmrError
from agent.domain.events import Arrived, Instant
from agent.domain.mail import MailAddress, Mailbox
from agent.domain.names import HUB
from agent.hub.core import Core
from agent.hub.entries import mailbox_value
from agent.hub.publisher import Publisher
from agent.system.log import event
from agent.wire.frame import read_body, take_apart

log = logging.getLogger(__name__)

MOST_A_DAY = 10
"""So often a station may move in a day: each time is an entry that every station keeps for ever."""


class Mailboxes:
    """Appends `member.mail` where somebody says something new; `start` runs a coroutine to its end, whoever goes."""

    def __init__(
        self,
        own: Mailbox,
        *,
        core: Core,
        publisher: Publisher,
        now: Callable[[], Instant],
        start: Callable[[Coroutine[Any, Any, None]], object],
        most_a_day: int = MOST_A_DAY,
    ) -> None:
        self._own, self._core, self._publisher, self._now, self._start = own, core, publisher, now, start
        self._most = most_a_day
        self._one = asyncio.Lock()
        self._said: dict[str, int] = {}
        self._moved: dict[str, list[int]] = defaultdict(list)
        self._read: int | None = None

    def watch(self, happened: object, _: Sequence[Effect]) -> None:
        """A message came: does a station say where it takes mail?"""
        if isinstance(happened, Arrived) and isinstance(happened.params, MailAddress):
            said = happened.params
            box = Mailbox(said.mail, said.plus or not said.mail)
            self._start(self.move(happened.envelope.sender, box, happened.envelope.at))

    async def begin(self) -> None:
        """Write where the hub itself takes mail."""
        await self._write(HUB, self._own)

    async def move(self, station: str, box: Mailbox, at: int) -> None:
        """Write a station's mailbox as it said at `at`, ms UTC, unless it said something newer or moves too often."""
        if at < self._said.get(station, 0):
            return
        self._said[station] = at
        if station != HUB and self.moved_today(station) < self._most:
            await self._write(station, box)
        elif station != HUB:
            event(log, "mail-address-refused", logging.WARNING, station=station, why="too many changes today")

    def moved_today(self, station: str) -> int:
        """How often a station moved in the last 24 hours; the ledger remembers, over restarts too."""
        since, frames = self._now().ms - DAY_MS, self._core.frames
        if self._read is None:
            self._read = len(frames)
            while self._read > 0 and _written(frames[self._read - 1])[0] > since:
                self._read -= 1
        for frame in frames[self._read :]:
            at, op, subject = _written(frame)
            if op == "member.mail":
                self._moved[subject].append(at)
        self._read = len(frames)
        self._moved[station] = [at for at in self._moved[station] if at > since]
        return len(self._moved[station])

    async def _write(self, station: str, box: Mailbox) -> None:
        """Append an entry if it says something new; who cannot be written now says it again within the hour."""
        async with self._one:
            member = self._core.ledger.member(station)
            if member is None or member.mailbox == box:
                return
            try:
                await self._publisher.append("member.mail", station, mailbox_value(box))
            except NmrError as error:
                log.warning("the mailbox of %s cannot be written: %s", station, error.title)


def _written(frame: bytes) -> tuple[int, str, str]:
    """When an entry was written, ms UTC, what it does and to whom."""
    envelope, _ = read_body(take_apart(frame).body)
    return envelope.at, str(envelope.p["op"]), str(envelope.p["subject"])
