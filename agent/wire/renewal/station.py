"""The station's side of the renewal."""

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.bundle import Bundle
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
from agent.wire.acts import (
    AUTH,
    TIMES,
    Act,
    Fail,
    Listen,
    Lost,
    Renewed,
    Row,
    Save,
    Say,
    Table,
    Times,
    Unlisten,
    Wake,
    channel_of,
    repeat_at,
)
from agent.wire.macs import Pair, close_box, is_mac, mac, number, raw


class Renew(Struct, frozen=True):
    """Get new keys under this bundle's backup. `round` are 32 hex digits, `n_s` 32 bytes, both chance.

    `fresh` is the bundle to be: chance as well, of the next generation; the hub decides how long it is good.
    """

    bundle: Bundle
    round: str
    n_s: bytes
    fresh: Bundle


class Listening(Struct, frozen=True):
    """The channel of the round is subscribed."""


class Saved(Struct, frozen=True):
    """The new bundle is on disk."""


class NotSaved(Struct, frozen=True):
    """The new bundle could not be written; the old one is still there."""


class Renewal(Struct, frozen=True):
    """The station's side. `said` is its last word, `began` when it was first said, monotonic."""

    pair: Pair
    times: Times = TIMES
    phase: str = "idle"
    bundle: Bundle | None = None
    fresh: Bundle | None = None
    round: str = ""
    n_s: bytes = b""
    th: bytes = b""
    said: Say | None = None
    began: float = 0.0
    repeats: int = 0


StationStep = tuple[Renewal, list[Act]]


def renewal(state: Renewal, event: object, now: Instant) -> StationStep:
    """The station's next step."""
    return STATION[state.phase, type(event)].step(state, event, now)


def _request(state: Renewal, event: Renew, now: Instant) -> StationStep:
    bundle = event.bundle
    left: list[Act] = [Unlisten(channel_of(state.round))] if state.round else []
    state = Renewal(state.pair, state.times, "requested", bundle, event.fresh, event.round, event.n_s)
    request = PskRequest(round=event.round, psk_id=to_b64u(bundle.psk_id), backup_id=to_b64u(bundle.backup_id))
    said = Say("psk.request", request, AUTH)
    state = replace(state, said=said, began=now.mono)
    return state, [*left, said, Wake(repeat_at(state.times, now.mono, 0))]


def _ready(state: Renewal, ready: PskReady, now: Instant) -> StationStep:
    return _listen(state, now) if ready.round == state.round else (state, [])


def _ready_or_not(state: Renewal, event: Woke, now: Instant) -> StationStep:
    """The hub may not have heard us; it may as well have been its answer that was lost: go on."""
    if now.mono >= state.began + state.times.ready:
        return _listen(state, now)
    state, acts = _again(state, event, now)
    return state, [*acts, Wake(state.began + state.times.ready)]


def _listen(state: Renewal, now: Instant) -> StationStep:
    """Hear the round's channel; a broker that never opens it must not keep us from everything else."""
    state = replace(state, phase="ready", said=None, began=now.mono)
    return state, [Listen(channel_of(state.round)), Wake(now.mono + state.times.wait)]


def _unheard(state: Renewal, _: Woke, now: Instant) -> StationStep:
    until = state.began + state.times.wait
    return _over(state, "timeout-ready") if now.mono >= until else (state, [Wake(until)])


def _greet(state: Renewal, _: Listening, now: Instant) -> StationStep:
    bundle = state.bundle
    assert bundle is not None
    key, gen = state.pair.backup_key(bundle), number(bundle.gen)
    greeting = PskHello(
        round=state.round,
        backup_id=to_b64u(bundle.backup_id),
        gen=bundle.gen,
        n_s=to_b64u(state.n_s),
        mac=mac(key, "renew", state.pair.station, bundle.backup_id, gen, state.n_s, state.round),
    )
    return _wait(replace(state, phase="greeted"), Say("psk.hello", greeting, channel_of(state.round)), now)


def _check(state: Renewal, proof: PskProof, now: Instant) -> StationStep:
    """Offer new keys only to a hub that holds our backup; it and we forget the old backup with the round."""
    if proof.round != state.round or raw(proof.n_s) != state.n_s:
        return state, []
    bundle, fresh, channel = state.bundle, state.fresh, channel_of(state.round)
    assert bundle is not None
    assert fresh is not None
    th = state.pair.round_hash(bundle, state.n_s, raw(proof.n_h), state.round)
    key = state.pair.backup_key(bundle)
    if not is_mac(proof.mac, key, "hub", th):
        failed = Say("psk.failed", PskFailed(round=state.round, code="invalid-backup"), channel)
        state, acts = _over(state, "invalid-backup")
        return state, [failed, *acts]
    box = close_box(key, th, fresh)
    offer = PskOffer(
        round=state.round,
        gen=fresh.gen,
        psk_id=to_b64u(fresh.psk_id),
        backup_id=to_b64u(fresh.backup_id),
        box=box,
        mac=mac(key, "offer", th, number(fresh.gen), fresh.psk_id, fresh.backup_id, box),
    )
    return _wait(replace(state, phase="offered", th=th), Say("psk.offer", offer, channel), now)


