"""The connection of a sender loop: made when it is needed, and anew when the server has given it up meanwhile."""

import logging
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.links.mail.account import Account, NotSent, transmit, wait
from agent.links.mail.settings import MailSettings

if TYPE_CHECKING:
    from smtplib import SMTP_SSL

_log = logging.getLogger(__name__)


class Line:
    """For one thread, but for `break_off`."""

    def __init__(self, account: Account, settings: MailSettings) -> None:
        self._account, self._settings = account, settings
        self._smtp: SMTP_SSL | None = None

    def send(self, to: str, letter: bytes) -> None:
        """Return at the server's 250; raises NotSent, and what the token raises."""
        kept = self._smtp is not None
        if self._smtp is not None:
            wait(self._smtp, self._settings.pace.kept)
        try:
            transmit(self._connected(), self._settings, to, letter)
        except NotSent as error:
            if not (kept and error.unseen):
                raise
            self.hang_up()
            transmit(self._connected(), self._settings, to, letter)

    def hang_up(self) -> None:
        """Say good-bye, as far as anybody listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(Exception):  # nothing depends on a goodbye any more
                smtp.quit()
            smtp.close()

    def break_off(self) -> None:
        """Tear the connection, so that a thread that waits for an answer ends."""
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None:
            with suppress(OSError, ValueError, AttributeError):  # the thread may be closing it at this moment
                smtp.sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> "SMTP_SSL":
        if self._smtp is None:
            begun = time.monotonic()
            self._smtp = self._account.smtp()
            _log.debug("mail sender: connected and logged in: seconds=%.3f", time.monotonic() - begun)
        return self._smtp
