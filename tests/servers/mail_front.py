"""The SMTP server of the tests: submission with implicit TLS and AUTH, handed on to Dovecot; does wrong when asked."""

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Callable

from tests.servers.mail_faults import Faults
from tests.servers.mail_smtp import Accounts, Conversation, Mail

_LIMIT = 32 << 20
"""Bytes that are read ahead: more than the largest mail."""


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


def _one_line(code: int, said: bytes | str) -> str:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:500]
