"""Nobody without the keys is believed, whatever they say, repeat, mix or leave out."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.events import Instant, Woke
from agent.domain.messages import AuthOk, AuthRefused, Ice
from agent.wire.acts import Fail
from agent.wire.hello.hub import Doors
from agent.wire.hello.station import hello
from agent.wire.macs import Pair, mac, number
from agent.wire.renewal.hub import Round
from tests.wire.stage import FRESH, KEYS, OTHER, handshake, renewing
from tests.wire.symbols import NOW_MS, PAIR, bundle, chance, later

H, R = handshake("this"), renewing("this")
OLD_H, OLD_R = handshake("older"), renewing("older", fresh=bundle("fresh before", gen=2))
FALSE = replace(KEYS, psk=chance("guessed"), backup=chance("guessed backup"))
NO_HUB, NO_ROUND = handshake("this", FALSE), renewing("this", FALSE)
BEN, ELSEWHERE, OTHER_HUB = (
    Pair("s1", "ben", PAIR.hub_kid),
    Pair("s2", "anna", PAIR.hub_kid),
    Pair("s1", "anna", b"x" * 16),
)
ICE = Ice(stun="stun:here:3478", turn=("turn:here:3478",), user="1:anna", password="pass", until=NOW_MS)
WITH_ICE = handshake("this", ice=ICE)
LATER_GEN = handshake("this", replace(KEYS, gen=2))
BOTH = Held(KEYS, FRESH)
EXPIRED = Instant(0.0, KEYS.not_after)


def _loose(text: str) -> str:
    """Return the same bytes in base64url that is not canonical."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) ^ 1]


def _gave_up(state: Any, now: Instant) -> str:
    return next(act.code for act in hello(state, Woke(), now)[1] if isinstance(act, Fail))


def _ice(**altered: Any) -> AuthOk:
    ok: AuthOk = replace(WITH_ICE.a4, ice=replace(ICE, **altered))
    return ok


def _refused(about: str, code: str = "unknown") -> AuthRefused:
    return AuthRefused(about=about, code=code)


def _renamed() -> str:
    return H.door(replace(H.a1, psk_id=handshake(keys=FRESH).a1.psk_id), BOTH)


Attack = tuple[str, Callable[[], str], str]
"""What is tried, how, and what becomes of it."""

