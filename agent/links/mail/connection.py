"""An IMAP connection that overhears nothing; imported where one is made, for IMAPClient takes 2 MiB."""

import logging
from ssl import SSLWantReadError

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
        return bool(self._imap.response("EXISTS")[1] != [None])

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
