"""The sender loop: begins with the first message, ends when nothing was to be sent for a while, begins again."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.account import Account, NotSent
from agent.links.mail.faults import Fault, Meaning
from agent.links.mail.letter import write_letter
from agent.links.mail.line import Line
from agent.links.mail.pack import seal_pack
from agent.links.mail.settings import MailSettings, Recipient, with_detail
from agent.links.mail.turn import NoTurn, Turn
from agent.links.mail.waiting import Batch, Waiting

_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of a batch; no `fault` means that the server said 250 to all of it."""

    batch: Batch
    fault: Fault | None


class Sender:
    """Sends in a thread of its own, one mail after the other; `told` is called there, once for each batch taken."""

    def __init__(self, account: Account, settings: MailSettings, told: Callable[[Outcome], None]) -> None:
        self._account, self._settings, self._told = account, settings, told
        self._turn = Turn(settings)
        self._waiting = Waiting()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._line = Line(account, settings)
        self._closing = False

    @property
    def running(self) -> bool:
        """Whether the loop runs at this moment."""
        return self._thread is not None and self._thread.is_alive()

    def put(self, station: str, recipient: Recipient, container: bytes, ticket: object) -> None:
        """Send a container soon, together with what else waits for the same recipient then."""
        with self._changed:
            self._waiting.put(station, recipient, container, ticket)
            if self._thread is None and not self._closing:
                # The loop before may still be hanging up, so each has a connection of its own.
                self._line = Line(self._account, self._settings)
                self._thread = threading.Thread(
                    target=self._run, args=(self._line,), name="nmr-mail-sender", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Begin nothing more; what is being transmitted may end."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def break_off(self) -> None:
        """Tear the connection, so that a thread that waits for an answer ends."""
        self._line.break_off()

    def join(self, within: float) -> bool:
        """Whether the thread has ended, waiting so many seconds at most."""
        thread = self._thread
        if thread is not None:
            thread.join(within)
        return thread is None or not thread.is_alive()

    # In the thread

    def _run(self, line: Line) -> None:
        _log.debug("mail sender: begins")
        try:
            while (batch := self._next()) is not None:
                fault = self._try(batch, line)
                self._told(Outcome(batch, fault))
                if fault is not None:
                    self._give_up(batch.station, fault)
        finally:
            line.hang_up()
            _log.debug("mail sender: ends")

    def _next(self) -> Batch | None:
        """Wait for the next batch; None when the loop shall end, of which everybody knows then."""
        with self._changed:
            while not self._closing:
                batch = self._waiting.take()
                if batch is not None:
                    return batch
                if not self._changed.wait(self._settings.pace.idle_end) and not len(self._waiting):
                    break
            if not self._closing:
                self._thread = None  # the next message begins a new loop
            return None

    def _give_up(self, station: str, fault: Fault) -> None:
        """What waits for the same pause, or the same end, is not tried before it."""
        with self._changed:
            everybody = fault.meaning in {Meaning.ALL_LATER, Meaning.REFUSED}
            vain = self._waiting.take_all(None if everybody else station)
        for batch in vain:
            self._told(Outcome(batch, fault))

    def _try(self, batch: Batch, line: Line) -> Fault | None:
        try:
            with self._turn.taken():
                if self._closing:  # the turn may have come long after nobody waited for it any more
                    return Fault(Meaning.ALL_LATER, "closed")
                self._send(batch, line)
        except NotSent as error:
            fault = error.fault
        except (NoTurn, LinkDown) as error:
            fault = Fault(Meaning.ALL_LATER, str(error))
        except LinkRefused as error:
            fault = Fault(Meaning.REFUSED, str(error))
        except Exception as error:  # noqa: BLE001 - the loop goes on, and who waits hears of it
            _log.exception("mail sender: a mistake in this program")
            line.hang_up()
            # Perhaps it is this recipient's key that cannot be sealed for: nobody else shall wait for that.
            fault = Fault(Meaning.LATER, f"a mistake in this program: {type(error).__name__}")
        else:
            return None
        _log.debug("mail sender: not sent to %s: %s", _veiled(batch.recipient.address), fault.why)
        if fault.meaning in {Meaning.ALL_LATER, Meaning.REFUSED}:
            line.hang_up()
        return fault

    def _send(self, batch: Batch, line: Line) -> None:
        """Write, seal and transmit one mail."""
        begun, to = time.monotonic(), _addressed(batch.recipient)
        letter = self._written(batch, to)
        line.send(to, letter)
        _log.debug(
            "mail sender: 250 for %s: messages=%d bytes=%d seconds=%.3f",
            _veiled(batch.recipient.address), len(batch.containers), len(letter), time.monotonic() - begun,
        )  # fmt: skip

    def _written(self, batch: Batch, to: str) -> bytes:
        pack = seal_pack(batch.containers, self._settings.me.site, batch.recipient.kid, batch.recipient.receive)
        return write_letter(pack, self._settings.address, to, random_hex=os.urandom(16).hex(), at_s=time.time())


def _addressed(recipient: Recipient) -> str:
    return with_detail(recipient.address, recipient.kid) if recipient.plus else recipient.address


def _veiled(address: str) -> str:
    """An address as a log may know it."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:8]
