"""The hub's side of the renewal: one round with each station, and what it leaves on disk."""

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.bundle import LIFE_MS, Bundle, Held
from agent.domain.events import Instant, Woke
from agent.domain.keys import to_b64u
from agent.domain.messages import (
    AuthRefused,
    PskFailed,
    PskHello,
    PskOffer,
    PskProof,
    PskReady,
    PskRequest,
    PskStored,
    PskUse,
)
from agent.wire.acts import AUTH, TIMES, Act, Hold, Row, Say, Table, Times, Wake, channel_of
from agent.wire.macs import Pair, is_mac, mac, number, open_box, raw


class Requested(Struct, frozen=True):
    """A request came."""

    request: PskRequest


class Greeted(Struct, frozen=True):
    """A hello came; `chance` are 32 fresh bytes."""

    hello: PskHello
    chance: bytes


class Offered(Struct, frozen=True):
    """An offer came; `life_ms` is how long keys are good at this site."""

    offer: PskOffer
    life_ms: int = LIFE_MS


class Used(Struct, frozen=True):
    """The station says that it has the new keys on disk."""

    use: PskUse


class Failed(Struct, frozen=True):
    """The station says that our proof was wrong."""

    failed: PskFailed


class Round(Struct, frozen=True):
    """The hub's side: the one round with a station that is alive, if any."""

    pair: Pair
    times: Times = TIMES
    phase: str = "none"
    round: str = ""
    n_s: bytes = b""
    bundle: Bundle | None = None
    th: bytes = b""
    answer: Say | None = None
    offer: PskOffer | None = None
    until: float = 0.0


HubStep = tuple[Round, list[Act]]


def hub_renewal(state: Round, held: Held, event: object, now: Instant) -> HubStep:
    """The hub's next step with one station."""
    return HUB[state.phase, type(event)].step(state, event, now, held)


def _welcome(state: Round, event: Requested, *_: object) -> HubStep:
    """Say that we listen; nothing else comes of a request."""
    return state, [Say("psk.ready", PskReady(round=event.request.round), AUTH)]


def _prove(state: Round, event: Greeted, now: Instant, held: Held) -> HubStep:
    """Show that we hold the backup. Who comes with the pending one has it on disk: it becomes the current one."""
    hello, n_s, backup_id = event.hello, raw(event.hello.n_s), raw(event.hello.backup_id)
    if (hello.round, n_s) == (state.round, state.n_s) and state.answer is not None:
        # In "stored" the answer is the word that the new keys are on disk, and nothing here has made sure of it.
        return state, [state.answer] if state.phase == "proven" else []
    bundle = held.of_backup(backup_id)
    if bundle is None:
        return _refuse(state, hello.round, held.refusal(hello.gen))
    key, pair = state.pair.backup_key(bundle), state.pair
    said = is_mac(hello.mac, key, "renew", pair.station, backup_id, number(hello.gen), n_s, hello.round)
    if hello.gen != bundle.gen or not said:
        return _refuse(state, hello.round, "invalid-backup")
    th = pair.round_hash(bundle, n_s, event.chance, hello.round)
    proof = PskProof(round=hello.round, n_s=hello.n_s, n_h=to_b64u(event.chance), mac=mac(key, "hub", th))
    answer, until = Say("psk.proof", proof, channel_of(hello.round)), now.mono + state.times.wait
    promoted = [Hold(bundle, None)] if bundle is held.pending else []
    state = Round(state.pair, state.times, "proven", hello.round, n_s, bundle, th, answer, until=until)
    return state, [*promoted, answer, Wake(until)]


