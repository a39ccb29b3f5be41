"""Whatever crashes, is lost, doubled, late or sent again: no station is locked out, none is stuck, none is misled.

All states of both real machines are walked through, with four rounds, four new bundles and four nonces of the hub. The
network is the set of all messages ever sent, so each may be lost, doubled, late and sent again. Either side may crash
in every state, and so between any two things it does; it keeps what is on its disk. A write of the hub is in memory at
once and on disk later, or never; a file of the station is whole or not there. Time may be up at any moment, and the
station may come with a handshake at any moment.
"""

import pytest

from tests.wire.renewal.walk import Found, Walk
from tests.wire.renewal.weakened import LOCK_OUTS, Patch, calls_the_late_liars, never_promotes


def test_no_state_locks_out_misleads_or_is_stuck() -> None:
    found = Walk(rounds=4, sessions=4).run()
    assert (found.wrong, found.stuck) == ("", 0)
    # Another number means that the machines can do more or less than when this was written: look at why.
    assert found.states == 52_405


def test_nothing_that_is_left_out_to_be_fast_changes_the_verdict() -> None:
    assert Walk(rounds=2, sessions=2, tidy=False).run() == Found(41_543, stuck=0, wrong="")


@pytest.mark.parametrize("rule", LOCK_OUTS)
def test_each_rule_that_is_taken_out_locks_a_station_out(rule: str, monkeypatch: Patch) -> None:
    LOCK_OUTS[rule](monkeypatch)
    assert Walk(rounds=2, sessions=3, tidy=False, alarms=False).run().wrong == "lock-out"


def test_a_hub_that_calls_the_late_liars_is_found(monkeypatch: Patch) -> None:
    calls_the_late_liars(monkeypatch)
    assert Walk(rounds=2, sessions=2).run().wrong == "false alarm: invalid-backup"


def test_a_hub_that_never_promotes_leaves_states_stuck(monkeypatch: Patch) -> None:
    never_promotes(monkeypatch)
    found = Walk(rounds=2, sessions=2).run()
    assert found.wrong == ""
    assert found.stuck > 0
