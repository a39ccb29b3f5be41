"""The two connections to a mail account: TLS from the first byte, then the login, by password or by token."""

import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Container
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, Any

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.faults import GOODBYE, Fault, Step, broken, imap_login, reason, reply
from agent.links.mail.settings import MailSettings, Pace

if TYPE_CHECKING:
    from smtplib import SMTP_SSL

Token = Callable[[], str]
"""Gives an access token that is valid now; called in a thread, may take seconds, raises LinkDown or LinkRefused."""

OUR_NAME = "[127.0.0.1]"
"""What we call ourselves at the SMTP server, which writes it into every mail: the real name is nobody's business."""
TAKEN = (250, 251, 252)
LET_IN, GO_ON, GO_AHEAD = 235, 334, 354
NO_LOGIN = 504
PIECE_BYTES = 16 << 10
"""So much is sent within the time for one answer, or the connection counts as dead."""


_ATOM = re.compile(r"[!#$&'+-\[\]-z|}~]+")
"""RFC 3501: a word that may stand without quotes."""


class NotSent(Exception):
    """A mail did not get away; `fault` says what that means.

    `unseen` says that the connection was gone before the server had seen anything of the mail.
    """

    def __init__(self, fault: Fault, *, unseen: bool = False) -> None:
        super().__init__(fault.why)
        self.fault, self.unseen = fault, unseen


class Account:
    """Makes connections; used from threads. With a token the password is not looked at."""

    def __init__(self, settings: MailSettings, token: Token | None = None) -> None:
        self._settings, self._token = settings, token
        self._tls = tls_context(settings.ca_pem)

    def imap(self) -> Any:
        """Return a Connection that is logged in; raises LinkDown or LinkRefused."""
        from agent.links.mail.connection import Connection, ImapError, Timeouts

        address, wait = self._settings.imap, self._settings.pace.answer
        try:
            imap = Connection(*address, ssl=True, ssl_context=self._tls, timeout=Timeouts(wait, wait))
        except (OSError, ImapError) as error:
            raise LinkDown(reason(error, address)) from error
        try:
            self._log_in_imap(imap)
        except BaseException:
            with suppress(OSError):
                imap.shutdown()
            raise
        return imap

    def smtp(self) -> "SMTP_SSL":
        """Return a connection that is logged in; raises NotSent, and what the token raises."""
        from smtplib import SMTP_SSL, SMTPConnectError, SMTPException

        address = self._settings.smtp
        try:
            smtp = SMTP_SSL(*address, OUR_NAME, timeout=self._settings.pace.answer, context=self._tls)
            assert smtp.sock is not None
            smtp.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # else the last dot waits 40 ms for the piece before it
        except SMTPConnectError as error:
            raise NotSent(reply(Step.CONNECT, error.smtp_code, error.smtp_error)) from error
        except (OSError, SMTPException) as error:
            raise NotSent(broken(error, address)) from error
        try:
            self._log_in_smtp(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _log_in_imap(self, imap: Any) -> None:
        from agent.links.mail.connection import ImapAbort, ImapError

        login, password = self._settings.login, self._settings.password
        try:
            if self._token is not None:
                imap.oauth2_login(login, self._token())
            elif _ATOM.fullmatch(login) and password.isascii():
                imap.login(login, password)
            else:  # LOGIN knows no other letters, and the library quotes only the password
                imap.plain_login(login, password)
        except (OSError, ImapAbort) as error:
            raise LinkDown(reason(error, self._settings.imap)) from error
        except ImapError as error:
            raise imap_login(str(error)) from error

    def _log_in_smtp(self, smtp: "SMTP_SSL") -> None:
        from smtplib import SMTPException, SMTPNotSupportedError, SMTPResponseException

        login = self._settings.login
        try:
            smtp.ehlo_or_helo_if_needed()
            if self._token is not None:
                smtp.auth("XOAUTH2", _bearer(login, self._token()))  # type: ignore[arg-type]  # takes any callable
            else:
                _log_in_once(smtp, login, self._settings.password)
        except SMTPResponseException as error:
            raise NotSent(reply(Step.LOGIN, error.smtp_code, error.smtp_error)) from error
        except SMTPNotSupportedError as error:
            raise NotSent(reply(Step.LOGIN, NO_LOGIN, "it offers no login that we know")) from error
        except (OSError, SMTPException) as error:
            raise NotSent(broken(error, self._settings.smtp)) from error


def transmit(smtp: "SMTP_SSL", settings: MailSettings, to: str, letter: bytes) -> None:
    """Hand one letter to the server; returns at its 250 after the last byte, raises NotSent."""
    from smtplib import SMTPException

    deeds: tuple[tuple[Step, Callable[[], tuple[int, bytes]], Container[int]], ...] = (
        (Step.MAIL, lambda: smtp.mail(settings.address), TAKEN),
        (Step.RCPT, lambda: smtp.rcpt(to), TAKEN),
        (Step.DATA, lambda: smtp.docmd("DATA"), (GO_AHEAD,)),
        (Step.DATA, lambda: _hand_over(smtp, letter, settings.pace), TAKEN),
    )
    for step, deed, good in deeds:
        try:
            code, text = deed()
            wait(smtp, settings.pace.answer)
        except (OSError, SMTPException) as error:
            raise NotSent(broken(error, settings.smtp), unseen=step is not Step.DATA) from error
        if code not in good:
            with suppress(OSError, SMTPException):  # the next mail finds out whether the connection still works
                smtp.rset()
            raise NotSent(reply(step, code, text), unseen=code == GOODBYE and step is not Step.DATA)


def _hand_over(smtp: "SMTP_SSL", letter: bytes, pace: Pace) -> tuple[int, bytes]:
    """Send a letter, of which no line begins with a dot, in pieces, so that a slow line is not taken for a dead one."""
    for start in range(0, len(letter), PIECE_BYTES):
        smtp.send(letter[start : start + PIECE_BYTES])
    wait(smtp, pace.taken)
    return smtp.docmd(".")


def wait(smtp: "SMTP_SSL", seconds: float) -> None:
    """Wait so long for each answer from now on."""
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def tls_context(ca_pem: bytes | None) -> ssl.SSLContext:
    """Trust only `ca_pem`, or the authorities of the system; raises LinkRefused if it is no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca_pem is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise LinkRefused("the certificate file of the mail account (ca_file) cannot be read") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _bearer(login: str, token: str) -> Callable[[bytes | None], str]:
    """SASL XOAUTH2: all at once; the challenge that follows a refusal is answered by nothing."""

    def answer(challenge: bytes | None = None) -> str:
        return f"user={login}\1auth=Bearer {token}\1\1" if challenge is None else ""

    return answer


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _log_in_once(smtp: "SMTP_SSL", login: str, password: str) -> None:
    """SASL PLAIN, or LOGIN where there is no other.

    The library would try a wrong password in one way after the other, which locks accounts, and knows only ASCII.
    """
    from smtplib import SMTPNotSupportedError, SMTPResponseException

    ways = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in ways:
        code, text = smtp.docmd("AUTH", "PLAIN " + _coded(f"\0{login}\0{password}"))
    elif "LOGIN" in ways:
        for line in ("AUTH LOGIN", _coded(login), _coded(password)):
            code, text = smtp.docmd(line)
            if code != GO_ON:
                break
    else:
        raise SMTPNotSupportedError
    if code != LET_IN:
        raise SMTPResponseException(code, text)
