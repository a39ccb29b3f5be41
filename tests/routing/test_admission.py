"""What comes in: only exact, signed, current messages of members who may, for us; everything else has its code."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.domain.envelope import DAY_MS, LIFE_MS, SEALED_BYTES, Envelope
from agent.domain.events import Instant
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.names import HUB
from agent.routing.admission import REFUSALS, Admission, Admitted
from agent.routing.bucket import Buckets
from agent.wire.frame import FrameRefused, UnknownType, sign_frame
from agent.wire.keys import Identity
from agent.wire.seal import seal
from agent.wire.strict_json import encode
from tests.walks.members import NOW_MS, SITE, Members

NOW = Instant(100.0, NOW_MS, anchored=True)
MUTANTS = 20_000


@pytest.fixture(scope="module")
def members() -> Members:
    made = Members()
    made.add("front", "front-desk")
    made.add("kitchen", "kitchen")
    made.add("bar", "bar")
    made.add("wall", "display")
    made.add("gone", "front-desk")
    made.revoke("gone")
    return made


def envelope(**changes: object) -> Envelope:
    plain: dict[str, object] = {
        "v": 1,
        "site": SITE,
        "id": "0" * 32,
        "sender": "front",
        "to": {"role": "kitchen"},
        "type": "page.new",
        "at": NOW_MS,
        "exp": NOW_MS + LIFE_MS["page.new"],
        "re": None,
        "want": 2,
        "prio": 1,
        "head": (3, "A" * 22),
        "p": {"note": "please"},
    }
    return Envelope(**(plain | changes))  # type: ignore[arg-type]  # spoiled on purpose


def sealed(members: Members, frame: bytes, to: str = "kitchen") -> bytes:
    identity = members.people[to]
    return seal(frame, SITE, identity.kid, identity.receive)


def admit(
    members: Members, container: bytes, peer: str | None = "front", now: Instant = NOW, channel: str = ""
) -> Admitted:
    gate = Admission(members.people["kitchen"], Buckets(10_000_000, 10_000_000))
    return gate.admit("mqtt", peer, container, members.ledger, now, channel)


def refused(
    members: Members, container: bytes, peer: str | None = "front", now: Instant = NOW, channel: str = ""
) -> str:
    with pytest.raises(FrameRefused) as error:
        admit(members, container, peer, now, channel)
    return error.value.code


def signed(members: Members, signer: str = "front", **changes: object) -> bytes:
    return sealed(members, sign_frame(envelope(**changes), members.people[signer]))


def signed_body(members: Members, body: bytes, signer: str = "front") -> bytes:
    """A frame whose body no honest sender would write, with a good signature."""
    me = members.people[signer]
    header = to_b64u(b'{"alg":"Ed25519","kid":"%s","typ":"nmr+1"}' % to_b64u(me.kid).encode())
    text = f"{header}.{to_b64u(body)}".encode()
    return sealed(members, text + b"." + to_b64u(me.signing.sign(text)).encode())


def test_a_good_message_comes_in(members: Members) -> None:
    admitted = admit(members, signed(members))
    assert admitted.envelope == envelope()
    assert not admitted.expired


def test_every_refusal_has_its_code(members: Members) -> None:
    body = encode(_plain(envelope()))
    wrong_site = Identity.new("s2", "kitchen")
    cases: dict[str, str] = {
        "size": refused(members, b"x" * (SEALED_BYTES + 1)),
        "container": refused(members, b"junk"),
        "not-mine": refused(members, seal(b"frame", SITE, wrong_site.kid, wrong_site.receive)),
        "seal": refused(members, signed(members)[:-1]),
        "frame": refused(members, sealed(members, b"no frame")),
        "version": refused(members, sealed(members, _versioned(members))),
        "unknown-kid": refused(members, sealed(members, sign_frame(envelope(), Identity.new(SITE, "front")))),
        "revoked": refused(members, signed(members, "gone", sender="gone"), "gone"),
        "signature": refused(members, sealed(members, _bad_signature(members))),
        "json": refused(members, signed_body(members, body.replace(b'"v":1', b'"v":1,"v":1'))),
        "schema": refused(members, signed_body(members, body.replace(b'"note"', b'"nope"'))),
        "type": refused(members, signed(members, type="page.dance")),
        "site": refused(members, signed(members, site="s2")),
        "sender": refused(members, signed(members, sender="wall"), None),
        "link": refused(members, signed(members), "wall"),
        "channel": refused(members, signed(members), channel="auth"),
        "audience": refused(members, signed(members, to={"role": "front-desk"})),
        "life": refused(members, signed(members, exp=NOW_MS + LIFE_MS["page.new"] + 1)),
        "ahead": refused(members, signed(members, at=NOW_MS + 130_000, exp=NOW_MS + 140_000)),
        "expired": refused(members, _old_order(members)),
        "rights": refused(members, signed(members, "wall", sender="wall"), "wall"),
        "rate": _flood(members),
    }
    assert cases == {code: code for code in REFUSALS}


def test_deep_nesting_bad_utf8_and_unknown_keys_are_refused(members: Members) -> None:
    body = encode(_plain(envelope()))
    assert refused(members, signed_body(members, body.replace(b'"please"', b"[" * 50 + b"]" * 50))) == "json"
    assert refused(members, signed_body(members, body.replace(b"please", b"\xff\xfe"))) == "json"
    assert refused(members, signed_body(members, body.replace(b'"v":1', b'"v":1,"w":1'))) == "schema"
    assert refused(members, signed_body(members, body.replace(b'"please"', b'"%s"' % (b"x" * 5000)))) == "size"
    extended = admit(members, signed(members, p={"note": "x", "x": {"later": 1}}))
    assert extended.params.x == {"later": 1}


def test_an_expired_page_is_known_to_be_and_an_unanchored_clock_refuses_nothing(members: Members) -> None:
    late = Instant(100.0, NOW_MS + LIFE_MS["page.new"], anchored=True)
    assert admit(members, signed(members), now=late).expired
    lost = Instant(100.0, NOW_MS + 10**10, anchored=False)
    admitted = admit(members, signed(members), now=lost)
    assert admitted.unverified
    assert not admitted.expired


def test_what_the_hub_signed_later_says_what_is_over_where_it_never_told_the_time(members: Members) -> None:
    """A station that only mail reaches; what no clock could refuse would come in for ever."""
    life = LIFE_MS["page.new"]
    for signed_at, over in ((NOW_MS + life - 1, False), (NOW_MS + life, True)):
        now = Instant(100.0, NOW_MS - 10**10, anchored=False, least=signed_at)
        assert admit(members, signed(members), now=now).expired == over
    later = Instant(100.0, NOW_MS - 10**10, anchored=False, least=NOW_MS + 8 * DAY_MS)
    with pytest.raises(FrameRefused, match="expired"):
        admit(members, _old_order(members), now=later)


@pytest.mark.parametrize("wrong_by", [-315_360_000_000, -3_600_000, 3_600_000, 315_360_000_000])
def test_a_probe_comes_in_whatever_either_clock_says(members: Members, wrong_by: int) -> None:
    at = NOW_MS + wrong_by
    probe = signed(members, HUB, type="probe", sender=HUB, at=at, exp=at + LIFE_MS["probe"], p={"n": 1, "time": at})
    assert admit(members, probe, HUB).envelope.type == "probe"


@pytest.mark.parametrize("wrong_by", [-315_360_000_000, 3_600_000, 315_360_000_000])
def test_the_first_question_by_mail_comes_in_whatever_either_clock_says_and_nothing_else_does(
    members: Members, wrong_by: int
) -> None:
    """Its answer brings the time; were it refused, such a station could never page anybody."""
    at = NOW_MS + wrong_by
    ask = signed(members, type="ledger.get", at=at, exp=at + LIFE_MS["ledger.get"], p={"after": 1})
    assert admit(members, ask).envelope.type == "ledger.get"
    other = signed(members, type="order.list", at=at, exp=at + LIFE_MS["order.list"], p={})
    assert refused(members, other) == ("ahead" if wrong_by > 0 else "expired")


ROUND, TOKEN = "0" * 32, "A" * 43


def said_by_the_hub(members: Members, type_: str, wrong_by: int = 0) -> bytes:
    """A word of the hub about our keys, to us."""
    at = NOW_MS + wrong_by
    words: dict[str, dict[str, object]] = {
        "auth.refused": {"about": TOKEN, "code": "expired"},
        "psk.ready": {"round": ROUND},
        "psk.proof": {"round": ROUND, "n_s": TOKEN, "n_h": TOKEN, "mac": TOKEN},
        "ledger.head": {"seq": 1, "hash": TOKEN},
    }
    to = {"station": "kitchen"}
    life = LIFE_MS[type_]
    return signed(members, HUB, type=type_, sender=HUB, to=to, at=at, exp=at + life, want=0, p=words[type_])


@pytest.mark.parametrize(
    ("type_", "channel"),
    [
        ("auth.refused", "auth"),
        ("psk.ready", "auth"),
        ("psk.proof", f"psk/{ROUND}"),
        ("ledger.head", ""),
    ],
)
def test_a_proof_of_keys_comes_in_on_its_own_channel_and_on_no_other(
    members: Members, type_: str, channel: str
) -> None:
    said = said_by_the_hub(members, type_)
    assert admit(members, said, HUB, channel=channel).envelope.type == type_
    for other in {"", "auth", f"psk/{ROUND}", f"psk/{'1' * 32}"} - {channel}:
        assert refused(members, said, HUB, channel=other) == "channel"


def test_a_signal_comes_in_from_the_signaling_server_and_over_no_link(members: Members) -> None:
    life = LIFE_MS["signal.bye"]
    word = signed(
        members, type="signal.bye", to={"station": "kitchen"}, exp=NOW_MS + life, want=0, p={"pc": ROUND, "why": ""}
    )
    assert admit(members, word, channel="signal").envelope.type == "signal.bye"
    for other in ("", "auth", f"psk/{ROUND}"):
        assert refused(members, word, channel=other) == "channel"
    assert refused(members, signed(members), channel="signal") == "channel"


@pytest.mark.parametrize("wrong_by", [-315_360_000_000, 315_360_000_000])
def test_a_proof_of_keys_comes_in_whatever_either_clock_says(members: Members, wrong_by: int) -> None:
    """Its nonces say whether it is new, and a station with a wrong clock must get to the hub that sets it."""
    admitted = admit(members, said_by_the_hub(members, "auth.refused", wrong_by), HUB, channel="auth")
    assert admitted.envelope.type == "auth.refused"


def test_nobody_but_the_hub_speaks_to_stations_about_keys(members: Members) -> None:
    word = signed(members, type="psk.ready", to={"station": "kitchen"}, exp=NOW_MS + 1000, want=0, p={"round": ROUND})
    assert refused(members, word, channel="auth") == "rights"


def test_what_we_signed_ourselves_does_not_come_back_to_us(members: Members) -> None:
    """A colleague can seal our own page for us; on a link that names no peer only this check is left."""
    assert refused(members, signed(members, "kitchen", sender="kitchen"), None) == "sender"


def test_a_member_of_another_type_of_message_is_known_and_a_stranger_to_us_is_not(members: Members) -> None:
    with pytest.raises(UnknownType) as told:
        admit(members, signed(members, type="page.dance"))
    assert told.value.envelope.sender == "front"
    assert refused(members, signed(members, type="page.dance", to={"role": "front-desk"})) == "audience"


def mutate(data: bytes, random: Random) -> bytes:
    """Flip, drop, insert, swap or cut, one to three times."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(changed))
        deed = random.randrange(6)
        if deed == 0:
            changed[at] ^= 1 << random.randrange(8)
        elif deed == 1:
            del changed[at]
        elif deed == 2:
            changed.insert(at, random.randrange(256))
        elif deed == 3:
            other = random.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
        elif deed == 4:
            del changed[at : at + random.randint(1, 40)]
        else:
            changed[at:at] = changed[at : at + random.randint(1, 40)]
        if not changed:
            return b""
    return bytes(changed)


