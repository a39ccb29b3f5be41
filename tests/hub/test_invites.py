"""Who may use an invite: a table over its state and the one who comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.keys import to_b64u
from agent.domain.names import is_name
from agent.hub.invites import Issued, claimed_by, free_name, is_alarm, judge
from agent.wire.enrolment import Request

END = 1000


def request(key: bytes = b"a", receive: bytes = b"r") -> Request:
    text = to_b64u(b"x" * 32)
    return Request(
        invite="0" * 16, wish="", sign=to_b64u(key * 32), receive=to_b64u(receive * 32), nonce=text,
        signature=to_b64u(b"x" * 64), mac=text,
    )  # fmt: skip


def issued(*, claimed: bool = False, used: bool = False) -> Issued:
    return Issued(
        id="0" * 16, secret="s", person="anna", roles=(), station="", not_after=END,
        claimed=claimed_by(request()) if claimed else "", used=used,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("claimed", "used", "same", "late", "verdict"),
    [
        (False, False, True, False, "new"),
        (False, False, True, True, "invite-expired"),
        (True, False, True, False, "again"),
        (True, False, True, True, "invite-expired"),
        (True, False, False, False, "invite-claimed"),
        (True, False, False, True, "invite-expired"),
        (True, True, True, False, "again"),
        (True, True, True, True, "invite-used"),
        (True, True, False, False, "invite-used"),
        (True, True, False, True, "invite-used"),
    ],
)
def test_every_case_has_its_verdict(*, claimed: bool, used: bool, same: bool, late: bool, verdict: str) -> None:
    who = request() if same else request(b"b")
    one = issued(claimed=claimed, used=used)
    assert judge(one, who, END if late else END - 1) == verdict
    assert is_alarm(one, who) == (claimed and not same)


def test_the_same_signing_key_with_another_receiving_key_is_somebody_else() -> None:
    assert judge(issued(claimed=True), request(receive=b"q"), 0) == "invite-claimed"


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True), st.integers(0, 30))
def test_a_free_name_is_a_name_and_free(wish: str, others: int) -> None:
    taken = {wish}
    for _ in range(others):
        taken.add(free_name(wish, taken.__contains__))
    name = free_name(wish, taken.__contains__)
    assert is_name(name)
    assert name not in taken
    assert len(taken) == others + 1
