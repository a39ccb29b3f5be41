"""What each failure at a mail server means: whose fault it is, and whether waiting helps."""

# where it happens              4xx, no answer, broken         5xx
# connecting, greeting          everybody later                everybody later: servers say 554 when they are busy, too
# login                         everybody later                refused: the link ends
# MAIL FROM, which names us     everybody later                refused
# RCPT TO, DATA                 this recipient later           this recipient not for hours, unless it moves
#
# Four exceptions. 421 is a goodbye to everybody, wherever it is said. A broken connection concerns everybody. A full
# mailbox is told by 552 or 5.2.2 and gets empty again. 5.4.5 is congestion, by which some tell us that we have sent
# enough for today.

import re
import ssl
from enum import Enum
from typing import NamedTuple

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.settings import Address
from agent.links.unreached import unreached


class Meaning(Enum):
    """What becomes of the ways after a failure."""

    ALL_LATER = "nobody gets mail for a while"
    LATER = "this recipient gets none for a while"
    NEVER = "this recipient gets none at this address"
    REFUSED = "the server does not want us"


class Fault(NamedTuple):
    """A failure and its meaning; `why` is for people and names no address."""

    meaning: Meaning
    why: str


class Step(Enum):
    """How far a mail got."""

    CONNECT = "connecting"
    LOGIN = "login"
    MAIL = "naming ourselves"
    RCPT = "naming the recipient"
    DATA = "handing the mail over"


_FOR_GOOD = {
    Step.CONNECT: Meaning.ALL_LATER,
    Step.LOGIN: Meaning.REFUSED,
    Step.MAIL: Meaning.REFUSED,
    Step.RCPT: Meaning.NEVER,
    Step.DATA: Meaning.NEVER,
}
_TEMPORARY_5XX = re.compile(r"\b5\.2\.2\b|\b4\.\d\.\d\b")
_CONGESTED = re.compile(r"\b5\.4\.5\b")
_TEMPORARY_IMAP = ("UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "OVERQUOTA", "CONTACTADMIN", "CORRUPTION")
"""Response codes of RFC 5530 that say nothing about the password."""
_TEMPORARY_WORDS = re.compile(r"too many .*connections|temporar|unavailable|try again later", re.IGNORECASE)
"""What servers say about the moment that give no such code."""

GOODBYE, FULL, FOR_GOOD = 421, 552, 500


def reply(step: Step, code: int, text: bytes | str) -> Fault:
    """What an SMTP server's unfavourable reply at this step means."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    recipients = step in {Step.RCPT, Step.DATA}
    busy = code == GOODBYE or (step is not Step.LOGIN and _CONGESTED.search(said) is not None)
    if busy or (not recipients and code < FOR_GOOD):
        meaning = Meaning.ALL_LATER
    elif code < FOR_GOOD or (recipients and (code == FULL or _TEMPORARY_5XX.search(said))):
        meaning = Meaning.LATER
    else:
        meaning = _FOR_GOOD[step]
    return Fault(meaning, f"{step.value}: the mail server says {code} {without_addresses(said)}")


def broken(error: Exception, address: Address) -> Fault:
    """What a connection that cannot be made or breaks means."""
    return Fault(Meaning.ALL_LATER, reason(error, address))


def imap_login(said: str) -> LinkDown | LinkRefused:
    """What a refused login at the IMAP server means."""
    code = re.search(r"\[([A-Z-]+)", said)
    known = code is not None and code[1] != "ALERT"
    if (code is not None and code[1] in _TEMPORARY_IMAP) or (not known and _TEMPORARY_WORDS.search(said)):
        return LinkDown(f"the mail server cannot log us in now: {without_addresses(said)}")
    return LinkRefused(f"the mail server does not accept the login: {without_addresses(said)}")


def reason(error: Exception, address: Address) -> str:
    """Say to a person why there is no connection."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLCertVerificationError):
        host, port = address
        return f"{host}:{port} does not speak TLS from the first byte, which it must (ports 465 and 993)"
    return without_addresses(unreached(error, address, "mail server"))


def without_addresses(said: str) -> str:
    """One short line of what a server said; a log must not hold who writes to whom."""
    return re.sub(r"\S+@\S+", "<address>", " ".join(said.split()))[:200]
