"""Tries a mailbox as the link will use it: logs in at both servers, sends a mail to itself, waits until it is there."""

# The mail is a plain one of a few words, so the link, which looks for its own form only, does not touch it. It is found
# by its Message-ID and removed again. Where the settings say that the server knows plus-addresses a second one goes to
# such an address: a server that takes those and drops them is otherwise found out only when nobody can be reached.

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Literal

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.account import Account, NotSent, transmit
from agent.links.mail.faults import Meaning
from agent.links.mail.settings import MailSettings, with_detail

if TYPE_CHECKING:
    from smtplib import SMTP_SSL

ARRIVE_S = 60.0
PLUS_S = 15.0
"""So long a mail to a plus-address may take after the other one arrived, seconds."""
FIRST_LOOK_S, LONGEST_LOOK_S = 0.1, 1.0

Name = Literal["read-login", "folder", "send-login", "send", "arrive", "plus"]

LOGIN_AGAIN = (
    "Is the password right, and may programs use it? Many providers want one made for this program, and IMAP switched "
    "on (docs/mail.md). Then: nmr mail login"
)
CURES: dict[str, str] = {
    "refused": LOGIN_AGAIN,
    "away": "Check the network and the servers' names (nmr config show --why link.mail). Both must speak TLS from the "
    "first byte, mostly at 993 and 465; if their certificates are the shop's own, name them in ca_file",
    "folder": "Make the folder at the server, or: nmr config unset link.mail.folder",
    "send": "The account must be allowed to send as the address that the settings name",
    "arrive": "Look where it went: a spam folder, a rule, another folder than the settings name? Else try again later",
    "plus": "The server does not bring local+anything@host to this mailbox: nmr config set link.mail.plus false",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how long it took, what was seen, and what went wrong: a key of CURES, or "" if it went well."""

    name: Name
    ms: float
    detail: str = ""
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return not self.fault

    @property
    def cure(self) -> str:
        """What to do about it."""
        return CURES.get(self.fault, "")

    def to_wire(self) -> dict[str, object]:
        """The step as JSON."""
        return {
            "step": self.name,
            "ok": self.ok,
            "ms": round(self.ms, 1),
            "detail": self.detail,
            "fault": self.fault,
            "cure": self.cure,
        }


class _Failed(Exception):
    """A step failed: what is the matter, and which of CURES helps."""

    def __init__(self, detail: str, fault: str) -> None:
        super().__init__(detail)
        self.detail, self.fault = detail, fault


@dataclass
class Trial:
    """One try; blocking. `patience` is how long a mail may take, seconds; `chance` gives so many random hex digits."""

    settings: MailSettings
    token: Callable[[], str] | None = None
    patience: float = ARRIVE_S
    chance: Callable[[int], str] = secrets.token_hex
    _imap: Any = field(default=None, init=False)
    _smtp: "SMTP_SSL | None" = field(default=None, init=False)
    _sent: dict[str, str] = field(default_factory=dict, init=False)
    """For each way, "arrive" and "plus", the Message-ID that went."""

    def logins(self) -> Iterator[Step]:
        """Log in to both servers, look at the folder, leave; nothing is sent or changed."""
        try:
            yield from self._steps((("read-login", self._read), ("folder", self._open), ("send-login", self._log_in)))
        finally:
            self._leave()

    def whole(self) -> Iterator[Step]:
        """All steps; ends with the first that fails, for the others need it."""
        try:
            begin = (("read-login", self._read), ("folder", self._open), ("send-login", self._log_in))
            failed = False
            for step in self._steps((*begin, ("send", self._send), ("arrive", self._arrive))):  # type: ignore[arg-type]
                failed = failed or not step.ok
                yield step
            if self.settings.plus and not failed:
                yield self._step("plus", self._plus)
        finally:
            self._leave()

    def _steps(self, deeds: "tuple[tuple[Name, Callable[[], str]], ...]") -> Iterator[Step]:
        for name, deed in deeds:
            done = self._step(name, deed)
            yield done
            if not done.ok:
                return

    def _step(self, name: Name, deed: Callable[[], str]) -> Step:
        began = time.monotonic()
        try:
            detail, fault = deed(), ""
        except _Failed as failed:
            detail, fault = failed.detail, failed.fault
        except LinkRefused as error:
            detail, fault = str(error), "refused"
        except LinkDown as error:
            detail, fault = str(error), "away"
        except NotSent as error:
            detail, fault = error.fault.why, "away"
            if error.fault.meaning in (Meaning.REFUSED, Meaning.NEVER):
                fault = "refused" if name == "send-login" else "send"
        except OSError as error:
            detail, fault = f"the connection broke: {str(error) or type(error).__name__}", "away"
        return Step(name, (time.monotonic() - began) * 1000, detail, fault)

    def _account(self) -> Account:
        return Account(self.settings, self.token)

    def _read(self) -> str:
        self._imap = self._account().imap()
        return f"{self.settings.imap[0]}:{self.settings.imap[1]} lets us in"

    def _open(self) -> str:
        from agent.links.mail.connection import ImapError

        try:
            found = self._imap.select_folder(self.settings.folder)
        except ImapError as error:
            raise _Failed(f"{self.settings.folder}: {error}", "folder") from error
        kinds = [name for name in ("IDLE", "MOVE", "UIDPLUS") if self._imap.has_capability(name)]
        return f"{self.settings.folder} holds {found[b'EXISTS']} mails; the server knows {', '.join(kinds) or 'little'}"

    def _log_in(self) -> str:
        self._smtp = self._account().smtp()
        return f"{self.settings.smtp[0]}:{self.settings.smtp[1]} lets us in"

    def _send(self) -> str:
        """Send to the plain address; to the one with a plus only if that does not cost the whole try."""
        self._transmit("arrive", self.settings.address)
        if self.settings.plus:
            try:
                self._transmit("plus", with_detail(self.settings.address, bytes.fromhex(self.chance(16))))
            except NotSent as error:
                return f"the server took the mail, but not the one with a plus: {error.fault.why}"
        return "the server took the mail"

    def _transmit(self, way: str, to: str) -> None:
        assert self._smtp is not None
        id_ = f"{self.chance(16)}@{self.settings.address.rpartition('@')[2]}"
        transmit(self._smtp, self.settings, to, _letter(self.settings.address, to, id_))
        self._sent[way] = id_

    def _arrive(self) -> str:
        if not self._comes("arrive", self.patience):
            raise _Failed(f"it was not in {self.settings.folder} after {self.patience:.0f} s", "arrive")
        return f"it is in {self.settings.folder}"

    def _plus(self) -> str:
        if "plus" not in self._sent or not self._comes("plus", min(PLUS_S, self.patience)):
            raise _Failed("a mail to local+something@host does not arrive", "plus")
        return "mail to local+something@host arrives, too"

    def _comes(self, way: str, patience: float) -> bool:
        """Look until the mail is there, less and less often; it is removed then."""
        from agent.links.mail.connection import ImapError

        end, pause = time.monotonic() + patience, FIRST_LOOK_S
        while True:
            try:
                self._imap.noop()
                found = self._imap.search(["HEADER", "Message-ID", self._sent[way]])
                if found:
                    self._remove(found)
                    return True
            except ImapError as error:
                raise _Failed(f"the server ends the talk: {error}", "away") from error
            if time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_S)

    def _remove(self, uids: list[int]) -> None:
        """Remove these and no other: without UIDPLUS, EXPUNGE would take what a person has marked as well."""
        self._imap.delete_messages(uids)
        if self._imap.has_capability("UIDPLUS"):
            self._imap.uid_expunge(uids)

    def _leave(self) -> None:
        """Say good-bye as far as anybody listens."""
        from contextlib import suppress

        # After a good-bye that failed smtplib has closed its connection, imaplib not.
        for name, deeds in (("_imap", ("logout", "shutdown")), ("_smtp", ("quit",))):
            connection = getattr(self, name)
            for deed in deeds if connection is not None else ():
                with suppress(Exception):  # both libraries raise what they like when the other side is gone
                    getattr(connection, deed)()


def _letter(sender: str, to: str, id_: str) -> bytes:
    lines = (
        f"From: <{sender}>",
        f"To: <{to}>",
        "Subject: No More Running: test",
        "Auto-Submitted: auto-generated",
        f"Message-ID: <{id_}>",
        f"Date: {formatdate()}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Sent by nmr mail test to see whether mail arrives here. It is removed when it does.",
        "",
    )
    return "\r\n".join(lines).encode("ascii")
