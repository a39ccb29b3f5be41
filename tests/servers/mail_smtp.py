"""What the tests' SMTP server says on one connection, command by command.

RFC 5321 as far as submission needs it, and strict where real servers are: no command before AUTH, no line longer than
1,000 bytes, no bare line feeds, nothing but ASCII, no mail above the announced size.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from tests.servers.mail_faults import DROP

if TYPE_CHECKING:
    from tests.servers.mail_front import Front

SIZE = 10 << 20
"""The largest mail, in bytes."""
LONGEST_LINE = 1000
_END = b"\r\n.\r\n"
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>(?: .*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as its sender handed it in; `login` is who that was."""

    login: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the front asks the mailboxes: passwords, access tokens, and whether it takes mail for an address."""

    password: Callable[[str, str], bool]
    token: Callable[[str, str], bool]
    known: Callable[[str], bool]


class Conversation:
    """One connection, command by command."""

    def __init__(self, front: "Front", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._front, self._reader, self._writer = front, reader, writer
        self._login = ""
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def run(self) -> None:
        """Talk until QUIT; raises EOFError when the connection is to break."""
        deeds = {"AUTH": self._auth, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data}
        await self._say(self._wrong("greeting") or "220 localhost ESMTP tests")
        while True:
            verb, _, rest = (await self._line()).partition(" ")
            verb = verb.upper()
            if verb == "QUIT":
                await self._say("221 2.0.0 bye")
                await self._hang_up()
            elif verb in {"MAIL", "RCPT", "DATA"} and not self._login:
                await self._say("530 5.7.0 authentication required")
            elif deed := deeds.get(verb):
                await deed(rest)
            else:
                await self._small_talk(verb)

    async def _small_talk(self, verb: str) -> None:
        if verb == "EHLO":
            offers = ("localhost", "PIPELINING", f"SIZE {SIZE}", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN XOAUTH2")
            last = len(offers) - 1
            await self._say("\r\n".join(f"250{' -'[at < last]}{offer}" for at, offer in enumerate(offers)))
        elif verb in {"RSET", "NOOP", "HELO"}:
            if verb != "NOOP":
                self._forget()
            await self._say("250 2.0.0 ok")
        else:
            await self._say("500 5.5.2 what?")

    async def _auth(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        checks = {"PLAIN": self._plain, "LOGIN": self._by_questions, "XOAUTH2": self._xoauth2}
        if self._login or mechanism.upper() not in checks:
            return await self._say("503 5.5.1 once is enough" if self._login else "504 5.5.4 no such way")
        try:
            login = await checks[mechanism.upper()](first)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return await self._say("501 5.5.2 that cannot be read")
        if wrong := self._wrong("auth"):
            return await self._say(wrong)
        if login is None:
            return await self._say("535 5.7.8 authentication credentials invalid")
        self._login = login
        self._front.logins += 1
        return await self._say("235 2.7.0 welcome")

    async def _plain(self, first: str) -> str | None:
        # NUL-separated: authorization id (empty or the same), login, password
        _, login, password = (_decoded(first) if first else await self._ask("")).split("\0")
        return login if self._front.accounts.password(login, password) else None

    async def _by_questions(self, first: str) -> str | None:
        login = _decoded(first) if first else await self._ask("Username:")
        password = await self._ask("Password:")
        return login if self._front.accounts.password(login, password) else None

    async def _xoauth2(self, first: str) -> str | None:
        # "user=" login ^A "auth=Bearer " token ^A ^A; a refusal is a 334 with JSON, answered by an empty line, then 535
        said = _decoded(first) if first else await self._ask("")
        found = re.fullmatch(r"user=([^\1]+)\1auth=Bearer ([^\1]+)\1\1".replace(r"\1", "\x01"), said)
        if found and self._front.accounts.token(found[1], found[2]):
            return found[1]
        await self._ask('{"status":"401","schemes":"bearer","scope":"mail"}')
        return None

    async def _ask(self, question: str) -> str:
        await self._say(f"334 {base64.b64encode(question.encode()).decode()}")
        answer = await self._line()
        return _decoded(answer)

    async def _mail(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        size = re.search(r"SIZE=(\d+)", rest)
        if wrong := self._wrong("mail"):
            return await self._say(wrong)
        if not found or self._sender is not None:
            return await self._say("503 5.5.1 not now" if found else "501 5.5.4 MAIL FROM:<address>")
        if size and int(size[1]) > SIZE:
            return await self._say("552 5.3.4 too large")
        self._sender = found[1]
        return await self._say("250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if not found or self._sender is None:
            return await self._say("503 5.5.1 not now" if found else "501 5.5.4 RCPT TO:<address>")
        if wrong := self._wrong("rcpt", found[1]):
            return await self._say(wrong)
        if not self._front.accounts.known(found[1]):
            return await self._say("550 5.1.1 nobody of that name")
        self._recipients.append(found[1])
        return await self._say("250 2.1.5 ok")

    async def _data(self, rest: str) -> None:
        if rest or not self._recipients or self._sender is None:
            return await self._say("503 5.5.1 not now")
        recipients = tuple(self._recipients)
        if wrong := self._wrong("data", *recipients):
            return await self._say(wrong)
        await self._say("354 go on")
        if self._wrong("inside", *recipients):
            await self._reader.read(200)
            self._break()
        content = (await self._reader.readuntil(_END)).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        mail = Mail(self._login, self._sender, recipients, content)
        self._forget()
        reply = _complaint(content) or self._wrong("end", *recipients) or await self._front.finish(mail)
        if reply.startswith("2"):
            reply = self._wrong("delivered", *recipients) or reply
        if reply.startswith("2"):
            self._front.taken.append(mail)
        return await self._say(reply)

    def _forget(self) -> None:
        self._sender, self._recipients = None, []

    def _wrong(self, step: str, *recipients: str) -> str | None:
        """What is planned to go wrong now; a planned break happens at once."""
        reply = self._front.faults.at(step, recipients)  # type: ignore[arg-type]  # the steps above are the type's
        if reply == DROP:
            self._break()
        return reply

    def _break(self) -> NoReturn:
        self._writer.transport.abort()
        raise EOFError

    async def _line(self) -> str:
        line = await self._reader.readuntil(b"\n")
        if len(line) > LONGEST_LINE * 10:  # access tokens are long
            self._break()
        return line.decode("ascii", "replace").removesuffix("\n").removesuffix("\r")

    async def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()
        if reply.startswith("421"):  # that is what 421 means
            await self._hang_up()

    async def _hang_up(self) -> NoReturn:
        self._writer.close()
        await self._writer.wait_closed()
        raise EOFError


def _complaint(content: bytes) -> str | None:
    """The reply to a mail that no strict server takes."""
    if len(content) > SIZE:
        return "552 5.3.4 too large"
    if not content.isascii():
        return "554 5.6.3 8BITMIME was not agreed"
    if content.count(b"\n") != content.count(b"\r\n"):
        return "550 5.6.11 bare line feeds"
    if any(len(line) > LONGEST_LINE - 2 for line in content.split(b"\r\n")):
        return "500 5.6.0 line too long"
    return None


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
