"""What a server says on its own beside an answer is heard, in whatever pieces it comes."""

import imaplib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from agent.hub.broker.tls import SiteTls
from agent.links.mail.connection import MOST_BYTES, Connection, ImapAbort, ImapError, Timeouts

ANNOUNCED = b"+ idling\r\n* 5 EXISTS\r\n"


@cache
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of localhost speaks, and whoever believes it."""
    with tempfile.TemporaryDirectory() as folder:
        site = SiteTls(Path(folder))
        site.ensure("tests", ["localhost"])
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(site.hub_cert, site.hub_key)
        return server, ssl.create_default_context(cadata=site.ca_pem.decode())


@contextmanager
def scripted(answers: dict[bytes, bytes]) -> Iterator[int]:
    """A server that answers each command by its script, in one piece, and else by OK."""
    listening, (spoken, _) = socket.create_server(("127.0.0.1", 0)), tls()

    def serve() -> None:
        there = spoken.wrap_socket(listening.accept()[0], server_side=True)
        with there, there.makefile("rb") as lines:
            there.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
            for line in lines:
                tag, _, command = line.strip().partition(b" ")
                there.sendall(answers.get(command, b"%s OK done\r\n").replace(b"%s", tag))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        thread.join(5)


@contextmanager
def connected(kind: type[IMAPClient], answers: dict[bytes, bytes]) -> Iterator[IMAPClient]:
    answers = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n%s OK done\r\n", **answers}
    with scripted(answers) as port:
        imap = kind("localhost", port=port, ssl=True, ssl_context=tls()[1], timeout=Timeouts(5, 5))
        try:
            yield imap
        finally:
            imap.shutdown()


def test_a_mail_announced_in_one_piece_with_the_answer_to_idle_is_heard() -> None:
    with connected(Connection, {b"IDLE": ANNOUNCED, b"DONE": b""}) as imap:
        imap.idle()
        assert imap.begun()
        assert imap.begun()


def test_a_silent_server_has_begun_nothing_and_is_not_waited_for() -> None:
    with connected(Connection, {b"IDLE": b"+ idling\r\n"}) as imap:
        imap.idle()
        assert not imap.begun()
        assert imap.socket().gettimeout() == 5


def test_the_library_alone_would_sleep_on() -> None:
    with connected(IMAPClient, {b"IDLE": ANNOUNCED}) as imap:
        imap.idle()
        assert imap.idle_check(timeout=0.3) == []


EARLY = b"* 5 EXISTS\r\n+ idling\r\n"


def test_a_mail_announced_before_the_answer_to_idle_is_news() -> None:
    with connected(Connection, {b"IDLE": EARLY}) as imap:
        imap.idle()
        assert imap.news()


def test_the_library_alone_would_end_the_session() -> None:
    with connected(IMAPClient, {b"IDLE": EARLY}) as imap, pytest.raises(ImapError, match="Unexpected"):
        imap.idle()


def test_a_server_that_will_not_idle_is_not_waited_for() -> None:
    with connected(Connection, {b"IDLE": b"* OK a moment\r\n%s NO\r\n"}) as imap, pytest.raises(ImapError):
        imap.idle()


def test_what_nobody_asks_for_does_not_pile_up() -> None:
    with connected(Connection, {b"NOOP": b"* 4 EXPUNGE\r\n* 1 RECENT\r\n%s OK [HIGHESTMODSEQ 7] done\r\n"}) as imap:
        for _ in range(3):
            imap.noop()
            assert not imap.news()
        assert not imap._imap.untagged_responses


@pytest.mark.parametrize(("said", "news"), [(b"* 4 EXISTS\r\n%s OK done\r\n", True), (b"%s OK done\r\n", False)])
def test_a_mail_announced_beside_any_answer_is_news_once(said: bytes, news: bool) -> None:
    with connected(Connection, {b"NOOP": said}) as imap:
        imap.noop()
        assert imap.news() is news
        assert imap.news() is False


@pytest.mark.parametrize(
    "announced", [b"* 1 FETCH (BODY[] {%d}\r\n" % (MOST_BYTES + 1), b"* " + b"1" * MOST_BYTES], ids=["piece", "line"]
)
def test_more_than_was_asked_for_is_not_read(announced: bytes) -> None:
    with connected(Connection, {b"NOOP": announced}) as imap, pytest.raises(ImapAbort, match="more than"):
        imap.noop()


def test_what_has_come_is_seen_where_imaplib_keeps_its_file_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def own(_: imaplib.IMAP4) -> object:
        raise AssertionError("since Python 3.14 this is a warning, and the file is not what is read from")

    def open_(self: Any, host: str = "", port: int = 993, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        self.sock = self._create_socket(timeout)

    monkeypatch.setattr(imaplib.IMAP4, "file", property(own), raising=False)
    monkeypatch.setattr(imaplib.IMAP4, "open", open_)
    monkeypatch.setattr(imaplib.IMAP4, "shutdown", lambda self: self.sock.close())
    with connected(Connection, {b"IDLE": ANNOUNCED, b"DONE": b""}) as imap:
        imap.idle()
        assert imap.begun()
