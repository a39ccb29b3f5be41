"""What a server's word means is one table: whose fault it is, and whether waiting helps."""

import socket
import ssl

import pytest

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.faults import Meaning, Step, broken, imap_login, reason, reply

AT = ("mail.test", 993)


@pytest.mark.parametrize(
    ("step", "code", "meaning"),
    [
        (Step.CONNECT, 421, Meaning.ALL_LATER),
        (Step.CONNECT, 554, Meaning.ALL_LATER),
        (Step.LOGIN, 454, Meaning.ALL_LATER),
        (Step.LOGIN, 535, Meaning.REFUSED),
        (Step.MAIL, 421, Meaning.ALL_LATER),
        (Step.MAIL, 451, Meaning.ALL_LATER),
        (Step.MAIL, 550, Meaning.REFUSED),
        (Step.RCPT, 421, Meaning.ALL_LATER),
        (Step.RCPT, 450, Meaning.LATER),
        (Step.RCPT, 550, Meaning.NEVER),
        (Step.RCPT, 552, Meaning.LATER),
        (Step.DATA, 452, Meaning.LATER),
        (Step.DATA, 552, Meaning.LATER),
        (Step.DATA, 554, Meaning.NEVER),
        (Step.DATA, -1, Meaning.LATER),
    ],
)
def test_each_reply_at_each_step_has_its_meaning(step: Step, code: int, meaning: Meaning) -> None:
    assert reply(step, code, b"no").meaning is meaning


def test_a_full_mailbox_gets_empty_again_whatever_its_number() -> None:
    assert reply(Step.DATA, 554, b"5.2.2 <bert@mail.test> Quota exceeded").meaning is Meaning.LATER
    assert reply(Step.DATA, 554, b"5.2.1 closed").meaning is Meaning.NEVER


@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_who_has_sent_enough_for_today_is_not_refused(step: Step) -> None:
    assert reply(step, 550, b"5.4.5 Daily user sending limit exceeded").meaning is Meaning.ALL_LATER


def test_what_is_told_names_no_address_and_is_short() -> None:
    why = reply(Step.RCPT, 550, b"5.1.1 <bert@mail.test>: nobody\nat all " + b"x" * 1000).why
    assert "bert" not in why
    assert "5.1.1 <address> nobody at all" in why
    assert len(why) < 300


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"])
def test_a_login_that_fails_for_the_moment_is_tried_again(code: str) -> None:
    assert isinstance(imap_login(f"[{code}] Temporary authentication failure."), LinkDown)


@pytest.mark.parametrize(
    "said",
    ["[ALERT] Too many simultaneous connections. (Failure)", "temporarily off", "try again later"],
)
def test_a_server_that_says_only_in_words_that_it_is_busy_is_asked_again(said: str) -> None:
    assert isinstance(imap_login(said), LinkDown)


@pytest.mark.parametrize(
    "said",
    [
        "[AUTHENTICATIONFAILED] no",
        "[AUTHENTICATIONFAILED] wrong; try again later",
        "[ALERT] Application-specific password required",
        "LOGIN failed.",
        "[EXPIRED] password",
    ],
)
def test_a_login_that_is_refused_stays_refused(said: str) -> None:
    assert isinstance(imap_login(said), LinkRefused)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(-2, "x"), "name mail.test is not known"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "does not speak TLS"),
        (TimeoutError(), "does not answer"),
        (ConnectionRefusedError(), "no mail server runs"),
        (OSError("something"), "something"),
    ],
)
def test_a_broken_connection_is_explained_and_concerns_everybody(error: Exception, told: str) -> None:
    assert told in reason(error, AT)
    assert "bert" not in reason(OSError("select failed for bert@mail.test"), AT)
    assert broken(error, AT).meaning is Meaning.ALL_LATER
