"""The station's side of the handshake."""

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.bundle import Bundle
from agent.domain.events import Instant, Woke
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthConfirm, AuthHello, AuthOk, AuthProof, AuthRefused
from agent.wire.acts import (
    AUTH,
    TIMES,
    Act,
    Admitted,
    Fail,
    Lost,
    Row,
    Say,
    Table,
    Times,
    Verified,
    Wake,
    repeat_at,
)
from agent.wire.macs import Pair, admission, is_mac, mac, number, raw

CALLED_OFF = frozenset({"expired", "replaced"})
"""Why a hub ends a session that it has begun: IT says that the key is old, or that another one counts."""


class Begin(Struct, frozen=True):
    """Prove yourselves with this bundle; `n_s` are 32 bytes of chance."""

    bundle: Bundle
    n_s: bytes


class Hello(Struct, frozen=True):
    """The station's side. `said` is its last word, `began` when it was first said, monotonic.

    Once it is proven nothing is left of it but the nonce.
    """

    pair: Pair
    times: Times = TIMES
    phase: str = "idle"
    bundle: Bundle | None = None
    n_s: bytes = b""
    th: bytes = b""
    said: Say | None = None
    began: float = 0.0
    repeats: int = 0

    @property
    def key(self) -> bytes:
        """K, made anew each time: it lies about nowhere."""
        assert self.bundle is not None
        return self.pair.psk_key(self.bundle)


StationStep = tuple[Hello, list[Act]]


def hello(state: Hello, event: object, now: Instant) -> StationStep:
    """The station's next step."""
    return STATION[state.phase, type(event)].step(state, event, now)


def _ask(state: Hello, event: Begin, now: Instant) -> StationStep:
    bundle, n_s = event.bundle, event.n_s
    key, gen = state.pair.psk_key(bundle), number(bundle.gen)
    said = Say(
        "auth.hello",
        AuthHello(
            psk_id=to_b64u(bundle.psk_id),
            gen=bundle.gen,
            n_s=to_b64u(n_s),
            mac=mac(key, "hello", state.pair.station, bundle.psk_id, gen, n_s),
        ),
        AUTH,
    )
    return _wait(replace(state, phase="asked", bundle=bundle, n_s=n_s), said, now)


def _check(state: Hello, proof: AuthProof, now: Instant) -> StationStep:
    """Believe the hub only if it holds our PSK; what answers an older hello is not for us."""
    if raw(proof.n_s) != state.n_s:
        return state, []
    assert state.bundle is not None
    th = state.pair.auth_hash(state.bundle, state.n_s, raw(proof.n_h), proof.not_after)
    if not is_mac(proof.mac, state.key, "hub", th):
        return _over(state, "invalid")
    confirm = AuthConfirm(n_s=proof.n_s, n_h=proof.n_h, mac=mac(state.key, "station", th))
    state, acts = _wait(replace(state, phase="confirmed", th=th), Say("auth.confirm", confirm, AUTH), now)
    return state, [Verified(), *acts]


def _enter(state: Hello, ok: AuthOk, _: Instant) -> StationStep:
    if raw(ok.n_s) != state.n_s:
        return state, []
    label, parts = admission(state.th, ok)
    if not is_mac(ok.mac, state.key, label, *parts):
        return _over(state, "invalid")
    # The nonce names this session for as long as it lasts.
    proven = replace(_forget(state, "proven"), n_s=state.n_s)
    return proven, [Admitted(ok.session, ok.until, ok.hub_time, ok.roles, ok.ice)]


def _refused(state: Hello, refused: AuthRefused, _: Instant) -> StationStep:
    return _over(state, refused.code) if raw(refused.about) == state.n_s else (state, [])


def _called_off(state: Hello, refused: AuthRefused, _: Instant) -> StationStep:
    """The hub ends the session this hello began; what else it said about it before has come late."""
    if raw(refused.about) != state.n_s or refused.code not in CALLED_OFF:
        return state, []
    return _over(state, refused.code)


def _again(state: Hello, _: Woke, now: Instant) -> StationStep:
    """Say the last word again when it is time, and give up when it is too late."""
    if now.mono >= state.began + state.times.wait:
        return _over(state, "timeout")
    due = repeat_at(state.times, state.began, state.repeats)
    if now.mono < due or state.said is None:
        return state, [Wake(due)]
    state = replace(state, repeats=state.repeats + 1)
    return state, [state.said, Wake(repeat_at(state.times, state.began, state.repeats))]  # type: ignore[list-item]  # checked above


def _wait(state: Hello, said: Say, now: Instant) -> StationStep:
    state = replace(state, said=said, began=now.mono, repeats=0)
    return state, [said, Wake(repeat_at(state.times, now.mono, 0))]


def _over(state: Hello, code: str) -> StationStep:
    return _forget(state, "idle"), [Fail(code)]


def _forget(state: Hello, phase: str) -> Hello:
    """Let go of the keys and of everything that was said."""
    return Hello(state.pair, state.times, phase)


def _end(state: Hello, _: Lost, __: Instant) -> StationStep:
    return _forget(state, "idle"), []


def _stay(state: Hello, _: object, __: Instant) -> StationStep:
    """It means nothing here."""
    return state, []


STATION_EVENTS = (Begin, AuthProof, AuthOk, AuthRefused, Woke, Lost)

STATION: Table = {
    ("idle", Begin): Row(_ask, ("asked",)),
    ("idle", AuthProof): Row(_stay, ("idle",)),
    ("idle", AuthOk): Row(_stay, ("idle",)),
    ("idle", AuthRefused): Row(_stay, ("idle",)),
    ("idle", Woke): Row(_stay, ("idle",)),
    ("idle", Lost): Row(_end, ("idle",)),
    ("asked", Begin): Row(_ask, ("asked",)),
    ("asked", AuthProof): Row(_check, ("asked", "confirmed", "idle")),
    ("asked", AuthOk): Row(_stay, ("asked",)),
    ("asked", AuthRefused): Row(_refused, ("asked", "idle")),
    ("asked", Woke): Row(_again, ("asked", "idle")),
    ("asked", Lost): Row(_end, ("idle",)),
    ("confirmed", Begin): Row(_ask, ("asked",)),
    ("confirmed", AuthProof): Row(_stay, ("confirmed",)),
    ("confirmed", AuthOk): Row(_enter, ("confirmed", "proven", "idle")),
    ("confirmed", AuthRefused): Row(_refused, ("confirmed", "idle")),
    ("confirmed", Woke): Row(_again, ("confirmed", "idle")),
    ("confirmed", Lost): Row(_end, ("idle",)),
    ("proven", Begin): Row(_ask, ("asked",)),
    ("proven", AuthProof): Row(_stay, ("proven",)),
    ("proven", AuthOk): Row(_stay, ("proven",)),
    ("proven", AuthRefused): Row(_called_off, ("proven", "idle")),
    ("proven", Woke): Row(_stay, ("proven",)),
    ("proven", Lost): Row(_end, ("idle",)),
}
