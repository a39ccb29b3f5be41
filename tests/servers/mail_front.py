"""The SMTP server of the tests: submission with implicit TLS and AUTH, handed on to Dovecot; does wrong when asked.

RFC 5321 as far as submission needs it, and strict where real servers are: no command before AUTH, no line longer than
1,000 bytes, no bare line feeds, nothing but ASCII, no mail above the announced size.
"""

import asyncio
import base64
import binascii
import re
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from tests.servers.mail_faults import DROP, Faults

SIZE = 10 << 20
"""The largest mail, in bytes."""
LONGEST_LINE = 1000
_LIMIT = 32 << 20
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


class Front:
    """Listens on `port` from `start` to `stop`; what it did stands in `taken`, `held` and the counters."""

    def __init__(self, port: int, lmtp_port: int, tls: ssl.SSLContext, accounts: Accounts) -> None:
        self.port, self.accounts, self.faults = port, accounts, Faults()
        self.taken: list[Mail] = []
        """Every mail that was answered by 250."""
        self.held: list[Mail] = []
        self.connections = self.logins = self.delivered = 0
        self._lmtp_port, self._tls = lmtp_port, tls
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def open(self) -> int:
        """Connections that are open at this moment."""
        return len(self._open)

    def start(self) -> None:
        """Listen; returns when connections are taken."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop.run_forever, name="mail front", daemon=True)
            self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        """Refuse connections and break those that are open; `start` opens the same port again."""
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)

    def cut(self) -> None:
        """Break the connections that are open; new ones are taken."""
        asyncio.run_coroutine_threadsafe(self._break_all(), self._loop).result(10)

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._thread = None
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def release(self, which: Callable[[Mail], bool] = lambda _mail: True, *, backwards: bool = False) -> int:
        """Deliver the held mails that `which` picks, the last first if `backwards`; how many that were."""
        picked = [mail for mail in self.held if which(mail)]
        for mail in reversed(picked) if backwards else picked:
            self.held.remove(mail)
            self.deliver(mail)
        return len(picked)

    def deliver(self, mail: Mail) -> str:
        """Put a mail into its mailboxes by LMTP; returns the reply for its sender. May be called by a test itself."""
        worst = "250 2.0.0 delivered"
        for recipient in mail.recipients:  # one by one: LMTP answers each recipient, its Python class reads one answer
            reply = self._deliver(mail, recipient)
            self.delivered += reply.startswith("2")
            worst = worst if reply.startswith("2") else reply
        return worst

    def _deliver(self, mail: Mail, recipient: str) -> str:
        try:
            with smtplib.LMTP("127.0.0.1", self._lmtp_port, timeout=30) as lmtp:
                lmtp.sendmail(mail.sender, [recipient], mail.content)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = refused.recipients[recipient]
            return _one_line(code, said)
        except smtplib.SMTPResponseException as refused:
            return _one_line(refused.smtp_code, refused.smtp_error)
        except (OSError, smtplib.SMTPException):
            return "451 4.3.0 the mailboxes do not answer"
        return "250 2.0.0 delivered"

    async def finish(self, mail: Mail) -> str:
        """Do with a whole mail what is planned; the reply."""
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        if self.faults.holding:
            self.held.append(mail)
            return "250 2.0.0 kept for later"
        loop = asyncio.get_running_loop()
        replies = [await loop.run_in_executor(None, self.deliver, mail) for _ in range(self.faults.copies)]
        return replies[0]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port, ssl=self._tls, limit=_LIMIT)

    async def _close(self) -> None:
        assert self._server
        self._server.close()
        await self._break_all()
        self._server = None

    async def _break_all(self) -> None:
        tasks = dict(self._open)
        for task, writer in tasks.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.connections += 1
        self._open[task] = writer
        try:
            await Conversation(self, reader, writer).run()
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # whoever was there is gone, or we broke it off
        finally:
            del self._open[task]
            writer.transport.abort()


class Conversation:
    """One connection, command by command."""

    def __init__(self, front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


def _one_line(code: int, said: bytes | str) -> str:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:500]