def outcome(members: Members, container: bytes) -> str:
    """The code a container is refused with, or "" when it is admitted."""
    try:
        admit(members, container)
    except FrameRefused as error:
        return error.code
    return ""


def count_accepted(members: Members, mutants: int, seed: int, make: Callable[[bytes], bytes], data: bytes) -> int:
    """How many of the mutants are admitted; anything but a refusal fails the test by itself."""
    random, accepted, codes = Random(seed), 0, set[str]()
    for _ in range(mutants):
        mutant = mutate(data, random)
        if mutant == data:
            continue
        code = outcome(members, make(mutant))
        codes.add(code)
        accepted += code == ""
    assert codes <= {"", *REFUSALS}
    return accepted


def test_no_mutated_container_is_accepted(members: Members) -> None:
    assert count_accepted(members, MUTANTS, 1, bytes, signed(members)) == 0


def test_no_mutated_frame_is_accepted(members: Members) -> None:
    frame = sign_frame(envelope(), members.people["front"])
    assert count_accepted(members, MUTANTS, 2, lambda mutant: sealed(members, mutant), frame) == 0


def test_the_mutants_would_be_found_without_the_signature(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weakened gate lets mutants in, so the tests above can fail."""
    monkeypatch.setattr("agent.routing.admission.verify", lambda parts, sign: None)
    frame = sign_frame(envelope(), members.people["front"])
    assert count_accepted(members, 3000, 2, lambda mutant: sealed(members, mutant), frame) > 0


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=2000))
def test_no_bytes_of_a_stranger_do_anything_but_be_refused(members: Members, data: bytes) -> None:
    assert refused(members, data) in REFUSALS
    assert refused(members, sealed(members, data)) in REFUSALS
    assert refused(members, signed_body(members, data)) in REFUSALS


def _plain(envelope_: Envelope) -> dict[str, object]:
    from msgspec import to_builtins

    plain = to_builtins(envelope_)
    assert isinstance(plain, dict)
    return plain


def _versioned(members: Members) -> bytes:
    header, body, signature = sign_frame(envelope(), members.people["front"]).split(b".")
    later = from_b64u(header.decode()).replace(b"nmr+1", b"nmr+2")
    return b".".join([to_b64u(later).encode(), body, signature])


def _bad_signature(members: Members) -> bytes:
    head, _, signature = sign_frame(envelope(), members.people["front"]).rpartition(b".")
    raw = bytearray(from_b64u(signature.decode()))
    raw[0] ^= 1
    return head + b"." + to_b64u(bytes(raw)).encode()


def _old_order(members: Members) -> bytes:
    stamp = [NOW_MS, 0, "front"]
    put = {"uuid": "1" * 32, "kind": "order", "fields": {"title": ["soup", stamp]}}
    return signed(members, type="order.put", to={"all": True}, at=NOW_MS - 1000, exp=NOW_MS - 1, p=put)


def _flood(members: Members) -> str:
    gate = Admission(members.people["kitchen"], Buckets(1, 2))
    for _ in range(2):
        gate.admit("mqtt", "front", signed(members), members.ledger, NOW)
    with pytest.raises(FrameRefused) as error:
        gate.admit("mqtt", "front", signed(members), members.ledger, NOW)
    other = gate.admit("mqtt", "bar", signed(members, "bar", sender="bar"), members.ledger, NOW)
    assert other.envelope.sender == "bar"
    return error.value.code
