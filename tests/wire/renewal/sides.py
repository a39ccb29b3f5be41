"""The real machines of both sides as numbered local states: each step is computed once and then looked up."""

from collections.abc import Sequence
from typing import NamedTuple

from agent.domain.bundle import LIFE_MS, Bundle, Held
from agent.domain.events import Woke
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthConfirm, AuthHello, AuthProof, PskHello, PskOffer, PskReady, PskUse
from agent.wire.acts import Act, Entered, Fail, Hold, Lost, Renewed, Save, Say
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.renewal.hub import Greeted, Offered, Round, Used, hub_renewal
from agent.wire.renewal.station import Listening, NotSaved, Renew, Renewal, Saved, renewal
from tests.wire.symbols import NOW, PAIR, bundle, chance, later, round_name

FIRST = bundle("first")
LATE = later(10_000)
FINE = {"again", "not-saved", "timeout-ready", "timeout-greeted", "timeout-offered"}
"""How an attempt may end when both sides are honest, whatever the network does."""


class Wrong(Exception):
    """A promise is broken; says which."""


class Station(NamedTuple):
    """The station: what is on its disk, what it believes is there, what is being written, its round."""

    disk: Bundle = FIRST
    believed: Bundle = FIRST
    writing: Bundle | None = None
    written: bool = False
    renewal: Renewal = Renewal(PAIR)
    rounds: int = 0


class Writing(NamedTuple):
    """A write of the hub that is not on disk yet, and what will be said when it is."""

    held: Held
    then: tuple[Say, ...]


class Hub(NamedTuple):
    """The hub: what is on its disk, what it believes is there, what is being written, its round, its doors."""

    disk: Held = Held(FIRST)
    believed: Held = Held(FIRST)
    writing: tuple[Writing, ...] = ()
    round: Round = Round(PAIR)
    doors: Doors = Doors(PAIR)
    sessions: int = 0


Says = tuple[Say, ...]
MOST_WRITES = 2


def station_alone(at: Station, rounds: int) -> list[tuple[Station, Says]]:
    """What a station can do or suffer without a message: crash, lose the link, wait too long, write, begin a round."""
    after: list[tuple[Station, Says]] = [(Station(at.disk, at.disk, rounds=at.rounds), ())]
    after.append((at._replace(believed=at.disk), ()))  # it may look at its disk again at any time
    after += [_station(at, event, late) for event, late in ((Lost(), False), (Woke(), True))]
    if at.writing is not None:
        idle = at._replace(writing=None, written=False)
        if at.written:
            after.append(_station(idle, Saved()))
        else:
            after += [(at._replace(disk=at.writing, written=True), ()), _station(idle, NotSaved())]
    if at.rounds < rounds:
        after += _begin(at)
    return after


def _begin(at: Station) -> list[tuple[Station, Says]]:
    """Begin a round and go on to its first word under a key: what lies between touches nobody else."""
    name, old = str(at.rounds), at.believed
    event = Renew(old, round_name(name), chance(f"{name} n_s"), bundle(f"fresh {name}", old.gen + 1, 0))
    asked, _ = _station(at, event)
    if asked == at:
        return []
    ready, _ = _station(asked, PskReady(round=event.round))
    return [_station(ready._replace(rounds=at.rounds + 1), Listening())]


def station_hears(at: Station, said: Say) -> list[tuple[Station, Says]]:
    """What a message makes of a station."""
    return [_station(at, said.params)]


def _station(at: Station, event: object, late: bool = False) -> tuple[Station, Says]:
    state, acts = renewal(at.renewal, event, LATE if late else NOW)
    at, says = at._replace(renewal=state), list[Say]()
    for act in acts:
        match act:
            case Say():
                says.append(act)
            case Save(fresh):
                at = at._replace(writing=fresh, written=False)
            case Renewed():
                at = at._replace(believed=at.disk)
            case Fail(code) if code not in FINE:
                raise Wrong(f"false alarm: {code}")
    return at, tuple(says)


def hub_alone(at: Hub) -> list[tuple[Hub, Says]]:
    """What a hub can do or suffer without a message: crash, wait too long, have a write done, or have it refused."""
    after: list[tuple[Hub, Says]] = [(_crashed(at), ())]
    state, acts = hub_renewal(at.round, at.believed, Woke(), LATE)
    after += _hub(at._replace(round=state), acts)
    doors, acts = hub_hello(at.doors, at.believed, Woke(), LATE)
    after += _hub(at._replace(doors=doors), acts)
    if at.writing:
        first, *rest = at.writing
        done = at._replace(disk=first.held, writing=tuple(rest))
        after += [(done, first.then), (_crashed(done), ()), (at._replace(writing=tuple(rest)), ())]
    return after