def _keep(state: Round, event: Offered, now: Instant, held: Held) -> HubStep:
    """Keep new keys beside the current ones, and say so with the new PSK when they are on disk."""
    offer, bundle = event.offer, state.bundle
    assert bundle is not None
    if offer.round != state.round or held.current.backup_id != bundle.backup_id:
        return state, [_refusal(offer.round, "again")]
    fresh = _opened(state, offer, bundle, now.ms + event.life_ms, event.life_ms)
    if fresh is None:
        # Its hello was right, so it holds the backup: it answers a nonce of another run of ours.
        return state, [_refusal(offer.round, "again")]
    parts = (number(fresh.gen), fresh.psk_id, fresh.backup_id, number(fresh.not_after), number(fresh.life_ms))
    proven = mac(state.pair.psk_key(fresh), "stored", state.th, *parts)
    stored = PskStored(round=state.round, gen=fresh.gen, not_after=fresh.not_after, life_ms=fresh.life_ms, mac=proven)
    answer = Say("psk.stored", stored, channel_of(state.round))
    return replace(state, phase="stored", answer=answer, offer=offer), [Hold(held.current, fresh), answer]


def _opened(state: Round, offer: PskOffer, bundle: Bundle, not_after: int, life_ms: int) -> Bundle | None:
    """Return the bundle that is offered, or None if it is not made for this round by who holds the backup."""
    key, psk_id, backup_id = state.pair.backup_key(bundle), raw(offer.psk_id), raw(offer.backup_id)
    if offer.gen != bundle.gen + 1:
        return None
    if not is_mac(offer.mac, key, "offer", state.th, number(offer.gen), psk_id, backup_id, offer.box):
        return None
    keys = open_box(key, state.th, offer.box)
    fresh = None if keys is None else Bundle(offer.gen, psk_id, keys[0], not_after, backup_id, keys[1], life_ms)
    return fresh if fresh is not None and fresh.whole else None


def _kept_already(state: Round, event: Offered, _: Instant, held: Held) -> HubStep:
    """The same offer again: our answer was lost. Another one in the same round is none of this station's.

    Not before it is on disk, which it may not have been the first time.
    """
    if event.offer != state.offer or state.answer is None:
        return state, []
    return state, [Hold(held.current, held.pending), state.answer]


def _no_round(state: Round, event: Offered, *_: object) -> HubStep:
    """An offer in a round that is not alive: our run that knew it has ended. Let it begin anew at once."""
    return state, [_refusal(event.offer.round, "again")]


def _promote(state: Round, event: Used, _: Instant, held: Held) -> HubStep:
    pending, use = held.pending, event.use
    if pending is None or raw(use.psk_id) != pending.psk_id:
        return state, []
    if not is_mac(use.mac, state.pair.psk_key(pending), "use", use.round, pending.psk_id):
        return state, []
    return Round(state.pair, state.times), [Hold(pending, None)]


def _give_up(state: Round, event: Failed, *_: object) -> HubStep:
    return (Round(state.pair, state.times) if event.failed.round == state.round else state), []


def _close(state: Round, _: Woke, now: Instant, __: Held) -> HubStep:
    return (Round(state.pair, state.times) if now.mono >= state.until else state), []


def _refuse(state: Round, round_: str, code: str) -> HubStep:
    """Refuse one attempt; a round of somebody else's making does not end the one that is alive."""
    return state, [_refusal(round_, code)]


def _refusal(round_: str, code: str) -> Say:
    return Say("auth.refused", AuthRefused(about=round_, code=code), channel_of(round_))


def _wait_on(state: Round, *_: object) -> HubStep:
    """It means nothing here."""
    return state, []


HUB_PHASES = ("none", "proven", "stored")
HUB_EVENTS = (Requested, Greeted, Offered, Used, Failed, Woke)

HUB: Table = {
    **{(phase, Requested): Row(_welcome, (phase,)) for phase in HUB_PHASES},
    **{(phase, Greeted): Row(_prove, (phase, "proven")) for phase in HUB_PHASES},
    **{(phase, Used): Row(_promote, (phase, "none")) for phase in HUB_PHASES},
    ("none", Offered): Row(_no_round, ("none",)),
    ("none", Failed): Row(_wait_on, ("none",)),
    ("none", Woke): Row(_wait_on, ("none",)),
    ("proven", Offered): Row(_keep, ("proven", "stored")),
    ("proven", Failed): Row(_give_up, ("proven", "none")),
    ("proven", Woke): Row(_close, ("proven", "none")),
    ("stored", Offered): Row(_kept_already, ("stored",)),
    ("stored", Failed): Row(_give_up, ("stored", "none")),
    ("stored", Woke): Row(_close, ("stored", "none")),
}
