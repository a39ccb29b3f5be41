"""Each rule of handshake and renewal taken out of the real tables, to show that the checks of them can fail."""

from collections.abc import Callable, MutableMapping
from typing import Any, cast

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.events import Woke
from agent.domain.messages import PskProof, PskStored
from agent.wire.acts import Act, Hold, Lost, Row, Save, Say
from agent.wire.hello import hub as hello_hub
from agent.wire.hello.hub import Confirmed
from agent.wire.macs import Pair
from agent.wire.renewal import hub, station
from agent.wire.renewal.hub import Greeted, Offered, Used
from agent.wire.renewal.station import Saved

Patch = pytest.MonkeyPatch
Acts = list[Act]


def _turn(patch: Patch, table: object, at: tuple[str, type], turned: Callable[..., tuple[Any, Acts]]) -> None:
    """Put into this cell a step that is given the old one's outcome and what that was given."""
    rows = cast("MutableMapping[tuple[str, type], Row]", table)
    step = rows[at].step
    patch.setitem(rows, at, Row(lambda *given: turned(*step(*given), *given), rows[at].to))


def only_the_newest(patch: Patch) -> None:
    """The hub accepts the pending keys only, as soon as there are any."""
    patch.setattr(Held, "both", property(lambda held: (held.current if held.pending is None else held.pending,)))


def replaces_at_once(patch: Patch) -> None:
    """The hub lets the current keys go when it is offered new ones."""

    def turned(state: hub.Round, acts: Acts, *_: object) -> tuple[hub.Round, Acts]:
        return state, [Hold(act.pending, None) if isinstance(act, Hold) and act.pending else act for act in acts]

    _turn(patch, hub.HUB, ("proven", Offered), turned)


def saves_before_the_proof(patch: Patch) -> None:
    """The station saves the new keys when it offers them."""

    def turned(state: station.Renewal, acts: Acts, *_: object) -> tuple[station.Renewal, Acts]:
        if state.phase != "offered" or state.fresh is None:
            return state, acts
        return replace(state, phase="saving"), [*acts, Save(state.fresh)]

    _turn(patch, station.STATION, ("greeted", PskProof), turned)


def commits_before_it_saves(patch: Patch) -> None:
    """The station says that it has the new keys on disk before it writes them."""

    def turned(state: station.Renewal, acts: Acts, *given: object) -> tuple[station.Renewal, Acts]:
        if state.phase != "saving":
            return state, acts
        use = station.STATION["saving", Saved].step(state, Saved(), given[2])[1][0]
        return state, [use, *acts]

    _turn(patch, station.STATION, ("offered", PskStored), turned)


def takes_a_replayed_offer(patch: Patch) -> None:
    """The hub's nonce is not in what an offer is made for."""
    honest = Pair.round_hash
    patch.setattr(Pair, "round_hash", lambda pair, bundle, n_s, _, round_: honest(pair, bundle, n_s, b"", round_))


def pending_times_out(patch: Patch) -> None:
    """The hub lets the pending keys go after some time."""

    def turned(state: hub.Round, acts: Acts, *given: Any) -> tuple[hub.Round, Acts]:
        held: Held = given[3]
        return state, [*acts, Hold(held.current, None)] if held.pending is not None else acts

    for phase in hub.HUB_PHASES:
        _turn(patch, hub.HUB, (phase, Woke), turned)


def _holds_nothing(state: Any, acts: Acts, *_: object) -> tuple[Any, Acts]:
    return state, [act for act in acts if not isinstance(act, Hold)]


def repeats_before_it_is_on_disk(patch: Patch) -> None:
    """The hub answers the same offer again without making sure that the keys are on disk."""
    _turn(patch, hub.HUB, ("stored", Offered), _holds_nothing)


def answers_a_hello_with_stored(patch: Patch) -> None:
    """The hub answers the same hello again with its last word, whatever that was."""

    def turned(state: hub.Round, acts: Acts, before: hub.Round, event: Greeted, *_: object) -> tuple[hub.Round, Acts]:
        same = state == before and event.hello.round == state.round and state.answer is not None
        return state, [state.answer] if same and state.answer else acts

    _turn(patch, hub.HUB, ("stored", Greeted), turned)


def forgets_what_it_writes(patch: Patch) -> None:
    """The station begins anew on the next connection while its new keys are still being written."""
    patch.setitem(cast("MutableMapping[Any, Row]", station.STATION), ("saving", Lost), Row(station._end, ("idle",)))


def calls_the_late_liars(patch: Patch) -> None:
    """The hub refuses for good what answers a nonce of its last run."""

    def turned(state: hub.Round, acts: Acts, *_: object) -> tuple[hub.Round, Acts]:
        said = [act for act in acts if isinstance(act, Say) and act.type == "auth.refused"]
        return state, [replace(act, params=replace(act.params, code="invalid-backup")) for act in said] or acts

    _turn(patch, hub.HUB, ("proven", Offered), turned)


def never_promotes(patch: Patch) -> None:
    """The hub keeps the old keys as the current ones for ever."""
    for phase in hub.HUB_PHASES:
        _turn(patch, hub.HUB, (phase, Used), lambda *given: (given[2], []))
        _turn(patch, hub.HUB, (phase, Greeted), _holds_nothing)
    _turn(patch, hello_hub.HUB, ("answered", Confirmed), _holds_nothing)


LOCK_OUTS = {
    "the hub keeps only the newest": only_the_newest,
    "the hub replaces at once": replaces_at_once,
    "the station saves before the hub's proof": saves_before_the_proof,
    "the station commits before it saves": commits_before_it_saves,
    "the hub accepts a replayed offer": takes_a_replayed_offer,
    "a pending key has a time-out": pending_times_out,
    "the hub repeats an answer before it is on disk": repeats_before_it_is_on_disk,
    "the hub answers a repeated hello before the keys are on disk": answers_a_hello_with_stored,
    "the station forgets what it is writing": forgets_what_it_writes,
}
