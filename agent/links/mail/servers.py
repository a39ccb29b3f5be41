"""Which servers a mailbox most likely has: a table of large providers, and the usual names at everybody else's."""

import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress

IMAP, SMTP = 993, 465
KNOWN: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), ("imap.gmail.com", "smtp.gmail.com")),
    **dict.fromkeys(("gmx.de", "gmx.net", "gmx.at", "gmx.ch"), ("imap.gmx.net", "mail.gmx.net")),
    "gmx.com": ("imap.gmx.com", "mail.gmx.com"),
    "web.de": ("imap.web.de", "smtp.web.de"),
    "t-online.de": ("secureimap.t-online.de", "securesmtp.t-online.de"),
    "freenet.de": ("mx.freenet.de", "mx.freenet.de"),
    "posteo.de": ("posteo.de", "posteo.de"),
    "mailbox.org": ("imap.mailbox.org", "smtp.mailbox.org"),
    **dict.fromkeys(("fastmail.com", "fastmail.fm"), ("imap.fastmail.com", "smtp.fastmail.com")),
    **dict.fromkeys(("yahoo.com", "yahoo.de", "yahoo.co.uk"), ("imap.mail.yahoo.com", "smtp.mail.yahoo.com")),
    "aol.com": ("imap.aol.com", "smtp.aol.com"),
}
"""(IMAP, SMTP) by the part behind the @; all of them speak TLS from the first byte at both."""

MICROSOFT = "outlook.office365.com"
"""Where Microsoft 365 is read. Its own server for sending begins without TLS, which we do not speak."""

GUESS_S = 4.0

Reach = Callable[[str, int], bool]


def guess(domain: str, auth: str, reach: Reach) -> tuple[str, str]:
    """Return "host:port" for reading and for sending, "" for what was not found; `reach` says what answers."""
    domain = domain.lower()
    if domain in KNOWN:
        imap, smtp = KNOWN[domain]
        return f"{imap}:{IMAP}", f"{smtp}:{SMTP}"
    if auth == "microsoft":
        return f"{MICROSOFT}:{IMAP}", ""
    if auth == "google":
        return f"imap.gmail.com:{IMAP}", f"smtp.gmail.com:{SMTP}"
    return (
        _first((f"imap.{domain}", f"mail.{domain}", domain), IMAP, reach),
        _first((f"smtp.{domain}", f"mail.{domain}", domain), SMTP, reach),
    )


def answers(host: str, port: int) -> bool:
    """Whether a server with a certificate for this name answers there; blocking, at most a few seconds."""
    tls = ssl.create_default_context()
    with (
        suppress(OSError, ValueError),
        socket.create_connection((host, port), GUESS_S) as plain,
        tls.wrap_socket(plain, server_hostname=host),
    ):
        return True
    return False


def _first(hosts: Iterable[str], port: int, reach: Reach) -> str:
    return next((f"{host}:{port}" for host in hosts if reach(host, port)), "")
