"""The mail servers of the tests are what tests take them for, faults included."""

import os
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any

import psutil
import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from tests.servers.mail import MailServers, mail_servers
from tests.servers.mail_faults import DROP, Step
from tests.servers.programs import until

pytestmark = pytest.mark.servers
PLACE = "No More Running/Processed"


@pytest.fixture(scope="module")
def started() -> Iterator[MailServers]:
    with mail_servers() as servers:
        yield servers


@pytest.fixture
def servers(started: MailServers) -> Iterator[MailServers]:
    yield started
    started.front.faults.clear()
    started.front.taken.clear()
    started.front.held.clear()


@contextmanager
def submission(servers: MailServers, name: str = "anna") -> Iterator[smtplib.SMTP_SSL]:
    smtp = smtplib.SMTP_SSL("localhost", servers.smtp_port, context=servers.tls(), timeout=10)
    try:
        smtp.login(servers.address(name), servers.passwords[name])
        yield smtp
    finally:
        smtp.close()


@contextmanager
def reading(servers: MailServers, name: str = "bert", port: int | None = None) -> Iterator[Any]:
    imap = IMAPClient("localhost", port or servers.imap_port, ssl=True, ssl_context=servers.tls(), timeout=10)
    try:
        imap.login(servers.address(name), servers.passwords[name])
        yield imap
    finally:
        imap.shutdown()


def log_in(servers: MailServers, name: str, password: str) -> None:
    imap = IMAPClient("localhost", servers.imap_port, ssl=True, ssl_context=servers.tls(), timeout=10)
    try:
        imap.login(name, password)
    finally:
        imap.shutdown()


def mail(text: str = "hello") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@mail.test", "bert@mail.test", "x"
    message.set_content(text)
    return message.as_bytes().replace(b"\n", b"\r\n")


def send(servers: MailServers, text: str = "hello", detail: str = "") -> None:
    with submission(servers) as smtp:
        smtp.sendmail(servers.address("anna"), [servers.address("bert", detail)], mail(text))


def count(servers: MailServers) -> int:
    return servers.mailbox("bert").count()


def test_a_mail_goes_from_a_submission_to_the_inbox_whatever_stands_behind_the_plus(servers: MailServers) -> None:
    before = count(servers)
    send(servers, detail="77aa")
    assert count(servers) == before + 1
    with reading(servers) as imap:
        last = imap.select_folder("INBOX")[b"EXISTS"]
        fetched = imap.fetch([last], ["BODY.PEEK[HEADER.FIELDS (DELIVERED-TO)]"])
    assert b"bert+77aa@mail.test" in next(iter(fetched.values()))[b"BODY[HEADER.FIELDS (DELIVERED-TO)]"]
    assert [one.recipients for one in servers.front.taken] == [("bert+77aa@mail.test",)]


def test_nobody_gets_in_without_the_password_or_without_our_authority(servers: MailServers) -> None:
    smtp = smtplib.SMTP_SSL("localhost", servers.smtp_port, context=servers.tls(), timeout=10)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login("bert@mail.test", "wrong")
    with pytest.raises(smtplib.SMTPSenderRefused):
        smtp.sendmail("anna@mail.test", ["bert@mail.test"], mail())
    smtp.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL("localhost", servers.smtp_port, context=ssl.create_default_context(), timeout=10)


@pytest.mark.parametrize(
    ("step", "reply", "error"),
    [
        ("mail", "451 4.3.0 later", smtplib.SMTPSenderRefused),
        ("rcpt", "450 4.2.1 later", smtplib.SMTPRecipientsRefused),
        ("rcpt", "550 5.1.1 never", smtplib.SMTPRecipientsRefused),
        ("data", "452 4.3.1 later", smtplib.SMTPDataError),
        ("end", "451 4.3.0 later", smtplib.SMTPDataError),
        ("inside", DROP, smtplib.SMTPServerDisconnected),
        ("end", DROP, smtplib.SMTPServerDisconnected),
    ],
)
def test_a_planned_fault_happens_once_and_delivers_nothing(
    servers: MailServers, step: Step, reply: str, error: type[Exception]
) -> None:
    before = count(servers)
    servers.front.faults.add(step, reply)
    with pytest.raises((error, ConnectionError)):
        send(servers, "x" * 70000 if step == "inside" else "x")
    assert count(servers) == before
    send(servers)
    assert count(servers) == before + 1


def test_a_connection_may_break_after_delivery_and_before_the_250(servers: MailServers) -> None:
    before = count(servers)
    servers.front.faults.add("delivered", DROP)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(servers)
    assert (count(servers), servers.front.taken) == (before + 1, [])


def test_mails_come_twice_or_later_or_in_another_order(servers: MailServers) -> None:
    before = count(servers)
    servers.front.faults.copies = 2
    send(servers)
    assert count(servers) == before + 2
    servers.front.faults.clear()
    servers.front.faults.holding = True
    for text in ("first", "second"):
        send(servers, text)
    assert count(servers) == before + 2
    assert servers.front.release(backwards=True) == 2
    with reading(servers) as imap:
        last = imap.select_folder("INBOX")[b"EXISTS"]
        texts = [one[b"BODY[TEXT]"] for one in imap.fetch([last - 1, last], ["BODY.PEEK[TEXT]"]).values()]
    assert [text.strip() for text in texts] == [b"second", b"first"]


def test_one_recipient_may_be_refused_and_the_other_not(servers: MailServers) -> None:
    servers.front.faults.add("rcpt", "550 5.1.1 gone", None, who="anna@mail.test")
    with submission(servers) as smtp:
        refused = smtp.sendmail("anna@mail.test", ["anna@mail.test", "bert@mail.test"], mail())
    assert list(refused) == ["anna@mail.test"]
    assert servers.front.taken[-1].recipients == ("bert@mail.test",)


