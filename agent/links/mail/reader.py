"""The reader: one thread that logs in, reads what there is, and then sleeps until the server or our loop has news."""

#   log in ─ select ─ "ready" ─▶ read what is new ─▶ put away what was accepted ─▶ wait ─┐
#                                       ▲                                                │
#                                       └────────────────────────────────────────────────┘
# The wait is an IDLE that ends after a minute at the latest, or, while something urgent is awaited, a NOOP in quick
# succession. Whatever ends it, the mailbox is asked again: nothing depends on what a server announces.

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Protocol

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.account import Account
from agent.links.mail.faults import reason
from agent.links.mail.mailbox import Letter, Mailbox
from agent.links.mail.rhythm import pauses
from agent.links.mail.settings import MailSettings
from agent.links.mail.state import State
from agent.system.files import NotWritten

HELD_BYTES = 8 << 20
"""How much may be handed up and not accepted; then the rest stays with the server for now."""

_log = logging.getLogger(__name__)


class Facts(Protocol):
    """What the reader tells, in its thread and in order; `lost` is the last."""

    def ready(self) -> None:
        """We are let in and the folder is there."""

    def arrived(self, letter: Letter) -> None:
        """A mail for us was opened."""

    def lost(self, error: LinkDown | LinkRefused) -> None:
        """The connection is gone, or never came to be."""


class Reader:
    """Reads from `start` until `close`, or until the connection ends. The verbs are for the other thread."""

    def __init__(self, account: Account, settings: MailSettings, state_file: Path, facts: Facts) -> None:
        self.refused: dict[str, int] = {}
        self._account, self._settings, self._file, self._facts = account, settings, state_file, facts
        self._waker, self._woken = socket.socketpair()
        self._asked = self._closing = False
        self._accepted: deque[int] = deque()
        self._held: dict[int, int] = {}
        self._expected_until = 0.0
        self._pauses: Iterator[float] = pauses()
        self._imap: Any = None
        self._thread = threading.Thread(target=self._run, name="nmr-mail-reader", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def accepted(self, uid: int) -> None:
        """All messages of this mail are stored: put it away."""
        self._accepted.append(uid)
        self._wake()

    def expect(self, seconds: float) -> None:
        """Something urgent is awaited for so long: ask often, at first very often."""
        self._expected_until = max(self._expected_until, time.monotonic() + seconds)
        self._pauses = pauses()
        self._wake()

    def close(self) -> None:
        """Put away what is accepted, then log out and end."""
        self._closing = True
        self._asked = False
        self._wake()

    def break_off(self) -> None:
        """Tear the connection, so that a thread that waits for an answer ends."""
        imap = self._imap
        if imap is not None:
            with suppress(OSError, ValueError, AttributeError):  # the thread may be closing it at this moment
                imap.socket().shutdown(socket.SHUT_RDWR)

    def join(self, within: float) -> bool:
        """Whether the thread has ended, waiting so many seconds at most."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _wake(self) -> None:
        if not self._asked:
            self._asked = True
            with suppress(OSError):  # the reader has ended
                self._waker.send(b"\0")

    # In the thread

    def _run(self) -> None:
        error: LinkDown | LinkRefused = LinkDown("closed")
        try:
            self._imap = self._account.imap()
            if not self._closing:  # the session may have been left long before the server answered
                self._read(self._imap, State.load(self._file, self._settings.mailbox))
        except (LinkDown, LinkRefused) as refused:
            error = refused
        except Exception as broken:  # noqa: BLE001 - _meaning tells ours from the server's
            error = self._meaning(broken)
        finally:
            self._leave()
            self._facts.lost(error)

    def _meaning(self, broken: Exception) -> LinkDown:
        from agent.links.mail.connection import ImapError

        if not self._closing and not isinstance(broken, (OSError, ImapError, NotWritten)):
            _log.error("mail reader: a mistake in this program", exc_info=broken)
        return LinkDown(reason(broken, self._settings.imap))

    def _leave(self) -> None:
        if self._imap is not None:
            with suppress(Exception):  # nothing depends on a goodbye any more
                if self._closing:
                    self._imap.logout()
            with suppress(Exception):
                self._imap.shutdown()
        self._waker.close()
        self._woken.close()

    def _read(self, imap: Any, state: State) -> None:
        box = Mailbox(imap, self._settings, state)
        self.refused = box.refused
        box.open()
        self._facts.ready()
        try:
            while not self._closing:
                self._take_all(imap, box)
                state.save()
                self._put_away(box)
                box.sweep()
                state.save()
                if not imap.news():
                    self._wait(imap)
        finally:
            self._note_accepted(box)
            state.save()
        self._put_away(box)
        state.save()

    def _take_all(self, imap: Any, box: Mailbox) -> None:
        """Hand up what is new, until nothing is; before an answer is complete the next mail may have come."""
        while True:
            imap.news()
            for letter in box.letters():
                self._hand_up(letter)
                self._await_room(box)
                if self._closing:
                    return
            if not imap.news():
                return

    def _hand_up(self, letter: Letter) -> None:
        self._held[letter.uid] = sum(map(len, letter.containers))
        self._facts.arrived(letter)

    def _await_room(self, box: Mailbox) -> None:
        self._note_accepted(box)
        while sum(self._held.values()) >= HELD_BYTES and not self._closing:
            self._select(None, self._settings.pace.poll)
            self._note_accepted(box)

    def _put_away(self, box: Mailbox) -> None:
        self._note_accepted(box)
        box.put_away()

    def _note_accepted(self, box: Mailbox) -> None:
        while self._accepted:
            uid = self._accepted.popleft()
            self._held.pop(uid, None)
            box.accept([uid])

    def _wait(self, imap: Any) -> None:
        """Return when there may be something to do."""
        left = self._expected_until - time.monotonic()
        if left > 0:
            self._select(None, min(left, next(self._pauses)))
            imap.noop()
        elif imap.has_capability("IDLE"):
            self._idle(imap)
        else:
            self._select(None, self._settings.pace.blind_poll)
            imap.noop()

    def _idle(self, imap: Any) -> None:
        """Sleep until the server says something, our loop wakes us, or it is time to ask."""
        imap.idle()
        if not imap.news() and not imap.begun():
            self._select(imap, self._settings.pace.poll)
        imap.idle_done()  # reads whole lines, and breaks where the connection has ended

    def _select(self, imap: Any, seconds: float) -> tuple[bool, bool]:
        """Wait for the server, if there is one to hear, or for our loop: whether each has something."""
        with DefaultSelector() as selector:
            selector.register(self._woken, EVENT_READ)
            if imap is not None:
                selector.register(imap.socket(), EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(max(0.0, seconds))}
        if woken := self._woken in ready:
            self._woken.recv(16)
            self._asked = False  # only now: what is asked from here on sends the next byte
        return imap is not None and imap.socket() in ready, woken
