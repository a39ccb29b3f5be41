"""Mail by bare libraries: smtplib hands in, IMAPClient waits in IDLE or asks by NOOP, and fetches."""

import base64
import os
import queue
import select
import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from imapclient import IMAPClient

from tests.servers.mail import MailServers

CONTENT_BYTES = 2048 + 69
"""What the smallest pack comes to."""
IDLE, NOOP = "idle", "noop"
NOOP_EVERY_S = 0.05
SENDER, RECEIVER = "anna", "bert"


class RawMail:
    """One mailbox's sender and another's reader; `arrived` holds (number, seconds of perf_counter)."""

    def __init__(self, servers: MailServers, way: str) -> None:
        self.arrived: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self._from, self._to = servers.address(SENDER), servers.address(RECEIVER, "00" * 16)
        self._smtp = smtplib.SMTP_SSL("localhost", servers.smtp_port, context=servers.tls(), timeout=30)
        self._smtp.login(self._from, servers.passwords[SENDER])
        self._imap: Any = IMAPClient("localhost", servers.imap_port, ssl=True, ssl_context=servers.tls(), timeout=30)
        self._imap.login(servers.address(RECEIVER), servers.passwords[RECEIVER])
        self._next: int = self._imap.select_folder("INBOX")[b"UIDNEXT"]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(way,), daemon=True)
        self._thread.start()

    def send(self, number: int) -> None:
        """Hand one mail in; returns after the 250."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._from, self._to, str(number)
        message.set_content(base64.encodebytes(os.urandom(CONTENT_BYTES)).decode())
        self._smtp.send_message(message, self._from, [self._to])

    def close(self) -> None:
        """Hang up on both sides."""
        self._ended.set()
        self._thread.join(10)
        self._smtp.quit()
        self._imap.logout()

    def _read(self, way: str) -> None:
        while not self._ended.is_set():
            if way == IDLE:
                self._imap.idle()
                # Not by idle_check: that reads without waiting, and loses what came of a line that is not whole yet.
                select.select([self._imap.socket()], [], [], 1)
                self._imap.idle_done()
            else:
                self._ended.wait(NOOP_EVERY_S)
                self._imap.noop()
            self._fetch()

    def _fetch(self) -> None:
        # "n:*" names the last mail even if it is older than n
        if not (uids := [uid for uid in self._imap.search(["UID", f"{self._next}:*"]) if uid >= self._next]):
            return
        fetched = self._imap.fetch(uids, ["BODY.PEEK[]"])
        now = time.perf_counter()
        for uid in sorted(fetched):
            head = fetched[uid][b"BODY[]"].partition(b"\r\n\r\n")[0]
            number = next(line for line in head.split(b"\r\n") if line.startswith(b"Subject: "))
            self.arrived.put((int(number.removeprefix(b"Subject: ")), now))
        self._next = max(uids) + 1


@contextmanager
def raw_mail(servers: MailServers, way: str) -> Iterator[RawMail]:
    """A pair that is connected, and hangs up at the end."""
    pair = RawMail(servers, way)
    try:
        yield pair
    finally:
        pair.close()