def _crashed(at: Hub) -> Hub:
    return Hub(at.disk, at.disk, sessions=at.sessions)


def hub_hears(at: Hub, said: Say, sessions: int) -> list[tuple[Hub, Says]]:
    """What a message makes of a hub that has so many nonces for rounds."""
    match said.params:
        case AuthConfirm() as confirm:
            doors, acts = hub_hello(at.doors, at.believed, Confirmed(confirm, bytes(16), ()), NOW)
            return _hub(at._replace(doors=doors), acts)
        case PskHello() as greeting:
            event: object = Greeted(greeting, chance(f"{at.sessions} n_h"))
        case PskOffer() as offer:
            event = Offered(offer, LIFE_MS)
        case PskUse() as use:
            event = Used(use)
    state, acts = hub_renewal(at.round, at.believed, event, NOW)
    used = at.sessions + (state.phase == "proven" and state.th != at.round.th)
    return _hub(at._replace(round=state, sessions=used), acts) if used <= sessions else []


def hub_is_asked(at: Hub, keys: Bundle) -> list[tuple[Hub, Says]]:
    """What becomes of a handshake under these keys, up to the station's confirm, which may come at any time."""
    asked, acts = hello(Hello(PAIR), Begin(keys, n_s_of(keys)), NOW)
    (greeting,) = (act.params for act in acts if isinstance(act, Say))
    assert isinstance(greeting, AuthHello)
    doors, acts = hub_hello(at.doors, at.believed, Asked(greeting, chance(f"{keys.psk_id.hex()} n_h")), NOW)
    answers = [act.params for act in acts if isinstance(act, Say)]
    after: list[Act] = []
    for answer in answers:
        if not isinstance(answer, AuthProof):
            raise Wrong(f"false alarm: {answer}")
        after += hello(asked, answer, NOW)[1]
        if any(isinstance(act, Fail) for act in after):
            raise Wrong(f"false alarm: {after}")
    return [(at._replace(doors=doors), tuple(act for act in after if isinstance(act, Say)))]


def n_s_of(keys: Bundle) -> bytes:
    """Return the nonce of every handshake under these keys."""
    return chance(f"{keys.psk_id.hex()} n_s")


def _hub(at: Hub, acts: Sequence[Act]) -> list[tuple[Hub, Says]]:
    """Do what was decided: memory knows at once what the disk will know later, and what is behind it waits."""
    at_hold = next((i for i, act in enumerate(acts) if isinstance(act, Hold)), len(acts))
    says = tuple(act for act in acts[:at_hold] if isinstance(act, Say))
    if at_hold == len(acts):
        return [(at, says)]
    hold = acts[at_hold]
    assert isinstance(hold, Hold)
    held = Held(hold.current, hold.pending)
    more = Writing(held, tuple(act for act in acts[at_hold:] if isinstance(act, Say)))
    if more in at.writing[-1:]:
        return [(at, says)]
    if len(at.writing) == MOST_WRITES:
        return []
    return [(at._replace(believed=held, writing=(*at.writing, more)), says)]


def accepts(held: Held, keys: Bundle) -> bool:
    """Whether a hub that holds these takes a station that has those: in a handshake and in a renewal."""
    hub, ((_, greetings),) = Hub(held, held), _begin(Station(keys, keys))
    try:
        ((asked, confirms),) = hub_is_asked(hub, keys)
    except Wrong:
        return False
    confirmed = Confirmed(confirms[0].params, bytes(16), ())  # type: ignore[arg-type]  # it says nothing else
    _, entered = hub_hello(asked.doors, held, confirmed, NOW)
    greeted = Greeted(greetings[0].params, chance("n_h"))  # type: ignore[arg-type]  # the same
    state, _ = hub_renewal(hub.round, held, greeted, NOW)
    return any(isinstance(act, Entered) for act in entered) and state.phase == "proven"


def tidied(at: Hub) -> Hub:
    """Forget the doors that can change nothing: only one that waits for the pending keys can."""
    open_ = (door for door in at.doors.open if door.phase == "answered" and door.bundle == at.believed.pending)
    return at._replace(doors=Doors(PAIR, open=tuple(open_)))


def ears(at: Hub) -> set[object]:
    """Return what a message must be about to change a hub: keys it holds or will, its nonce, its doors.

    Keys it has let go never come back, nor does a nonce; the confirm to a door that is closed answers an old nonce.
    """
    held = [at.disk, at.believed, *(one.held for one in at.writing)]
    ids: set[object] = {to_b64u(keys.backup_id) for one in held for keys in one.both}
    ids |= {to_b64u(one.pending.psk_id) for one in held if one.pending is not None}
    return ids | {at.round.th} | {to_b64u(door.n_s) for door in at.doors.open}
