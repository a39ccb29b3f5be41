"""An IMAP connection that overhears nothing; imported where one is made, for IMAPClient takes 2 MiB."""

import logging
from ssl import SSLWantReadError

from agent.system.sparing import later

with later("imapclient.version"):
    from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

ImapError = IMAPClientError
"""The server said no, or nonsense."""
ImapAbort = IMAPClientAbortError
"""The connection is gone; an ImapError, too."""
Timeouts = SocketTimeout

logging.getLogger("imapclient").setLevel(logging.WARNING)  # below that it writes addresses and whole mails


class Connection(IMAPClient):  # type: ignore[misc]  # the library has no types
    """IMAPClient, but what the server says on its own beside an answer is not lost."""

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
            return bool(self._imap.file.peek(1))  # also what came in one piece with the answer to the last command
        except (BlockingIOError, SSLWantReadError):
            return False
        finally:
            self._set_read_timeout()
