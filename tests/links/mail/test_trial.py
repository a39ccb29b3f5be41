"""Trying a mailbox tells each step and what to do, leaves every other mail as it is, and removes its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import json

from agent.links.mail.settings import MailSettings, Pace
from agent.links.mail.trial import CURES, Step, Trial
from agent.system.mail_secret import MailSecret, load_mail_secret
from agent.system.oauth import microsoft
from agent.system.oauth.tokens import Kept, Tokens
from agent.system.wrapping_key import make_key
from agent.wire.keys import Identity
from tests.servers.mail import DOMAIN, TWO, MailServers, mail_servers

pytestmark = pytest.mark.servers

ME = Identity.new("s1", "desk")
ALL = ["read-login", "folder", "send-login", "send", "arrive", "plus"]


@pytest.fixture(scope="module")
def started() -> Iterator[MailServers]:
    with mail_servers() as made:
        yield made


@pytest.fixture
def servers(started: MailServers) -> Iterator[MailServers]:
    yield started
    started.front.faults.clear()


def settings(servers: MailServers, **changes: object) -> MailSettings:
    given: dict[str, object] = {
        "me": ME,
        "address": servers.address("anna"),
        "imap": ("localhost", servers.imap_port),
        "smtp": ("localhost", servers.smtp_port),
        "password": TWO["anna"],
        "user": "anna",
        "ca_pem": servers.ca.read_bytes(),
        "pace": Pace(answer=5.0),
    }
    return MailSettings(**(given | changes))  # type: ignore[arg-type]


def tried(made: MailSettings, patience: float = 20.0) -> list[Step]:
    return list(Trial(made, patience=patience).whole())


def test_a_mailbox_in_order_passes_every_step_and_is_left_as_it_was(servers: MailServers) -> None:
    box = servers.mailbox("anna")
    box.fill(20)
    before = box.stored()
    steps = tried(settings(servers))
    assert [step.name for step in steps if step.ok] == ALL
    assert all(step.ms > 0 for step in steps)
    assert box.stored() == before
    assert json.encode([step.to_wire() for step in steps])


def test_only_logging_in_sends_nothing(servers: MailServers) -> None:
    before = servers.mailbox("anna").count()
    steps = list(Trial(settings(servers)).logins())
    assert [step.name for step in steps if step.ok] == ALL[:3]
    assert servers.mailbox("anna").count() == before


def test_a_server_that_falls_silent_before_the_good_bye_leaves_no_connection_open(servers: MailServers) -> None:
    line = servers.line(servers.imap_port)
    trial = Trial(settings(servers, imap=("localhost", line.port), pace=Pace(answer=1.0)))
    steps = trial.logins()
    assert next(steps).ok
    line.silence()
    steps.close()  # type: ignore[attr-defined]  # a generator
    assert trial._imap.socket().fileno() == -1


@pytest.mark.parametrize(
    ("change", "step", "fault"),
    [
        ({"password": "wrong"}, "read-login", "refused"),
        ({"imap": ("localhost", 1)}, "read-login", "away"),
        ({"imap": ("no-such-host.invalid", 993)}, "read-login", "away"),
        ({"smtp": ("localhost", 1)}, "send-login", "away"),
        ({"ca_pem": None}, "read-login", "away"),
        ({"ca_pem": b"nonsense"}, "read-login", "refused"),
        ({"folder": "No such folder"}, "folder", "folder"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    servers: MailServers, change: dict[str, object], step: str, fault: str
) -> None:
    last = tried(settings(servers, **change))[-1]
    assert (last.name, last.fault, last.ok) == (step, fault, False)
    assert last.cure == CURES[fault]
    assert last.detail


def test_a_plain_port_is_not_spoken_to(servers: MailServers) -> None:
    last = tried(settings(servers, imap=("localhost", servers.lmtp_port)))[-1]
    assert (last.name, last.fault) == ("read-login", "away")
    assert "TLS" in last.detail


@pytest.mark.parametrize(
    ("at", "reply", "step", "fault"),
    [
        ("auth", "535 5.7.8 no", "send-login", "refused"),
        ("auth", "454 4.7.0 later", "send-login", "away"),
        ("mail", "553 5.7.1 not as this sender", "send", "send"),
        ("end", "554 5.7.1 looks like spam", "send", "send"),
        ("data", "451 4.3.0 later", "send", "away"),
    ],
)
def test_a_server_that_says_no_is_quoted(servers: MailServers, at: str, reply: str, step: str, fault: str) -> None:
    servers.front.faults.add(at, reply, times=None)  # type: ignore[arg-type]
    last = tried(settings(servers))[-1]
    assert (last.name, last.fault) == (step, fault)
    assert reply.rsplit(maxsplit=1)[-1] in last.detail
    assert DOMAIN not in last.detail


def test_a_mail_that_does_not_come_is_told_after_the_patience(servers: MailServers) -> None:
    servers.front.faults.holding = True
    last = tried(settings(servers), patience=1.0)[-1]
    assert (last.name, last.fault) == ("arrive", "arrive")


def test_a_server_without_plus_addresses_is_found_out(servers: MailServers) -> None:
    refusing = Trial(settings(servers), patience=2.0, chance=lambda count: "ab" * count)
    address = f"anna+{'ab' * 16}@{DOMAIN}"
    servers.front.faults.add("rcpt", "550 5.1.1 no such user", who=address)
    steps = list(refusing.whole())
    assert [step.name for step in steps] == ALL
    assert (steps[-1].fault, steps[-2].ok) == ("plus", True)
    assert [step.name for step in tried(settings(servers, plus=False))] == ALL[:-1]


def test_a_sign_in_opens_both_servers(servers: MailServers) -> None:
    made = settings(servers, user=servers.address("anna"), password="")
    token = servers.tokens.issue(servers.address("anna"))
    steps = list(Trial(made, lambda: token).whole())
    assert [step.name for step in steps if step.ok] == ALL
    old = servers.tokens.issue(servers.address("bert"))
    last = list(Trial(made, lambda: old).whole())[-1]
    assert (last.name, last.fault) == ("read-login", "refused")
    assert old not in repr(last)


def test_tokens_are_renewed_from_what_is_sealed_and_open_the_mailbox(servers: MailServers, tmp_path: Path) -> None:
    address = servers.address("anna")
    secret = MailSecret(
        login=address, kind="microsoft", value=json.encode(Kept(servers.tokens.grant(address))).decode()
    )
    place = replace(microsoft.place_of("our-number", servers.tokens.authority), ca_pem=servers.ca.read_text())
    tokens = Tokens(tmp_path, secret, make_key(tmp_path, keyring=False), place)
    made = settings(servers, user=address, password="")
    assert all(step.ok for step in Trial(made, tokens.token).whole())
    assert load_mail_secret(tmp_path, address, "microsoft") != secret
