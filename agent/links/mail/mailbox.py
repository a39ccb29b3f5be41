"""One mailbox: what in it is ours, what of that can be opened, and where it goes then; nothing else is touched."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.faults import without_addresses
from agent.links.mail.folders import PROCESSED, REFUSED, Folders
from agent.links.mail.letter import ASKED, HEAD_BYTES, NoLetter, is_ours, read_letter
from agent.links.mail.pack import PackRefused, open_pack
from agent.links.mail.settings import MailSettings
from agent.links.mail.state import State

MAIL_BYTES = 3 << 20
"""A mail above this is put aside unread; ours have at most 1.5 MiB."""
AT_ONCE = 200
"""How many mails are asked about, or moved, by one command."""
LONGEST_LIFE_DAYS = 31
"""How far back a mailbox is read when nothing is known about it: what is older has expired."""
KEEP_DAYS = {PROCESSED: 7, REFUSED: 30}
SWEEP_S = 86_400.0
TIDY_AGAIN_S = 3600.0
"""When moving mails is tried again after the server would not."""
SHOWN_AGAIN_S = 60.0
"""When a mail that the server would not show is asked for again."""
HEAD = f"BODY.PEEK[HEADER.FIELDS ({' '.join(ASKED)})]<0.{HEAD_BYTES}>"
SEEN, DELETED = rb"\Seen", rb"\Deleted"

_log = logging.getLogger(__name__)


class Letter(NamedTuple):
    """A mail for us, opened."""

    uid: int
    containers: list[bytes]


class Mailbox:
    """The folder we read; `imap` is a Connection that is logged in. For one thread; raises what that raises.

    `refused` counts what could not be opened. `clock` gives seconds UTC.
    """

    def __init__(self, imap: Any, settings: MailSettings, state: State, clock: Callable[[], float] = time.time) -> None:
        self.refused: Counter[str] = Counter()
        self._imap, self._settings, self._state, self._clock = imap, settings, state, clock
        self._again: list[int] = []
        self._bad: set[int] = set()
        self._hidden: set[int] = set()
        self._hidden_until = 0.0
        self._tidy_at = 0.0
        self._folders = Folders(imap)

    def open(self) -> None:
        """Select the folder; what was under way before comes first. Raises LinkDown, LinkRefused."""
        self._select()
        self._again = sorted(self._state.open)

    def letters(self) -> Iterator[Letter]:
        """Yield what has not been looked at yet, as long as somebody asks for more."""
        again, self._again = self._again + self._shown_again(), []
        for some in _some(again):
            yield from self._read(some)
        for some in _some(self._fresh()):
            yield from self._read(some)
            self._state.last = max(self._state.last, some[-1])

    def accept(self, uids: Iterable[int]) -> None:
        """Remember that these are safely stored; they are put away when there is time."""
        self._state.accepted.update(self._state.open.intersection(uids))

    def put_away(self) -> None:
        """Mark as seen and move what is accepted."""
        if self._state.accepted and self._clock() >= self._tidy_at:
            self._state.save()  # should moving fail, they are not handed up again
            with self._tolerating():
                self._move(self._state.accepted, PROCESSED)

    def sweep(self) -> None:
        """Once a day, remove what has been put away for long enough."""
        now = self._clock()
        if 0 <= now - self._state.swept < SWEEP_S or not self._imap.has_capability("UIDPLUS"):
            return
        self._state.swept = now
        with self._tolerating():
            for name, days in KEEP_DAYS.items():
                if self._imap.folder_exists(path := self._folders.path(name)):
                    self._imap.select_folder(path)
                    self._remove_older(self._day() - timedelta(days=days))
        if not self._select():  # what is handed up has numbers that mean other mails now
            raise LinkDown("the mailbox was numbered anew")

    @contextmanager
    def _tolerating(self) -> Iterator[None]:
        """A server that will not have its folders tidied up, perhaps because it is full, still brings messages."""
        from agent.links.mail.connection import ImapAbort, ImapError

        try:
            yield
        except ImapAbort:
            raise
        except ImapError as error:
            _log.warning("mail: the mailbox cannot be tidied up now: %s", without_addresses(str(error)))
            self._tidy_at = self._clock() + TIDY_AGAIN_S
            self._folders.forget()

    def _select(self) -> bool:
        """Select the folder; whether its numbers are those we know. Only a folder that is not there is given up."""
        from agent.links.mail.connection import ImapAbort, ImapError

        try:
            selected = self._imap.select_folder(self._settings.folder)
        except ImapAbort:
            raise
        except ImapError as error:
            if self._imap.folder_exists(self._settings.folder):
                raise LinkDown(f"the folder cannot be opened now: {without_addresses(str(error))}") from error
            raise LinkRefused(f"the mailbox has no folder {self._settings.folder!r} that can be opened") from error
        known = self._state.begin(int(selected[b"UIDVALIDITY"]), int(selected.get(b"UIDNEXT", 0)))
        if not known:
            _log.info("mail: the mailbox is numbered anew; it is read from the beginning")
        return known

    def _fresh(self) -> list[int]:
        """The mails above the last one that was looked at; `n:*` means at least the highest there is."""
        last = self._state.last
        wanted: list[Any] = ["UID", f"{last + 1}:*"]
        if not last:
            wanted += ["SINCE", self._day() - timedelta(days=LONGEST_LIFE_DAYS)]
        return sorted(uid for uid in self._imap.search(wanted) if uid > last and uid not in self._state.open)

    def _read(self, uids: Sequence[int]) -> Iterator[Letter]:
        found = self._shown(uids, ["RFC822.SIZE", HEAD])
        for uid in uids:
            if uid in self._hidden:
                continue
            size, head = _size_and_head(found.get(uid, {}))
            if not is_ours(head, self._settings.detail):
                self._state.put_away({uid})  # somebody else's, or taken away since the last session
                continue
            containers = self._opened(uid, size) if uid not in self._state.accepted else None
            if containers:
                self._state.open.add(uid)
                yield Letter(uid, containers)
        self._put_aside()

    def _opened(self, uid: int, size: int) -> list[bytes] | None:
        """What is in a mail of ours; None if it cannot be opened, which is counted."""
        if size <= MAIL_BYTES:
            mail = self._shown([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]") or b""
            if uid in self._hidden:
                return None
            try:
                return open_pack(read_letter(mail), self._settings.me)
            except (PackRefused, NoLetter) as refused:
                code = refused.code if isinstance(refused, PackRefused) else "letter"
        else:
            code = "too-large"
        self.refused[code] += 1
        self._bad.add(uid)
        _log.warning("mail: a mail was put aside: code=%s size=%d", code, size)
        return None

    def _shown(self, uids: Sequence[int], what: list[str]) -> dict[int, dict[bytes, Any]]:
        """What the server says of these mails. One that it cannot show even in a second session, waits."""
        from agent.links.mail.connection import ImapAbort, ImapError

        try:
            return self._imap.fetch(uids, what) if uids else {}
        except ImapAbort:
            raise
        except ImapError as error:
            if len(uids) > 1:
                return {uid: said for one in uids for uid, said in self._shown([one], what).items()}
            self._hide(uids[0], error)
            return {}

    def _hide(self, uid: int, error: Exception) -> None:
        """Have a mail wait that holds up others; raises LinkDown the first time, for it may be the session's fault."""
        if uid not in self._state.open:
            self._state.open.add(uid)
            raise LinkDown(f"the server does not show a mail: {without_addresses(str(error))}") from error
        self._hidden.add(uid)
        self._hidden_until = self._clock() + SHOWN_AGAIN_S

    def _shown_again(self) -> list[int]:
        """The mails that the server did not show a while ago."""
        if self._clock() < self._hidden_until:
            return []
        hidden, self._hidden = sorted(self._hidden), set()
        return hidden

    def _put_aside(self) -> None:
        """Move what cannot be opened; where that is not possible it stays where it is, and is looked at no more."""
        if self._bad:
            with self._tolerating():
                self._move(self._bad, REFUSED)
            self._state.put_away(self._bad)
            self._bad = set()

    def _move(self, uids: set[int], name: str) -> None:
        for some in _some(sorted(uids)):
            self._imap.add_flags(some, [SEEN], silent=True)
            self._move_some(some, self._folders.ensured(name))
            self._state.put_away(set(some))

    def _move_some(self, uids: list[int], folder: str) -> None:
        """Move them as well as the server can; where it can do nothing without touching other mails, they stay."""
        if self._imap.has_capability("MOVE"):
            self._imap.move(uids, folder)
        elif self._imap.has_capability("UIDPLUS"):
            self._imap.copy(uids, folder)
            self._expunge(uids)

    def _expunge(self, uids: list[int]) -> None:
        self._imap.add_flags(uids, [DELETED], silent=True)
        self._imap.uid_expunge(uids)

    def _remove_older(self, day: date) -> None:
        """Remove mails of ours, be they for a key that we had before, or for another station with this mailbox."""
        for some in _some(sorted(self._imap.search(["BEFORE", day]))):
            heads = self._imap.fetch(some, ["RFC822.SIZE", HEAD])
            ours = [uid for uid in some if is_ours(_size_and_head(heads.get(uid, {}))[1], detail=None)]
            if ours:
                self._expunge(ours)

    def _day(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()


def _some(uids: list[int]) -> Iterator[list[int]]:
    """As many at a time as one command may name."""
    return (uids[start : start + AT_ONCE] for start in range(0, len(uids), AT_ONCE))


def _size_and_head(fetched: dict[bytes, Any]) -> tuple[int, bytes]:
    """Size and header fields of one answer; servers spell the name of the second each in their own way."""
    head = next((value for name, value in fetched.items() if name.startswith(b"BODY[HEADER")), None)
    return int(fetched.get(b"RFC822.SIZE", 0)), head or b""
