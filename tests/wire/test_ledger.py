"""The log of members is exactly what its publisher wrote: every other byte is refused, and refused politely."""

from random import Random

import pytest

from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.messages import LedgerPart
from agent.domain.names import HUB
from agent.wire.frame import FrameRefused
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry, read_head
from tests.walks.crowd import Clock, Node, signed_head
from tests.walks.members import SITE, Members

MUTANTS = 16_500
FITTING = 1_000
HEADS = 2_000
PARTS = 500


@pytest.fixture(scope="module")
def members() -> Members:
    made = Members()
    made.add("front", "front-desk", person="anna")
    made.add("kitchen", "kitchen", person="ben")
    made.revoke("front")
    return made


def states(members: Members) -> list[Ledger]:
    """The ledger before each entry."""
    ledger, before = Ledger(SITE), []
    for frame in members.frames:
        before.append(ledger)
        ledger = read_entry(ledger, frame)
    return before


def accepted(ledger: Ledger, frame: bytes) -> bool:
    try:
        read_entry(ledger, frame)
    except (FrameRefused, LedgerRefused):
        return False
    return True


def test_no_mutated_entry_is_accepted(members: Members) -> None:
    random, before = Random(1), states(members)
    for _ in range(MUTANTS):
        at = random.randrange(len(before))
        frame = bytearray(members.frames[at])
        frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)
        assert not accepted(before[at], bytes(frame))


def test_no_entry_is_accepted_in_another_place(members: Members) -> None:
    for at, ledger in enumerate(states(members)):
        others = [frame for number, frame in enumerate(members.frames) if number != at]
        assert not any(accepted(ledger, frame) for frame in others)


def fitting(random: Random) -> tuple[Ledger, bytes]:
    """A ledger, and an entry that follows in all but its signature: of a member, of one that was shown out, with a key
    that was replaced, of a stranger, of the hub under another entry; under its own name or the publisher's.
    """
    members = Members()
    old = members.add("front", "front-desk")
    members.revoke("front")
    signers = [old, members.add("front", "lead"), members.add("kitchen", "kitchen"), Identity.new(SITE, HUB)]
    written: list[tuple[str, str, dict[str, object]]] = [
        ("member.add", "spy", {"person": "spy", "roles": ["lead"], **keys(random.randrange(200))}),
        ("member.revoke", "kitchen", {}),
        ("member.roles", "front", {"roles": ["kitchen"]}),
        ("member.mail", HUB, {"mail": "spy@example.com"}),
    ]
    op, subject, value = random.choice(written)
    frame = members.entry(op, subject, value, random.choice(signers))
    header, body, signature = frame.split(b".")
    theirs, _, hubs = members.frames[-1].split(b".")
    return members.ledger, random.choice(
        [frame, b".".join([theirs, body, signature]), b".".join([theirs, body, hubs]), b".".join([header, body, hubs])]
    )


def test_no_entry_is_accepted_that_fits_in_all_but_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(4)
    made = [fitting(random) for _ in range(FITTING)]
    assert not any(accepted(ledger, frame) for ledger, frame in made)
    monkeypatch.setattr("agent.wire.ledger.verify", lambda parts, sign: None)
    kept_out_by_it_alone = sum(accepted(ledger, frame) for ledger, frame in made)
    assert kept_out_by_it_alone > FITTING / 3


def test_mutants_would_be_accepted_without_the_signature(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.wire.ledger.verify", lambda parts, sign: None)
    with pytest.raises(AssertionError):
        test_no_mutated_entry_is_accepted(members)


@pytest.mark.parametrize("sign", ["", "AAAA", "A" * 43, "!", "A" * 200])
def test_a_genesis_with_no_key_in_it_is_refused(members: Members, sign: str) -> None:
    frame = Members().entry("genesis", HUB, {"sign": sign, "receive": to_b64u(b"r" * 32)}, seq=1)
    assert not accepted(Ledger(SITE), frame)


def keys(number: int) -> dict[str, object]:
    return {"sign": to_b64u(bytes([number]) * 32), "receive": to_b64u(bytes([number + 1]) * 32)}


def test_no_mutated_head_is_read_and_none_of_somebody_else(members: Members) -> None:
    random, frame = Random(2), signed_head(members, members.ledger)
    assert read_head(members.ledger, frame).hash == members.ledger.head
    for _ in range(HEADS):
        spoiled = bytearray(frame)
        spoiled[random.randrange(len(frame))] ^= 1 << random.randrange(8)
        with pytest.raises(FrameRefused):
            read_head(members.ledger, bytes(spoiled))
    for other in (members.frames[1], signed_head(Members(), members.ledger)):
        with pytest.raises(FrameRefused):
            read_head(members.ledger, other)


def test_no_spoiled_part_brings_what_the_publisher_did_not_write() -> None:
    """Bits turned, entries left out, doubled, moved or made up: what is taken is always a beginning of the log."""
    members, random = Members(), Random(3)
    for number in range(12):
        members.add(f"desk-{number}", "kitchen")
    stranger = members.entry("member.revoke", "desk-1", {}, signer=members.people["desk-2"]).decode()
    hashes = [ledger.head for ledger in [*states(members)[1:], members.ledger]]
    for _ in range(PARTS):
        node = Node("desk-0", members.frames[0], Clock())
        texts = [frame.decode() for frame in members.frames]
        _spoil(texts, random, stranger)
        node.hear(HUB, LedgerPart(entries=tuple(texts)))
        assert node.ledger.head == hashes[node.ledger.seq - 1]
        assert not node.frozen


def _spoil(texts: list[str], random: Random, stranger: str) -> None:
    at = random.randrange(len(texts))
    match random.randrange(5):
        case 0:
            spot = random.randrange(len(texts[at]))
            texts[at] = texts[at][:spot] + chr(ord(texts[at][spot]) ^ 1 << random.randrange(7)) + texts[at][spot + 1 :]
        case 1:
            del texts[at]
        case 2:
            random.shuffle(texts)
        case 3:
            texts.insert(at, texts[random.randrange(len(texts))])
        case _:
            texts.insert(at, stranger)