ON_THE_PROOF: list[Attack] = [
    ("a hub with another PSK", lambda: H.proof(NO_HUB.a2), "invalid"),
    ("the station's own hello reflected", lambda: H.proof(replace(H.a2, mac=H.a1.mac)), "invalid"),
    ("the station's confirm as the hub's proof", lambda: H.proof(replace(H.a2, mac=H.a3.mac)), "invalid"),
    ("a proof of another session", lambda: H.proof(OLD_H.a2), "ignored"),
    ("a proof of another session under this nonce", lambda: H.proof(replace(OLD_H.a2, n_s=H.a2.n_s)), "invalid"),
    ("another nonce of the hub", lambda: H.proof(replace(H.a2, n_h=OLD_H.a2.n_h)), "invalid"),
    ("the hub repeats the station's nonce", lambda: H.proof(replace(H.a2, n_h=H.a2.n_s)), "invalid"),
    ("nonces swapped", lambda: H.proof(replace(H.a2, n_s=H.a2.n_h, n_h=H.a2.n_s)), "ignored"),
    ("not_after altered", lambda: H.proof(replace(H.a2, not_after=H.a2.not_after + 1)), "invalid"),
    ("the proof for another station", lambda: H.proof(handshake("this", station=BEN).a2), "invalid"),
    ("the proof of another site", lambda: H.proof(handshake("this", station=ELSEWHERE).a2), "invalid"),
    ("a hub with another signing key", lambda: H.proof(handshake("this", station=OTHER_HUB).a2), "invalid"),
    ("the proof for another generation", lambda: H.proof(LATER_GEN.a2), "invalid"),
    ("the pending key's proof for the current one", lambda: H.proof(handshake("this", FRESH).a2), "invalid"),
    ("a truncated MAC", lambda: H.proof(replace(H.a2, mac=H.a2.mac[:-1])), "invalid"),
    ("an empty MAC", lambda: H.proof(replace(H.a2, mac="")), "invalid"),
    ("a MAC that is not canonical", lambda: H.proof(replace(H.a2, mac=_loose(H.a2.mac))), "invalid"),
    ("a padded MAC", lambda: H.proof(replace(H.a2, mac=H.a2.mac + "=")), "invalid"),
    ("a MAC with a line break", lambda: H.proof(replace(H.a2, mac=H.a2.mac + "\n")), "invalid"),
    ("a nonce that is not canonical", lambda: H.proof(replace(H.a2, n_s=_loose(H.a2.n_s))), "ignored"),
    ("a yes before any proof", lambda: H.proof(H.a4), "ignored"),
    ("a refusal of another nonce", lambda: H.proof(_refused(OLD_H.a1.n_s)), "ignored"),
    ("a refusal by a stolen signing key", lambda: H.proof(_refused(H.a1.n_s)), "unknown"),
    ("a hub that stays silent", lambda: _gave_up(H.asked, later(120)), "timeout"),
]
ON_THE_YES: list[Attack] = [
    ("until altered", lambda: H.ok(replace(H.a4, until=H.a4.until + 1)), "invalid"),
    ("hub_time altered", lambda: H.ok(replace(H.a4, hub_time=H.a4.hub_time + 1)), "invalid"),
    ("session altered", lambda: H.ok(replace(H.a4, session=OLD_H.a4.session)), "invalid"),
    ("roles altered", lambda: H.ok(replace(H.a4, roles=("lead",))), "invalid"),
    ("roles added", lambda: H.ok(replace(H.a4, roles=(*H.a4.roles, "lead"))), "invalid"),
    ("servers added", lambda: H.ok(replace(H.a4, ice=ICE)), "invalid"),
    ("servers taken out", lambda: WITH_ICE.ok(replace(WITH_ICE.a4, ice=None)), "invalid"),
    ("another STUN server", lambda: WITH_ICE.ok(_ice(stun="stun:elsewhere:1")), "invalid"),
    ("another TURN server", lambda: WITH_ICE.ok(_ice(turn=("turn:elsewhere:1",))), "invalid"),
    ("one TURN server less", lambda: WITH_ICE.ok(_ice(turn=())), "invalid"),
    ("another user there", lambda: WITH_ICE.ok(_ice(user="2:ben")), "invalid"),
    ("another password there", lambda: WITH_ICE.ok(_ice(password="x")), "invalid"),
    ("user and password shifted", lambda: WITH_ICE.ok(_ice(user="1:ann", password="apass")), "invalid"),
    ("servers that are good for longer", lambda: WITH_ICE.ok(_ice(until=ICE.until + 1)), "invalid"),
    ("a yes of another session", lambda: H.ok(OLD_H.a4), "ignored"),
    ("a yes of another session under this nonce", lambda: H.ok(replace(OLD_H.a4, n_s=H.a4.n_s)), "invalid"),
    ("the proof's MAC in the yes", lambda: H.ok(replace(H.a4, mac=H.a2.mac)), "invalid"),
    ("the confirm reflected as a yes", lambda: H.ok(replace(H.a4, mac=H.a3.mac)), "invalid"),
    ("a second proof", lambda: H.ok(OLD_H.a2), "ignored"),
    ("a refusal of another session", lambda: H.ok(_refused(OLD_H.a1.n_s)), "ignored"),
    ("a hub that falls silent", lambda: _gave_up(H.confirmed, later(120)), "timeout"),
]
ON_THE_HUB: list[Attack] = [
    ("a station with another PSK", lambda: H.door(NO_HUB.a1), "invalid"),
    ("a key that nobody has", lambda: H.door(handshake(keys=OTHER).a1), "unknown"),
    ("another station's hello", lambda: H.door(handshake("this", station=BEN).a1), "invalid"),
    ("a hello of another site", lambda: H.door(handshake("this", station=ELSEWHERE).a1), "invalid"),
    ("a hello of another generation", lambda: H.door(replace(H.a1, gen=2)), "invalid"),
    ("a hello with another nonce", lambda: H.door(replace(H.a1, n_s=OLD_H.a1.n_s)), "invalid"),
    ("a hello without a MAC", lambda: H.door(replace(H.a1, mac="")), "invalid"),
    ("the proof's MAC in a hello", lambda: H.door(replace(H.a1, mac=H.a2.mac)), "invalid"),
    ("an expired key", lambda: H.door(H.a1, now=EXPIRED), "expired"),
    ("the pending key's name on the current one", _renamed, "invalid"),
    ("a key that was replaced", lambda: H.door(H.a1, Held(FRESH)), "replaced"),
    ("a key newer than the hub's", lambda: H.door(handshake(keys=bundle("newer", gen=3)).a1), "restored"),
    ("the hub's own proof reflected", lambda: H.hub(replace(H.a3, mac=H.a2.mac)), "invalid"),
    ("the hello's MAC in the confirm", lambda: H.hub(replace(H.a3, mac=H.a1.mac)), "invalid"),
    ("a confirm with another PSK", lambda: H.hub(NO_HUB.a3), "invalid"),
    ("a confirm with the pending key", lambda: H.hub(handshake("this", FRESH).a3), "invalid"),
    ("a confirm of another session", lambda: H.hub(OLD_H.a3), "again"),
    ("a confirm of another session under this nonce", lambda: H.hub(replace(OLD_H.a3, n_s=H.a3.n_s)), "again"),
    ("an old confirm under both nonces", lambda: H.hub(replace(H.a3, mac=OLD_H.a3.mac)), "invalid"),
    ("a confirm with nonces swapped", lambda: H.hub(replace(H.a3, n_s=H.a3.n_h, n_h=H.a3.n_s)), "again"),
    ("a confirm after the hub began anew", lambda: H._replace(answered=Doors(PAIR)).hub(H.a3), "again"),
    ("a confirm of a key replaced meanwhile", lambda: H._replace(held=Held(FRESH)).hub(H.a3), "replaced"),
]
ON_THE_RENEWAL: list[Attack] = [
    ("a hub with another backup", lambda: R.hears_proof(NO_ROUND.proof), "invalid-backup"),
    ("the hello reflected as a proof", lambda: R.hears_proof(replace(R.proof, mac=R.hello.mac)), "invalid-backup"),
    ("a proof of another round", lambda: R.hears_proof(OLD_R.proof), "ignored"),
    ("an old proof under this round", lambda: R.hears_proof(_as(OLD_R.proof, R.proof)), "invalid-backup"),
    ("another nonce in the round", lambda: R.hears_proof(replace(R.proof, n_h=OLD_R.proof.n_h)), "invalid-backup"),
    ("stored before any offer", lambda: R.hears_proof(R.answer), "ignored"),
    ("a refusal of another round", lambda: R.hears_proof(_refused(OLD_R.hello.round)), "ignored"),
    ("stored by who has the old key only", lambda: R.hears_stored(replace(R.answer, mac=_by_old_key())), "invalid-new"),
    ("stored in another round", lambda: R.hears_stored(OLD_R.answer), "ignored"),
    (
        "an old stored in this round",
        lambda: R.hears_stored(replace(OLD_R.answer, round=R.answer.round)),
        "invalid-new",
    ),
    ("stored for longer", lambda: R.hears_stored(replace(R.answer, not_after=NOW_MS * 2)), "invalid-new"),
    ("stored for another life", lambda: R.hears_stored(replace(R.answer, life_ms=1)), "invalid-new"),
    ("stored with the offer's MAC", lambda: R.hears_stored(replace(R.answer, mac=R.offer.mac)), "invalid-new"),
    ("a station with another backup", lambda: R.hears_hello(NO_ROUND.hello), "invalid-backup"),
    ("a backup that nobody has", lambda: R.hears_hello(renewing(keys=OTHER).hello), "unknown"),
    ("a hello for another round", lambda: R.hears_hello(replace(R.hello, round=OLD_R.hello.round)), "invalid-backup"),
    ("a round's hello of another generation", lambda: R.hears_hello(replace(R.hello, gen=2)), "invalid-backup"),
    ("an offer of another round", lambda: R.hears_offer(OLD_R.offer), "again"),
    ("an old offer under this round", lambda: R.hears_offer(replace(OLD_R.offer, round=R.offer.round)), "again"),
    ("a box of another round", lambda: R.hears_offer(replace(R.offer, box=OLD_R.offer.box)), "again"),
    ("an offer of an older generation", lambda: R.hears_offer(_of_gen(1)), "again"),
    ("an offer far ahead", lambda: R.hears_offer(_of_gen(9)), "again"),
    ("an offer under another name", lambda: R.hears_offer(replace(R.offer, psk_id=OLD_R.offer.psk_id)), "again"),
    (
        "an offer of another backup",
        lambda: R.hears_offer(replace(R.offer, backup_id=R.hello.backup_id)),
        "again",
    ),
    ("an offer after the hub began anew", lambda: R.hears_offer(R.offer, Round(PAIR)), "again"),
    ("a second offer in the round", lambda: R.hears_offer(replace(R.offer, box=OLD_R.offer.box), R.stored), "ignored"),
    ("use of another bundle", lambda: R.hears_use(OLD_R.use), "ignored"),
    ("use with the hub's own MAC", lambda: R.hears_use(replace(R.use, mac=R.answer.mac)), "ignored"),
    ("use for another round", lambda: R.hears_use(replace(R.use, round=OLD_R.use.round)), "ignored"),
    ("use of what is not pending", lambda: R.hears_use(R.use, R.held), "ignored"),
]
ATTACKS = [*ON_THE_PROOF, *ON_THE_YES, *ON_THE_HUB, *ON_THE_RENEWAL]


