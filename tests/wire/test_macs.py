"""The proofs are what the page of the wire says, made a second time from hashes alone, and each fits one place."""

import hmac
from collections.abc import Callable
from hashlib import sha256

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.messages import Ice
from agent.wire.macs import close_box, is_mac, mac, number, open_box, raw
from tests.wire.stage import FRESH, KEYS, handshake, renewing
from tests.wire.symbols import PAIR, chance

R = renewing("this")
H = handshake("this", keys=FRESH, held=Held(KEYS, FRESH))
"""Both protocols under the same keys: a MAC that fits in two places would do so here."""

GOLDEN_KEYS = ("ae4d53358dafed3c", "95980f5340591097", "519e3de7aba17658", "d962f937cf32d1dd")
GOLDEN_MACS = ("T8FXtTDOO9T5V1OwiAgTfLxicXxxKIGDrET9OUPzk7c", "PbaOdjAebZz2qyuG8rtADvWbkAyUUjZchoacLGw6IjI")

PLACES: dict[str, tuple[str, Callable[[str], str]]] = {
    "auth.hello": (H.a1.mac, lambda given: H.door(replace(H.a1, mac=given))),
    "auth.proof": (H.a2.mac, lambda given: H.proof(replace(H.a2, mac=given))),
    "auth.confirm": (H.a3.mac, lambda given: H.hub(replace(H.a3, mac=given))),
    "auth.ok": (H.a4.mac, lambda given: H.ok(replace(H.a4, mac=given))),
    "psk.hello": (R.hello.mac, lambda given: R.hears_hello(replace(R.hello, mac=given))),
    "psk.proof": (R.proof.mac, lambda given: R.hears_proof(replace(R.proof, mac=given))),
    "psk.offer": (R.offer.mac, lambda given: R.hears_offer(replace(R.offer, mac=given))),
    "psk.stored": (R.answer.mac, lambda given: R.hears_stored(replace(R.answer, mac=given))),
    "psk.use": (R.use.mac, lambda given: R.hears_use(replace(R.use, mac=given))),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("made_for", PLACES)
def test_a_mac_is_believed_in_its_own_place_only(made_for: str, place: str) -> None:
    assert (PLACES[place][1](PLACES[made_for][0]) == "in") == (made_for == place)


def _pae(*parts: bytes) -> bytes:
    return len(parts).to_bytes(8, "big") + b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869, one block."""
    return _hmac(_hmac(salt or bytes(32), secret), info + b"\x01")


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, sha256).digest()


SITE = _pae(b"nmr1", b"s1")
K = _hkdf(FRESH.psk, SITE, _pae(b"auth", b"anna", FRESH.psk_id))
K_B = _hkdf(KEYS.backup, SITE, _pae(b"renew", b"anna", KEYS.backup_id))
N_S, N_H = chance("this n_s"), chance("this n_h")
TH = sha256(
    _pae(b"nmr1/auth", b"s1", b"anna", b"h" * 16, FRESH.psk_id, number(2), N_S, N_H, number(FRESH.not_after))
).digest()
ROUND = R.hello.round.encode()
R_S, R_H = chance("this r_s"), chance("this r_h")
TH_R = sha256(_pae(b"nmr1/psk", b"s1", b"anna", b"h" * 16, KEYS.backup_id, number(1), R_S, R_H, ROUND)).digest()
UNTIL, TIME = number(H.a4.until), number(H.a4.hub_time)
KNOWN: dict[str, tuple[bytes, bytes]] = {
    "auth.hello": (K, _pae(b"hello", b"anna", FRESH.psk_id, number(2), N_S)),
    "auth.proof": (K, _pae(b"hub", TH)),
    "auth.confirm": (K, _pae(b"station", TH)),
    "auth.ok": (K, _pae(b"ok", TH, H.a4.session.encode(), UNTIL, TIME, b"cook")),
    "psk.hello": (K_B, _pae(b"renew", b"anna", KEYS.backup_id, number(1), R_S, ROUND)),
    "psk.proof": (K_B, _pae(b"hub", TH_R)),
    "psk.offer": (K_B, _pae(b"offer", TH_R, number(2), FRESH.psk_id, FRESH.backup_id, R.offer.box.encode())),
    "psk.stored": (
        K,
        _pae(
            b"stored", TH_R, number(2), FRESH.psk_id, FRESH.backup_id,
            number(R.answer.not_after), number(R.answer.life_ms),
        ),
    ),
    "psk.use": (K, _pae(b"use", ROUND, FRESH.psk_id)),
}  # fmt: skip


@pytest.mark.parametrize("place", KNOWN)
def test_a_mac_is_what_the_page_says(place: str) -> None:
    assert PLACES[place][0] == to_b64u(_hmac(*KNOWN[place]))


def test_servers_are_authenticated_under_a_label_of_their_own() -> None:
    ice = Ice(stun="stun:a:1", turn=("turn:b:2", "turn:c:3"), user="5:anna", password="secret", until=5000)
    ok = handshake("this", keys=FRESH, held=Held(KEYS, FRESH), ice=ice).a4
    said = _pae(b"ice", b"stun:a:1", _pae(b"turn", b"turn:b:2", b"turn:c:3"), b"5:anna", b"secret", number(5000))
    made = _hmac(K, _pae(b"ok+ice", TH, ok.session.encode(), UNTIL, TIME, said, b"cook"))
    assert ok.mac == to_b64u(made)
    assert "secret" not in repr(ok)


def test_no_place_is_left_out() -> None:
    assert set(KNOWN) == set(PLACES)


def test_these_values_stay_as_they_are() -> None:
    # Written down once: whoever changes them breaks every station that is enrolled.
    assert (K.hex()[:16], K_B.hex()[:16], TH.hex()[:16], TH_R.hex()[:16]) == GOLDEN_KEYS
    assert (PLACES["auth.hello"][0], PLACES["psk.use"][0]) == GOLDEN_MACS


def test_keys_are_derived_as_the_page_says() -> None:
    assert PAIR.psk_key(FRESH) == K
    assert PAIR.backup_key(KEYS) == K_B


def test_a_box_opens_only_with_its_key_in_its_round() -> None:
    box = close_box(K_B, TH_R, FRESH)
    assert open_box(K_B, TH_R, box) == (FRESH.psk, FRESH.backup)
    assert open_box(K_B, TH, box) is None
    assert open_box(K, TH_R, box) is None
    assert open_box(K_B, TH_R, to_b64u(from_b64u(box)[:-1] + b"x")) is None
    assert open_box(K_B, TH_R, "no base64url!") is None


def test_only_the_exact_text_of_a_mac_fits() -> None:
    made = mac(K, "label", b"part")
    assert is_mac(made, K, "label", b"part")
    assert not any(
        is_mac(given, K, "label", b"part") for given in ("", made[:-1], made + "=", made + "\n", made.lower())
    )
    assert not is_mac(made, K, "label", b"part", b"")
    assert not is_mac(made, K, "labelpart")


def test_what_is_no_base64url_is_no_bytes() -> None:
    assert raw("####") == raw("A") == raw("AAB") == b""
    assert raw(to_b64u(b"x")) == b"x"
