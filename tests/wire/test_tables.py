"""The tables of the four machines are total, promise no phase that is not reached, and hide none that is."""

from collections.abc import Callable, MutableMapping
from random import Random
from typing import Any, cast

import pytest

from agent.domain.events import Woke
from agent.domain.messages import AuthHello, AuthRefused, PskFailed, PskHello, PskStored, PskUse
from agent.wire.acts import Row, Table
from agent.wire.hello import hub as hello_hub
from agent.wire.hello import station as hello_station
from agent.wire.renewal import hub as renewal_hub
from agent.wire.renewal import station as renewal_station
from agent.wire.renewal.station import Listening, NotSaved, Saved
from tests.wire.renewal.world import World, damaged
from tests.wire.symbols import round_name

TABLES: dict[str, tuple[Table, tuple[str, ...], tuple[type, ...]]] = {
    "hello station": (hello_station.STATION, ("idle", "asked", "confirmed", "proven"), hello_station.STATION_EVENTS),
    "hello hub": (hello_hub.HUB, ("closed", "answered", "entered"), hello_hub.HUB_EVENTS),
    "renewal station": (
        renewal_station.STATION, renewal_station.STATION_PHASES, renewal_station.STATION_EVENTS,
    ),
    "renewal hub": (renewal_hub.HUB, renewal_hub.HUB_PHASES, renewal_hub.HUB_EVENTS),
}  # fmt: skip

OTHER = round_name("other")
NEVER = ("hello hub", "closed", Woke, "closed")
"""A closed door is kept nowhere, so no time passes for it; its row is there to make the table total."""
Reached = set[tuple[str, str, type, str]]


@pytest.mark.parametrize("name", TABLES)
def test_each_phase_has_a_row_for_each_event(name: str) -> None:
    table, phases, events = TABLES[name]
    assert set(table) == {(phase, event) for phase in phases for event in events}
    assert {to for row in table.values() for to in row.to} == set(phases)


def test_random_walks_reach_what_the_tables_promise_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    promised = {
        (name, phase, event, to)
        for name, (table, _, _) in TABLES.items()
        for (phase, event), row in table.items()
        for to in row.to
    } - {NEVER}
    reached: Reached = set()
    for name, (table, _, _) in TABLES.items():
        _watch(monkeypatch, name, table, reached)
    for seed in range(5_000):
        _walk(Random(seed))
        if reached == promised:
            break
    assert sorted(map(str, reached - promised)) == []
    assert sorted(map(str, promised - reached)) == []


def _watch(patch: pytest.MonkeyPatch, name: str, table: Table, reached: Reached) -> None:
    rows = cast("MutableMapping[tuple[str, type], Row]", table)
    for (phase, event), row in table.items():

        def step(*given: Any, at: tuple[str, type] = (phase, event), row: Row = row) -> tuple[Any, list[Any]]:
            state, acts = row.step(*given)
            reached.add((name, *at, state.phase))
            return state, acts

        patch.setitem(rows, (phase, event), Row(step, row.to))


def _walk(random: Random) -> None:
    """Let sixty things happen: most of them as they should, some as they never should."""
    world = World()
    deeds: list[Callable[[], object]] = [
        lambda: world.go_on(random.randrange(1, 8), random.choice(["both", "both", "hub", "none"])),
        world.renew,
        world.prove,
        world.drop,
        world.crash_hub,
        world.crash_station,
        world.lose,
        world.subscribe,
        lambda: world.write(ok=random.random() < 0.5),
        world.commit,
        lambda: world.wait(random.choice([1, 6, 31, 121])),
        lambda: _again(world, random),
        lambda: _again(world, random),
        lambda: _old_round(world, random),
        lambda: _refuse(world, random),
        lambda: world.deliver(PskFailed(round=random.choice([world.round.round or OTHER, OTHER]), code="invalid")),
        lambda: world._renewing(random.choice([Listening(), Saved(), NotSaved()])),
    ]
    for _ in range(60):
        random.choice(deeds)()


def _again(world: World, random: Random) -> None:
    """Somebody sends an old or a damaged message."""
    if world.said and random.random() < 0.5:
        kind = random.choice(sorted({type(one).__name__ for one in world.said}))
        world.deliver(random.choice([one for one in world.said if type(one).__name__ == kind][-3:]))
    elif world.said:
        message = random.choice(world.said[-random.choice([1, 2, 12]) :])
        world.deliver(damaged(message) if random.random() < 0.4 else message)


def _old_round(world: World, random: Random) -> None:
    """What belongs to rounds that were begun comes in another order, or what they had said last is lost."""
    world.renew()
    world.go_on(random.randrange(5, 14))
    if random.random() < 0.5:
        world.drop()
    kinds: list[type] = [PskHello, PskStored, PskUse]
    for kind in random.sample(kinds, 3):
        for message in [one for one in world.said if isinstance(one, kind)][-3:]:
            world.deliver(message)


def _refuse(world: World, random: Random) -> None:
    """The hub refuses what is under way, or something else."""
    begun = [one for one in world.said if isinstance(one, AuthHello | PskHello)]
    about = [one.n_s if isinstance(one, AuthHello) else one.round for one in begun[-2:]] + [world.renewal.round]
    code = random.choice(["expired", "replaced", "again"])
    world.deliver(AuthRefused(about=random.choice([*about, OTHER]), code=code))