def _as(old: Any, new: Any) -> Any:
    return replace(old, round=new.round, n_s=new.n_s)


def _by_old_key() -> str:
    assert R.offered.th
    parts = (number(2), FRESH.psk_id, FRESH.backup_id, number(R.answer.not_after), number(R.answer.life_ms))
    return mac(PAIR.psk_key(KEYS), "stored", R.offered.th, *parts)


def _of_gen(gen: int) -> Any:
    """An offer that holds the backup, by a station set back or gone mad."""
    key, offer = PAIR.backup_key(KEYS), R.offer
    made = mac(key, "offer", R.offered.th, number(gen), FRESH.psk_id, FRESH.backup_id, offer.box)
    return replace(offer, gen=gen, mac=made)


def test_without_an_attack_everything_is_believed() -> None:
    assert [H.door(H.a1), H.proof(H.a2), H.hub(H.a3), H.ok(H.a4)] == ["in"] * 4
    assert [R.hears_hello(R.hello), R.hears_proof(R.proof), R.hears_offer(R.offer)] == ["in"] * 3
    assert [R.hears_stored(R.answer), R.hears_use(R.use)] == ["in"] * 2


@pytest.mark.parametrize(("attack", "outcome"), [pytest.param(a, o, id=name) for name, a, o in ATTACKS])
def test_an_attack_is_not_believed(attack: Callable[[], str], outcome: str) -> None:
    assert outcome != "in"
    assert attack() == outcome


def test_these_attacks_are_many_and_each_has_its_own_name() -> None:
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS) >= 40


def test_machines_that_compare_no_macs_are_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("hello.station", "hello.hub", "renewal.station", "renewal.hub"):
        monkeypatch.setattr(f"agent.wire.{room}.is_mac", lambda *_: True)
    taken = {name for name, attack, _ in ATTACKS if attack() == "in"}
    assert len(taken) >= 40
    assert {"a hub with another PSK", "roles altered", "stored for longer", "use for another round"} <= taken
