"""Loss, doubles, reorder, replay, crashes, time and full disks in any order: the hub accepts what the station has."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent.domain.messages import PskHello, PskOffer
from tests.wire.renewal.weakened import LOCK_OUTS, Patch
from tests.wire.renewal.world import ACCEPTS, World, damaged

STEPS = 50
DISKS = st.sampled_from(["both", "hub", "none"])


class Unruly(RuleBasedStateMachine):
    """Whatever may happen between two real sides."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(steps=st.integers(1, 12), disks=DISKS)
    def all_goes_well_for_a_while(self, steps: int, disks: str) -> None:
        self.world.go_on(steps, disks)

    @rule(steps=st.integers(0, 12), disks=DISKS, doubled=st.booleans())
    def a_round_begins(self, steps: int, disks: str, doubled: bool) -> None:
        self.world.renew()
        self.world.go_on(steps, disks, doubled=doubled)

    @rule(steps=st.integers(0, 6))
    def a_handshake_begins(self, steps: int) -> None:
        self.world.prove()
        self.world.go_on(steps)

    @rule()
    def messages_are_lost(self) -> None:
        self.world.drop()

    @precondition(lambda self: self.world.said)
    @rule(back=st.integers(0, 40), harm=st.sampled_from([False, False, False, True]))
    def an_old_message_comes(self, back: int, harm: bool) -> None:
        said = self.world.said
        message = said[-1 - min(back, len(said) - 1)]
        self.world.deliver(damaged(message) if harm else message)

    @precondition(lambda self: self.world.said)
    @rule(name=st.sampled_from(["PskHello", "PskOffer", "PskStored", "PskUse", "AuthConfirm"]), back=st.integers(0, 3))
    def an_old_message_of_a_kind_comes(self, name: str, back: int) -> None:
        said = [one for one in self.world.said if type(one).__name__ == name]
        if said:
            self.world.deliver(said[-1 - min(back, len(said) - 1)])

    @rule(back=st.integers(0, 3))
    def a_round_is_played_again(self, back: int) -> None:
        greetings = [one for one in self.world.said if isinstance(one, PskHello)]
        for greeting in greetings[-1 - back : len(greetings) - back]:
            self.world.deliver(greeting)
            offers = [one for one in self.world.said if isinstance(one, PskOffer) and one.round == greeting.round]
            for offer in offers:
                self.world.deliver(offer)

    @rule(steps=st.integers(8, 14))
    def the_connection_is_lost_and_a_round_begins(self, steps: int) -> None:
        self.world.lose()
        self.world.renew()
        self.world.go_on(steps, "hub")

    @rule()
    def the_station_crashes(self) -> None:
        self.world.crash_station()

    @rule()
    def the_hub_crashes(self) -> None:
        self.world.crash_hub()

    @rule(steps=st.integers(0, 4))
    def the_power_goes(self, steps: int) -> None:
        self.world.go_on(steps, "none")
        self.world.cut_power()

    @rule(steps=st.integers(5, 9))
    def a_round_is_doubled_on_slow_disks(self, steps: int) -> None:
        self.world.renew()
        self.world.go_on(steps, "none", doubled=True)

    @rule()
    def the_connection_is_lost(self) -> None:
        self.world.lose()

    @rule(ok=st.booleans(), told=st.booleans())
    def the_station_has_written_or_not(self, ok: bool, told: bool) -> None:
        self.world.write(ok=ok, told=told)

    @rule(ok=st.booleans())
    def the_hub_has_written_or_not(self, ok: bool) -> None:
        self.world.commit(ok=ok)

    @rule(seconds=st.sampled_from([1.0, 6.0, 31.0, 121.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule()
    def keys_expire(self) -> None:
        self.world.sleep()

    @invariant()
    def the_hub_accepts_what_the_station_has_on_disk(self) -> None:
        assert self.world.accepted

    @invariant()
    def the_hub_is_never_ahead(self) -> None:
        assert self.world.hub_disk.current.gen <= self.world.disk.gen

    def teardown(self) -> None:
        """And whatever has happened: left in peace, both come to agree."""
        self.world.crash_station()
        self.world.crash_hub()
        self.world.drop()
        self.world.renew()
        self.world.go_on(60)
        assert self.world.agree


def run(runs: int, *, quick: bool = False) -> None:
    ACCEPTS.cache_clear()
    phases = [Phase.generate] if quick else list(Phase)
    run_state_machine_as_test(
        Unruly,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=quick,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_hub_accepts_what_the_station_has_on_disk() -> None:
    run(200)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_hub_accepts_it_in_many_runs() -> None:
    run(2_000)


@pytest.mark.parametrize("rule", LOCK_OUTS)
def test_each_rule_that_is_taken_out_is_found(rule: str, monkeypatch: Patch) -> None:
    LOCK_OUTS[rule](monkeypatch)
    with pytest.raises(AssertionError):
        run(400, quick=True)
    ACCEPTS.cache_clear()
