"""An IMAP connection that overhears nothing; imported where one is made, for IMAPClient takes 0.7 MiB."""

import logging
from io import BufferedReader
from ssl import SSLWantReadError
from typing import Any

from agent.system.sparing import later

with later("imapclient.version"):
    from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError
from imapclient.tls import IMAP4_TLS

ImapError = IMAPClientError
"""The server said no, or nonsense."""
ImapAbort = IMAPClientAbortError
"""The connection is gone; an ImapError, too."""
Timeouts = SocketTimeout
MOST_BYTES = 4 << 20
"""More in one piece is nothing we have asked for."""

logging.getLogger("imapclient").setLevel(logging.WARNING)  # below that it writes addresses and whole mails


class _Imap(IMAP4_TLS):  # type: ignore[misc]  # the library has no types
    """Reads by a file of its own, for that of imaplib is not to be touched since Python 3.14; needs TLS."""

    def open(self, *where: Any, **how: Any) -> None:
        super().open(*where, **how)
        self.come: BufferedReader = self.sock.makefile("rb")

    def read(self, size: int) -> bytes:
        return self.come.read(_bounded(size))

    def readline(self) -> bytes:
        line = self.come.readline(MOST_BYTES + 1)
        _bounded(len(line))
        return line

    def shutdown(self) -> None:
        self.come.close()
        super().shutdown()


def _bounded(size: int) -> int:
    if size > MOST_BYTES:
        raise ImapAbort("the server sends more than was asked for")
    return size


class Connection(IMAPClient):  # type: ignore[misc]  # the library has no types
    """IMAPClient, but what the server says on its own beside an answer is not lost; over TLS only."""

    def _create_IMAP4(self) -> _Imap:  # noqa: N802 - the library's name
        return _Imap(self.host, self.port, self.ssl_context, self._timeout.connect)

    def news(self) -> bool:
        """Whether the server has announced mails since this was asked last, beside whatever answer."""
        told = self._imap.untagged_responses
        announced = "EXISTS" in told
        told.clear()  # also what nobody asks for, which would pile up as long as the session lasts
        return announced

    def idle(self) -> None:
        """Return when the server idles; what it announces before it says so is no mistake, as the library thinks."""
        self._idle_tag = self._imap._command("IDLE")  # noqa: SLF001 - as the library does
        while self._imap._get_response() is not None:  # noqa: SLF001 - None is the "+"
            if self._imap.tagged_commands[self._idle_tag]:
                raise ImapError("the server will not idle")

    def begun(self) -> bool:
        """Whether something has come that nobody has read, at least the beginning of a line; never waits.

        idle_check is not asked: it reads without waiting, and so loses the beginning of a line that is not whole yet.
        """
        sock = self.socket()
        sock.setblocking(False)
        try:
            return bool(self._imap.come.peek(1))  # also what came in one piece with the answer to the last command
        except (BlockingIOError, SSLWantReadError):
            return False
        finally:
            self._set_read_timeout()