def _compare(state: Renewal, stored: PskStored, _: Instant) -> StationStep:
    """Save the new keys only when the hub has shown with them that it has them."""
    fresh = state.fresh
    assert fresh is not None
    if stored.round != state.round or stored.gen != fresh.gen:
        return state, []
    parts = (number(fresh.gen), fresh.psk_id, fresh.backup_id, number(stored.not_after), number(stored.life_ms))
    if not is_mac(stored.mac, state.pair.psk_key(fresh), "stored", state.th, *parts):
        return _over(state, "invalid-new")
    fresh = replace(fresh, not_after=stored.not_after, life_ms=stored.life_ms)
    return replace(state, phase="saving", fresh=fresh, said=None), [Save(fresh)]


def _use(state: Renewal, _: Saved, __: Instant) -> StationStep:
    fresh, round_ = state.fresh, state.round
    assert fresh is not None
    key = state.pair.psk_key(fresh)
    use = PskUse(round=round_, psk_id=to_b64u(fresh.psk_id), mac=mac(key, "use", round_, fresh.psk_id))
    said = Say("psk.use", use, channel_of(round_))
    return _forget(state), [said, Unlisten(channel_of(round_)), Renewed()]


def _refused(state: Renewal, refused: AuthRefused, _: Instant) -> StationStep:
    return _over(state, refused.code) if refused.about == state.round else (state, [])


def _again(state: Renewal, _: Woke, now: Instant) -> StationStep:
    """Say the last word again when it is time, and give up when it is too late."""
    if now.mono >= state.began + state.times.wait:
        return _over(state, f"timeout-{state.phase}")
    due = repeat_at(state.times, state.began, state.repeats)
    if now.mono < due or state.said is None:
        return state, [Wake(due)]
    state = replace(state, repeats=state.repeats + 1)
    return state, [state.said, Wake(repeat_at(state.times, state.began, state.repeats))]  # type: ignore[list-item]  # checked above


def _wait(state: Renewal, said: Say, now: Instant) -> StationStep:
    state = replace(state, said=said, began=now.mono, repeats=0)
    return state, [said, Wake(repeat_at(state.times, now.mono, 0))]


def _not_saved(state: Renewal, _: NotSaved, __: Instant) -> StationStep:
    return _over(state, "not-saved")


def _over(state: Renewal, code: str) -> StationStep:
    left: list[Act] = [] if state.phase == "requested" else [Unlisten(channel_of(state.round))]
    return _forget(state), [*left, Fail(code)]


def _forget(state: Renewal) -> Renewal:
    """Let go of all keys and of everything that was said."""
    return Renewal(state.pair, state.times)


def _end(state: Renewal, _: Lost, __: Instant) -> StationStep:
    return _forget(state), []


def _stay(state: Renewal, _: object, __: Instant) -> StationStep:
    """It means nothing here."""
    return state, []


STATION_PHASES = ("idle", "requested", "ready", "greeted", "offered", "saving")
STATION_EVENTS = (Renew, PskReady, Listening, PskProof, PskStored, AuthRefused, Saved, NotSaved, Woke, Lost)

_STAYS: Table = {(phase, kind): Row(_stay, (phase,)) for phase in STATION_PHASES for kind in STATION_EVENTS}

STATION: Table = {
    **_STAYS,
    **{(phase, Lost): Row(_end, ("idle",)) for phase in STATION_PHASES},
    **{(phase, Renew): Row(_request, ("requested",)) for phase in STATION_PHASES},
    ("requested", PskReady): Row(_ready, ("requested", "ready")),
    ("requested", AuthRefused): Row(_refused, ("requested", "idle")),
    ("requested", Woke): Row(_ready_or_not, ("requested", "ready")),
    ("ready", Listening): Row(_greet, ("greeted",)),
    ("ready", AuthRefused): Row(_refused, ("ready", "idle")),
    ("ready", Woke): Row(_unheard, ("ready", "idle")),
    ("greeted", PskProof): Row(_check, ("greeted", "offered", "idle")),
    ("greeted", AuthRefused): Row(_refused, ("greeted", "idle")),
    ("greeted", Woke): Row(_again, ("greeted", "idle")),
    ("offered", PskStored): Row(_compare, ("offered", "saving", "idle")),
    ("offered", AuthRefused): Row(_refused, ("offered", "idle")),
    ("offered", Woke): Row(_again, ("offered", "idle")),
    ("saving", Saved): Row(_use, ("idle",)),
    ("saving", NotSaved): Row(_not_saved, ("idle",)),
    # What is being written may be on disk at any moment: nothing begins anew before it is known which keys are there.
    ("saving", Renew): Row(_stay, ("saving",)),
    ("saving", Lost): Row(_stay, ("saving",)),
}
