"""The ledger follows one history, written by one publisher, and nothing else."""

import pytest

from agent.domain.audience import EVERYBODY, THE_HUB, Audience
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.names import HUB
from agent.wire.frame import FrameRefused
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from tests.walks.members import SITE, Members


@pytest.fixture
def members() -> Members:
    made = Members()
    made.add("front", "front-desk", person="anna")
    made.add("kitchen", "kitchen", person="ben")
    return made


def refusal(members: Members, frame: bytes) -> str:
    before = members.ledger
    with pytest.raises((LedgerRefused, FrameRefused)) as refused:
        read_entry(members.ledger, frame)
    assert members.ledger == before
    error = refused.value
    assert isinstance(error, LedgerRefused | FrameRefused)
    return error.code


def test_the_same_entries_give_the_same_members(members: Members) -> None:
    ledger = Ledger(SITE)
    for frame in members.frames:
        ledger = read_entry(ledger, frame)
    assert ledger == members.ledger


def test_audiences_are_resolved_from_it(members: Members) -> None:
    def stations(audience: Audience) -> list[str]:
        return [member.station for member in members.ledger.resolve(audience)]

    assert stations(Audience("role", "kitchen")) == ["kitchen"]
    assert stations(Audience("person", "anna")) == ["front"]
    assert stations(EVERYBODY) == ["front", "kitchen"]
    assert stations(THE_HUB) == [HUB]
    members.revoke("kitchen")
    assert stations(EVERYBODY) == ["front"]


def test_rollback_gap_and_fork_are_refused(members: Members) -> None:
    assert refusal(members, members.frames[1]) == "rollback"
    assert refusal(members, members.entry("member.revoke", "front", {}, seq=members.ledger.seq + 2)) == "gap"
    assert refusal(members, members.entry("member.revoke", "front", {}, prev=to_b64u(b"x" * 32))) == "fork"


def test_only_the_publisher_writes(members: Members) -> None:
    anna, stranger = members.people["front"], Identity.new(SITE, "stranger")
    assert refusal(members, members.entry("member.revoke", "kitchen", {}, signer=anna)) == "signer"
    assert refusal(members, members.entry("member.revoke", "kitchen", {}, signer=stranger)) == "unknown-kid"


def test_nobody_becomes_the_hub_or_takes_a_key_that_is_not_free(members: Members) -> None:
    keys = {"sign": to_b64u(Identity.new(SITE, "x").sign), "receive": to_b64u(b"r" * 32)}
    assert refusal(members, members.entry("member.roles", "front", {"roles": ["hub"]})) == "member"
    assert refusal(members, members.entry("member.add", HUB, {"person": "x", "roles": [], **keys})) == "entry"
    assert refusal(members, members.entry("member.add", "x", {"person": "x", "roles": ["hub"], **keys})) == "member"
    taken = {"sign": to_b64u(members.people["front"].sign), "receive": to_b64u(b"r" * 32)}
    assert refusal(members, members.entry("member.add", "x", {"person": "x", "roles": [], **taken})) == "member"
    assert refusal(members, members.entry("member.revoke", "nobody", {})) == "member"
    hub: dict[str, object] = {"sign": to_b64u(members.hub.sign), "receive": to_b64u(members.hub.receive)}
    assert refusal(members, members.entry("genesis", HUB, hub)) == "entry"


def test_bad_values_are_refused(members: Members) -> None:
    short = {"sign": "AAAA", "receive": "AAAA"}
    assert refusal(members, members.entry("member.add", "x", {"person": "x", "roles": [], **short})) == "entry"
    assert refusal(members, members.entry("member.roles", "front", {"roles": ["Kitchen!"]})) == "entry"


def test_an_entry_of_another_site_is_refused(members: Members) -> None:
    other = Members(site="s2")
    assert refusal(members, other.frames[0]) == "schema"
