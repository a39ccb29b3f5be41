"""A mailbox in the ledger is an address and nothing else, and it is its owner's to change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError, convert

from agent.domain.audience import Audience
from agent.domain.keys import to_b64u
from agent.domain.ledger import LedgerRefused
from agent.domain.mail import LONGEST_ADDRESS, NOWHERE, MailAddress, Mailbox, is_address
from agent.domain.names import HUB
from agent.domain.rights import RANKS, may
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from tests.walks.members import SITE, Members

GOOD = ("shop@example.com", "a@b", "Front.Desk+nmr@mail.example.co.uk", "o'neil_1@xn--mnchen-3ya.example")
BAD = (
    "", "shop", "@example.com", "shop@", "shop@example..com", ".shop@example.com", "sh..op@example.com",
    "shop@example.com\n", "shop@example.com\r\nBcc: all@example.com", "shop@exa mple.com", "<shop@example.com>",
    "a@b@c", "shop@-example.com", "shöp@example.com", '"shop"@example.com', "shop%other@example.com",
    "other!shop@example.com", "|mail@example.com", "-oQ@example.com", "shop@example.com, x@example.com",
    "shop\0@example.com", f"{'a' * 65}@example.com", f"a@{'b.' * 130}example",
)  # fmt: skip


@pytest.mark.parametrize("address", GOOD)
def test_an_address_is_taken(address: str) -> None:
    assert is_address(address)
    assert convert({"mail": address}, MailAddress).mail == address


@pytest.mark.parametrize("address", BAD)
def test_nothing_else_is(address: str) -> None:
    assert not is_address(address)
    if address:
        with pytest.raises(ValidationError):
            convert({"mail": address}, MailAddress)


@given(st.text(max_size=300))
def test_whatever_is_an_address_can_break_out_of_no_header_and_no_command(text: str) -> None:
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) <= LONGEST_ADDRESS
        assert not set(text) & set(' <>,;:"()[]\\|!%`$')
        assert not text.startswith("-")
        assert text.count("@") == 1


@pytest.fixture
def members() -> Members:
    made = Members()
    made.add("front", "front-desk", person="anna")
    return made


def test_a_member_and_the_hub_move_and_move_out(members: Members) -> None:
    before = members.ledger.members["front"]
    assert before.mailbox == NOWHERE
    members.append("member.mail", "front", {"mail": "front@example.com", "plus": False})
    members.append("member.mail", HUB, {"mail": "hub@example.com"})
    after = members.ledger.members["front"]
    assert after.mailbox == Mailbox("front@example.com", plus=False)
    assert (after.kid, after.roles, after.person) == (before.kid, before.roles, before.person)
    assert members.ledger.members[HUB].mailbox == Mailbox("hub@example.com")
    members.append("member.mail", "front", {"mail": ""})
    assert members.ledger.members["front"] == before


def test_who_is_added_may_have_a_mailbox_from_the_start(members: Members) -> None:
    keys = {"sign": to_b64u(Identity.new(SITE, "x").sign), "receive": to_b64u(b"r" * 32)}
    members.append("member.add", "x", {"person": "x", "roles": [], **keys, "mail": "x@example.com", "plus": False})
    assert members.ledger.members["x"].mailbox == Mailbox("x@example.com", plus=False)


@pytest.mark.parametrize(
    ("subject", "value", "code"),
    [
        ("nobody", {"mail": "a@b"}, "member"),
        ("gone", {"mail": "a@b"}, "member"),
        ("front", {"mail": "a@b c"}, "entry"),
        ("front", {"mail": 1}, "entry"),
        ("front", {"mail": "a@b", "plus": 1}, "entry"),
        ("front", {"mail": "a@b", "more": 1}, "entry"),
    ],
)
def test_what_is_no_mailbox_or_nobody_s_is_refused(
    members: Members, subject: str, value: dict[str, object], code: str
) -> None:
    members.add("gone", "kitchen")
    members.revoke("gone")
    with pytest.raises(LedgerRefused) as refused:
        read_entry(members.ledger, members.entry("member.mail", subject, value))
    assert refused.value.code == code


def test_only_the_publisher_says_it(members: Members) -> None:
    forged = members.entry("member.mail", HUB, {"mail": "thief@example.com"}, signer=members.people["front"])
    with pytest.raises(LedgerRefused) as refused:
        read_entry(members.ledger, forged)
    assert refused.value.code == "signer"


@pytest.mark.parametrize("rank", RANKS[:-1])
def test_everybody_tells_the_hub_and_only_the_hub_its_address(rank: str) -> None:
    kinds = ("station", "person", "role", "all", "hub")
    assert [kind for kind in kinds if may([rank], "mail.address", Audience(kind, "x"))] == ["hub"]  # type: ignore[arg-type]