def test_a_front_that_is_stopped_refuses_and_comes_back_on_its_port(servers: MailServers) -> None:
    with submission(servers) as smtp:
        servers.front.stop()
        with pytest.raises(OSError, match=r"refused|reset|closed|disconnect"):
            smtplib.SMTP_SSL("localhost", servers.smtp_port, context=servers.tls(), timeout=5)
        with pytest.raises((smtplib.SMTPException, OSError)):
            smtp.noop()
    servers.front.start()
    send(servers)


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a" * 1001 + b"\r\n", "ü\r\n".encode()])
def test_what_a_strict_server_refuses_is_refused(servers: MailServers, content: bytes) -> None:
    with submission(servers) as smtp:
        smtp.mail("anna@mail.test")
        smtp.rcpt("bert@mail.test")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(b"Subject: x\r\n\r\n" + content + b".\r\n")
        code, _ = smtp.getreply()
    assert code >= 500


def test_a_full_mailbox_refuses_until_it_has_room(servers: MailServers) -> None:
    servers.set_quota("bert", 5000)
    with pytest.raises(smtplib.SMTPDataError, match="Quota exceeded"):
        send(servers, "full " * 2000)
    servers.set_quota("bert", None)
    send(servers, "full " * 2000)


def test_a_login_may_be_refused_for_good_or_for_a_while(servers: MailServers) -> None:
    with servers.no_logins(), pytest.raises(LoginError, match="UNAVAILABLE"):
        log_in(servers, "bert", servers.passwords["bert"])
    old = servers.passwords["bert"]
    servers.set_password("bert", "new")
    with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
        log_in(servers, "bert", old)
    with reading(servers):
        pass
    servers.set_password("bert", old)


def test_the_numbering_of_a_mailbox_may_change(servers: MailServers) -> None:
    with reading(servers) as imap:
        before = imap.select_folder("INBOX")[b"UIDVALIDITY"]
    validity = servers.change_uidvalidity("bert")
    with reading(servers) as imap:
        assert imap.select_folder("INBOX")[b"UIDVALIDITY"] == validity != before


def test_dovecot_may_be_killed_and_started_and_keeps_its_mails(servers: MailServers) -> None:
    send(servers)
    before = count(servers)
    with reading(servers) as imap:
        servers.kill_dovecot()
        with pytest.raises((IMAPClientError, OSError)):
            imap.noop()
    with pytest.raises(smtplib.SMTPDataError, match="do not answer"):
        send(servers)
    servers.start_dovecot()
    assert count(servers) == before
    send(servers)


def test_a_silent_line_holds_everything_back_and_a_cut_one_breaks(servers: MailServers) -> None:
    line = servers.line(servers.imap_port)
    with reading(servers, port=line.port) as imap:
        imap.select_folder("INBOX")
        line.silence()
        imap.socket().settimeout(0.3)
        with pytest.raises(TimeoutError):
            imap.noop()
    line.resume()
    with reading(servers, port=line.port) as imap:
        line.cut()
        with pytest.raises((IMAPClientError, OSError)):
            imap.noop()
    line.close()


def test_a_dripping_line_brings_everything_in_pieces(servers: MailServers) -> None:
    line = servers.line(servers.imap_port, inside=True)
    with reading(servers, port=line.port) as imap:
        imap.select_folder("INBOX")
        line.drip()
        imap.idle()
        send(servers)
        # What a line in pieces does to a library that does not wait for its end: a warning to whoever uses it so.
        with pytest.raises(IMAPClientError):
            until(lambda: (1, b"EXISTS") in imap.idle_check(timeout=5), "an announcement it can read", 10)
    line.pour()
    with reading(servers, port=line.port) as imap:
        assert imap.select_folder("INBOX")[b"EXISTS"] == count(servers)
    line.close()


def test_the_files_of_a_mailbox_tell_flags_and_bytes_and_can_be_filled(servers: MailServers) -> None:
    box = servers.mailbox("anna")
    before = box.fill(20)
    with reading(servers, "anna") as imap:
        imap.select_folder("INBOX")
        imap.fetch(imap.search(), ["BODY.PEEK[]"])
        assert box.stored() == before
        imap.add_flags([1], [b"\\Deleted"])
        until(lambda: box.stored() != before, "the flag in a file's name")
        imap.create_folder(PLACE)
        imap.move([1], PLACE)
    assert len(before) == 20
    assert (box.count(), box.count(PLACE)) == (19, 1)
    assert box.folders() == ["INBOX", PLACE]


def test_nothing_is_left_when_the_servers_close() -> None:
    with mail_servers({"one": "alone"}) as servers:
        folder, group = servers.folder, servers.programs._running["dovecot"].pid
    assert not folder.exists()
    until(lambda: not living(group), "end of Dovecot's processes")


def living(group: int) -> list[int]:
    """The processes of a group that are not yet dead and waiting for somebody to notice."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_they_run_for_an_ordinary_user_as_well() -> None:
    if os.geteuid() != 0:
        pytest.skip("that is who runs these tests")
    away = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if subprocess.run([*away, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no users can be made up here")
    code = (
        "from tests.servers.test_mail import *\n"
        "with mail_servers() as servers:\n"
        "    assert os.geteuid() == 65534\n"
        "    send(servers)\n"
        "    assert count(servers) == 1\n"
    )
    done = subprocess.run([*away, sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
