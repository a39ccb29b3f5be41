"""A pack comes out as it went in, in one of six sizes, and nothing else is taken for one."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.envelope import SEALED_BYTES
from agent.domain.keys import pae
from agent.links.mail import pack as packs
from agent.links.mail.pack import BUCKETS, HEAD_BYTES, ROOM, SEAL_BYTES, PackRefused, open_pack, room_for, seal_pack
from agent.wire.keys import Identity

ANNA, BERT = Identity.new("site", "anna"), Identity.new("site", "bert")
BERT_ELSEWHERE = Identity.of("elsewhere", "bert", *BERT.private_keys())
CODES = {"size", "pack", "not-mine", "seal", "padding"}
SIZES = {bucket + HEAD_BYTES + SEAL_BYTES for bucket in BUCKETS}
CONTAINERS = st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=20)


def packed(*containers: bytes, to: Identity = BERT) -> bytes:
    return seal_pack(containers, to.site, to.kid, to.receive)


def sealed_by_hand(padded: bytes, to: Identity = BERT) -> bytes:
    """A pack with the right seal around anything."""
    public = X25519PublicKey.from_public_bytes(to.receive)
    return packs.MAGIC + to.kid + packs._suite.encrypt(padded, public, info=pae("nmr1/mail", to.site, to.kid))


def refusal(pack: bytes, me: Identity = BERT) -> str:
    with pytest.raises(PackRefused) as refused:
        open_pack(pack, me)
    return refused.value.code


@given(CONTAINERS)
def test_what_goes_in_comes_out_and_only_six_sizes_are_seen(containers: list[bytes]) -> None:
    pack = packed(*containers)
    assert open_pack(pack, BERT) == containers
    assert len(pack) in SIZES


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_pack_is_filled_to_the_last_byte_and_the_next_byte_takes_the_next_size(bucket: int) -> None:
    full = [b"x" * SEALED_BYTES] * ((bucket - 4) // room_for(b"x" * SEALED_BYTES))
    left = bucket - 4 - sum(map(room_for, full)) - 4
    full = [*full, b"y" * left] if left > 0 else full
    assert len(packed(*full)) == bucket + HEAD_BYTES + SEAL_BYTES
    assert open_pack(packed(*full), BERT) == full
    if bucket == ROOM + 4:
        with pytest.raises(ValueError, match="do not fit"):
            packed(*full, b"z")
    else:
        assert len(packed(*full, b"z")) > bucket + HEAD_BYTES + SEAL_BYTES


@pytest.mark.parametrize("wrong", [[], [b""], [b"a", b""]])
def test_nothing_cannot_be_packed(wrong: list[bytes]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        packed(*wrong)


def test_only_its_recipient_at_this_site_opens_it() -> None:
    assert refusal(packed(b"for bert"), ANNA) == "not-mine"
    assert refusal(packed(b"for bert"), BERT_ELSEWHERE) == "seal"
    assert refusal(packs.MAGIC + ANNA.kid + packed(b"x")[HEAD_BYTES:], ANNA) == "seal"


@settings(max_examples=300)
@given(CONTAINERS, st.data())
def test_a_changed_pack_is_refused_and_never_more_than_that(containers: list[bytes], data: Any) -> None:
    pack = bytearray(packed(*containers))
    kind = data.draw(st.sampled_from(["bit", "cut", "longer", "zeros"]))
    at = data.draw(st.integers(0, len(pack) - 1))
    match kind:
        case "bit":
            pack[at] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            del pack[at:]
        case "longer":
            pack += b"\0" * (at + 1)
        case "zeros":
            pack[at:] = b"\0" * (len(pack) - at) if any(pack[at:]) else b"\1"
    assert refusal(bytes(pack)) in CODES


@given(st.binary(max_size=4000))
def test_anything_else_is_refused(noise: bytes) -> None:
    assert refusal(noise) in CODES
    assert refusal((packs.MAGIC + BERT.kid + noise).ljust(min(SIZES), b"\0")[: min(SIZES)]) in CODES


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=40)), max_size=6), st.binary(max_size=8))
def test_a_rightly_sealed_nonsense_is_taken_apart_in_one_way_only(pieces: list[tuple[int, bytes]], end: bytes) -> None:
    padded = b"".join(length.to_bytes(4, "big") + piece for length, piece in pieces) + end
    padded = padded[: BUCKETS[0]].ljust(BUCKETS[0], b"\0")
    try:
        containers = open_pack(sealed_by_hand(padded), BERT)
    except PackRefused:
        assert refusal(sealed_by_hand(padded)) == "padding"
    else:
        assert packs._padded(containers) == padded


@pytest.mark.parametrize(
    "padded",
    [
        b"\0" * BUCKETS[0],
        (b"\0\0\0\1a" + b"\0" * 4 + b"hidden").ljust(BUCKETS[0], b"\0"),
        (b"\0\0\0\1a").ljust(BUCKETS[1], b"\0"),
        b"\xff\xff\xff\xff".ljust(BUCKETS[0], b"x"),
        (2044).to_bytes(4, "big") + b"x" * 2044,
    ],
    ids=["nothing", "something behind the end", "larger than needed", "longer than there is", "no end"],
)
def test_padding_hides_nothing(padded: bytes) -> None:
    assert refusal(sealed_by_hand(padded)) == "padding"


def test_of_a_padding_that_is_not_looked_at_this_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "_bucket", lambda _content: BUCKETS[1])
    assert open_pack(sealed_by_hand(b"\0\0\0\1a".ljust(BUCKETS[1], b"\0")), BERT) == [b"a"]


def test_a_pack_of_more_containers_than_ours_can_have_is_not_taken_apart() -> None:
    most = [b"x"] * packs.MOST
    assert len(open_pack(packed(*most), BERT)) == packs.MOST
    assert refusal(packed(*most, b"x")) == "padding"
