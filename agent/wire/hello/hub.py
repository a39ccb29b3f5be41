"""The hub's side of the handshake: up to four conversations with each station."""

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.bundle import Bundle, Held
from agent.domain.events import Instant, Woke
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthConfirm, AuthHello, AuthOk, AuthProof, AuthRefused, Ice
from agent.wire.acts import AUTH, TIMES, Act, Entered, Hold, Row, Say, Table, Times, Wake
from agent.wire.macs import Pair, admission, is_mac, mac, number, raw

SESSION_MS = 8 * 3_600_000
"""How long a proof counts, milliseconds."""
MOST_DOORS = 4


class Asked(Struct, frozen=True):
    """A hello came; `chance` are 32 fresh bytes."""

    hello: AuthHello
    chance: bytes


class Confirmed(Struct, frozen=True):
    """A confirm came; `chance` are 16 fresh bytes, `roles` what this station is by the ledger, `ice` its servers."""

    confirm: AuthConfirm
    chance: bytes
    roles: tuple[str, ...]
    ice: Ice | None = None


class Door(Struct, frozen=True):
    """The hub's side of one conversation."""

    phase: str = "closed"
    n_s: bytes = b""
    n_h: bytes = b""
    bundle: Bundle | None = None
    th: bytes = b""
    answer: Say | None = None
    until: float = 0.0


class Doors(Struct, frozen=True):
    """All conversations with one station, the oldest first."""

    pair: Pair
    times: Times = TIMES
    open: tuple[Door, ...] = ()


DoorStep = tuple[Door, list[Act]]


def hub_hello(doors: Doors, held: Held, event: object, now: Instant) -> tuple[Doors, list[Act]]:
    """The hub's next step with one station."""
    acts: list[Act] = []
    fitting = [door for door in doors.open if _fits(door, event)]
    if not fitting and not isinstance(event, Woke):
        fitting = [Door()]
    others = tuple(door for door in doors.open if door not in fitting)
    after: list[Door] = []
    for door in fitting:
        moved, more = HUB[door.phase, type(event)].step(door, event, now, doors, held)
        acts += more
        after += [moved] if moved.phase != "closed" else []
    return replace(doors, open=(*others, *after)[-MOST_DOORS:]), acts


def _fits(door: Door, event: object) -> bool:
    """Whether an event is about this conversation; time is about every one."""
    match event:
        case Asked(hello):
            return door.n_s == raw(hello.n_s)
        case Confirmed(confirm):
            return door.n_s == raw(confirm.n_s)
    return True


def _answer(_: Door, event: Asked, now: Instant, doors: Doors, held: Held) -> DoorStep:
    asked, psk_id = event.hello, raw(event.hello.psk_id)
    bundle = held.of_psk(psk_id)
    if bundle is None:
        return _refuse(asked.n_s, held.refusal(asked.gen))
    pair, n_s = doors.pair, raw(asked.n_s)
    key = pair.psk_key(bundle)
    fits = is_mac(asked.mac, key, "hello", pair.station, psk_id, number(asked.gen), n_s)
    if asked.gen != bundle.gen or not fits:
        return _refuse(asked.n_s, "invalid")
    if now.ms >= bundle.not_after:
        return _refuse(asked.n_s, "expired")
    n_h = event.chance
    th = pair.auth_hash(bundle, n_s, n_h, bundle.not_after)
    proof = AuthProof(n_s=asked.n_s, n_h=to_b64u(n_h), not_after=bundle.not_after, mac=mac(key, "hub", th))
    answer, until = Say("auth.proof", proof, AUTH), now.mono + doors.times.wait
    return Door("answered", n_s, n_h, bundle, th, answer, until), [answer, Wake(until)]


def _let_in(door: Door, event: Confirmed, now: Instant, doors: Doors, held: Held) -> DoorStep:
    """Believe the station only if it holds the key it asked with, and we still do."""
    assert door.bundle is not None
    if held.of_psk(door.bundle.psk_id) is None:
        return _refuse(event.confirm.n_s, held.refusal(door.bundle.gen))
    if raw(event.confirm.n_h) != door.n_h:
        return _unknown(door, event)
    key = doors.pair.psk_key(door.bundle)
    if not is_mac(event.confirm.mac, key, "station", door.th):
        return _refuse(event.confirm.n_s, "invalid")
    session, until = to_b64u(event.chance), now.ms + SESSION_MS
    said = AuthOk(
        n_s=event.confirm.n_s, session=session, until=until, hub_time=now.ms, roles=event.roles, mac="", ice=event.ice
    )
    label, parts = admission(door.th, said)
    answer = Say("auth.ok", replace(said, mac=mac(key, label, *parts)), AUTH)
    pending = held.pending
    new = pending is not None and pending.psk_id == door.bundle.psk_id
    promoted: list[Act] = [Hold(pending, None)] if pending is not None and new else []
    return replace(door, phase="entered", answer=answer), [*promoted, answer, Entered(session, until)]


def _unknown(_: Door, event: Confirmed, *__: object) -> DoorStep:
    """A confirm to a nonce of another run of this hub: no lie, only late. Let it begin anew at once."""
    return _refuse(event.confirm.n_s, "again")


def _answer_again(door: Door, *_: object) -> DoorStep:
    return door, [door.answer] if door.answer is not None else []


def _refuse(about: str, code: str) -> DoorStep:
    return Door(), [Say("auth.refused", AuthRefused(about=about, code=code), AUTH)]


def _say_ok_again(door: Door, *rest: object) -> DoorStep:
    """Not before what it rests on is on disk, which it may not have been the first time."""
    held = rest[-1]
    assert isinstance(held, Held)
    return door, [Hold(held.current, held.pending), *_answer_again(door)[1]]


def _pass_over(door: Door, *_: object) -> DoorStep:
    """It means nothing here."""
    return door, []


def _close(door: Door, _: Woke, now: Instant, *__: object) -> DoorStep:
    return (Door() if now.mono >= door.until else door), []


HUB_EVENTS = (Asked, Confirmed, Woke)

HUB: Table = {
    ("closed", Asked): Row(_answer, ("answered", "closed")),
    ("closed", Confirmed): Row(_unknown, ("closed",)),
    ("closed", Woke): Row(_pass_over, ("closed",)),
    ("answered", Asked): Row(_answer_again, ("answered",)),
    ("answered", Confirmed): Row(_let_in, ("entered", "closed")),
    ("answered", Woke): Row(_close, ("answered", "closed")),
    ("entered", Asked): Row(_pass_over, ("entered",)),
    ("entered", Confirmed): Row(_say_ok_again, ("entered",)),
    ("entered", Woke): Row(_close, ("entered", "closed")),
}
