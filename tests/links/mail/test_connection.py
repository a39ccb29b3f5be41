"""What a server says on its own beside an answer is heard, in whatever pieces it comes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from imapclient import IMAPClient

from agent.links.mail.connection import Connection

ANNOUNCED = b"+ idling\r\n* 5 EXISTS\r\n"


@contextmanager
def scripted(answers: dict[bytes, bytes]) -> Iterator[int]:
    """A server that answers each command by its script, in one piece, and else by OK."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        there, _ = listening.accept()
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
        imap = kind("127.0.0.1", port=port, ssl=False, timeout=5)
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


@pytest.mark.parametrize(("said", "news"), [(b"* 4 EXISTS\r\n%s OK done\r\n", True), (b"%s OK done\r\n", False)])
def test_a_mail_announced_beside_any_answer_is_news_once(said: bytes, news: bool) -> None:
    with connected(Connection, {b"NOOP": said}) as imap:
        imap.noop()
        assert imap.news() is news
        assert imap.news() is False
