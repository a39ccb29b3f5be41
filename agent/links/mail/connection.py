"""An IMAP connection that overhears nothing; imported where one is made, for IMAPClient takes 2 MiB."""

import logging
from typing import Any

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

    def idle_lines(self) -> list[Any]:
        """What has come while idle, without waiting; also what came in one piece with the answer to IDLE."""
        lines: list[Any] = self.idle_check(timeout=0)
        return lines

    def _poll_socket(self, sock: Any, timeout: float | None = None) -> list[Any]:  # noqa: ARG002 - its parent's form
        # idle_check asks this before it reads, and would not see what lies in a buffer above the socket
        return [sock]

    _select_poll_socket = _poll_socket
