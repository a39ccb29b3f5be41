"""Station and hub are killed at every step of handshake and renewal, alone and together: both always agree again.

The steps are taken from the code: a step that no story reaches fails here, so that a new one needs its story.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.names import HUB
from tests.faults.keys_programs import NOTE, STATION
from tests.faults.keys_site import (
    NO_STEP,
    PATIENCE_S,
    Step,
    end_forks,
    hub_steps,
    keys_site,
    noted_steps,
    station_steps,
)
from tests.servers.plain_broker import plain_broker
from tests.servers.programs import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

AT_ONCE = 6
"""Sites that live through their kills at the same time: most of the time they wait."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with plain_broker(tmp_path_factory.mktemp("broker")) as port:
        yield port
        end_forks()


def name_of(step: Step) -> str:
    return f"{step[0]}:{step[1]}"


def test_every_step_of_both_sides_has_its_kill(tmp_path: Path, port: int) -> None:
    """A story without a kill notes each step the code goes through: one that nobody is killed at fails here."""
    with keys_site(tmp_path / "site", port) as site:
        assert site.live_through((NOTE, 1), (NOTE, 1)) == 0
        assert noted_steps(site) == {name for name, _ in [*station_steps(), *hub_steps()]}


@pytest.mark.parametrize("step", [*station_steps(), *hub_steps()], ids=name_of)
def test_a_kill_at_any_step_locks_nobody_out(tmp_path: Path, port: int, step: Step) -> None:
    of_hub = step[0].startswith("hub.")
    with keys_site(tmp_path / "site", port) as site:
        ended = site.live_through(hub=step) if of_hub else site.live_through(station=step)
        if not ended:  # both agreed before the step was reached
            site.wait_until_ended(HUB if of_hub else STATION)
            assert site.revive() == 1
            site.run_until_agreed()
        assert site.accepts_what_the_station_has()


def test_kills_at_every_pair_of_steps_lock_nobody_out(tmp_path: Path, port: int) -> None:
    pairs = list(product(station_steps(), hub_steps()))

    def live_through(number: int) -> str:
        station, hub = pairs[number]
        with keys_site(tmp_path / str(number), port) as site:
            try:
                ended = site.live_through(station, hub)
            except AssertionError as error:
                return f"{name_of(station)} and {name_of(hub)}: {error}"
            return "" if ended else f"{name_of(station)} and {name_of(hub)}: nobody ended"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        failures = [failure for failure in pool.map(live_through, range(len(pairs))) if failure]
    assert failures == []
    assert len(pairs) >= 224


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_a_wrong_hub_is_shown_out_changes_nothing(tmp_path: Path, port: int, when: str) -> None:
    with keys_site(tmp_path / "site", port) as site:
        right = site.held()
        site.hold(Held(replace(right.current, backup=b"x" * 32)))
        site.start(HUB, weak=True)
        site.start(STATION, (f"station.send.psk.failed.{when}", 1))
        site.wait_until_ended(STATION)
        assert site.on_disk() == site.first
        site.stop()
        site.hold(right)
        site.start(HUB)
        site.start(STATION, NO_STEP)
        assert site.run_until_agreed() == 0


def test_a_station_that_saves_too_early_is_locked_out_and_we_notice(tmp_path: Path, port: int) -> None:
    with keys_site(tmp_path / "site", port) as site:
        site.start(HUB, ("hub.write.account.before", 1))
        site.start(STATION, weak=True)
        site.wait_until_ended(HUB)
        until(lambda: site.on_disk() != site.first, "the keys that were saved too early", PATIENCE_S)
        assert not site.accepts_what_the_station_has()
