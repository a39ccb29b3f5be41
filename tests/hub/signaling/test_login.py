"""A login counts for a member, its own name, this challenge, this server and this site; and nothing else does."""

from collections.abc import Callable

import pytest

from agent.domain.audience import EVERYBODY
from agent.hub.signaling.exchange import MESSAGES
from agent.hub.signaling.login import Gate, LoginRefused
from agent.wire.keys import Identity
from tests.hub.signaling.scene import CHALLENGE, HOST, Site, login_frame


@pytest.fixture
def site() -> Site:
    return Site("desk-1", "desk-2")


def gate(site: Site) -> Gate:
    return Gate(lambda: site.ledger, frozenset({HOST}))


def test_a_member_is_let_in_by_name(site: Site) -> None:
    assert gate(site).check(login_frame(site.keys["desk-1"]), CHALLENGE).station == "desk-1"


def test_capital_letters_in_a_host_name_do_not_matter(site: Site) -> None:
    named = Gate(lambda: site.ledger, frozenset({"hub.example:8443"}))
    assert named.check(login_frame(site.keys["desk-1"], host="Hub.Example:8443"), CHALLENGE).station == "desk-1"


def broken(frame: str) -> str:
    head, body, signature = frame.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("unknown", lambda site: login_frame(Identity.new("s1", "desk-1"))),
        ("name", lambda site: login_frame(site.keys["desk-2"], sender="desk-1")),
        ("challenge", lambda site: login_frame(site.keys["desk-1"], "d" * 43)),
        ("host", lambda site: login_frame(site.keys["desk-1"], host="evil.example:8443")),
        ("host", lambda site: login_frame(site.keys["desk-1"], host="127.0.0.1:8444")),
        ("login", lambda site: login_frame(site.keys["desk-1"], to=EVERYBODY)),
        ("login", lambda site: login_frame(site.keys["desk-1"], site="s2")),
        ("login", lambda site: login_frame(site.keys["desk-1"], other=True)),
        ("login", lambda site: broken(login_frame(site.keys["desk-1"]))),
        ("login", lambda _: ""),
        ("login", lambda _: "a.b.c"),
        ("login", lambda _: "ü" * 100),
        ("login", lambda _: "x" * 60_000),
    ],
)
def test_everything_else_is_refused_with_its_reason(site: Site, code: str, made: Callable[[Site], str]) -> None:
    with pytest.raises(LoginRefused) as refused:
        gate(site).check(made(site), CHALLENGE)
    assert refused.value.code == code
    assert code in MESSAGES


def test_the_revoked_are_refused_and_so_are_the_old_keys_of_whoever_came_back(site: Site) -> None:
    old = site.keys["desk-1"]
    site.revoke("desk-1")
    with pytest.raises(LoginRefused, match="revoked"):
        gate(site).check(login_frame(old), CHALLENGE)
    new = site.add("desk-1")
    assert gate(site).check(login_frame(new), CHALLENGE).station == "desk-1"
    with pytest.raises(LoginRefused, match="revoked"):
        gate(site).check(login_frame(old), CHALLENGE)
