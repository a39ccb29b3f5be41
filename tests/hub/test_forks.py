"""The hub hears of a split list: only two signatures of its own prove one, and IT is told until it ends."""

from agent.domain.events import Arrived, Instant
from agent.domain.heads import LedgerFork
from agent.domain.ledger import Ledger
from agent.hub.forks import SHOWN_AT_ONCE, Forks
from tests.station.ledger_scene import branch, kitchen
from tests.walks.crowd import envelope
from tests.walks.members import NOW_MS


def test_two_entries_of_ours_with_one_number_are_told_and_a_colleague_s_word_is_not() -> None:
    members = kitchen()
    other = branch(members, 3)
    other.add("spy")
    forks, now = Forks(lambda: members.ledger), Instant(1000.0, NOW_MS)
    made_up = members.entry("member.revoke", "ben", {}, signer=members.people["anna"])

    def shows(*frames: bytes) -> int:
        fork = LedgerFork(seq=4, one="A" * 22, other="B" * 22, evidence=tuple(frame.decode() for frame in frames))
        event = Arrived(envelope("anna", "ledger.fork", NOW_MS, "0" * 32, None), fork, "mqtt")
        return len(forks.heard(event, fork, now))

    assert shows(members.frames[3], made_up) == 0
    assert shows(members.frames[3], members.frames[3]) == 0
    assert forks.alarms() == []
    assert shows(members.frames[3], other.frames[3]) == 1
    assert shows(members.frames[3], other.frames[3]) == 0
    (alarm,) = forks.alarms()
    assert alarm.startswith("anna has two entries number 4")


def test_a_flood_of_them_is_looked_at_now_and_then() -> None:
    members, looked = kitchen(), list[int]()

    def ledger() -> Ledger:
        looked.append(1)
        return members.ledger

    forks, fork = Forks(ledger), LedgerFork(seq=4, one="A" * 22, other="B" * 22)
    for number in range(50):
        event = Arrived(envelope("anna", "ledger.fork", NOW_MS, f"{number:032x}", None), fork, "mqtt")
        forks.heard(event, fork, Instant(1000.0, NOW_MS))
    assert len(looked) == SHOWN_AT_ONCE
