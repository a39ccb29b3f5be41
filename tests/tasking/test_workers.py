"""The list of who is available: the newest word counts, a lease ends, and only the ledger says whose key it is."""

from itertools import permutations

from agent.domain.effects import Effect, Keep, Note, Post
from agent.domain.events import Instant
from agent.domain.keys import to_b64u
from agent.domain.task import Disbelieve
from agent.domain.tasks import MOST_LEASE_MS, Lease
from agent.tasking.trips import MOST_S, UNKNOWN_S, Trips
from agent.tasking.workers import SILENT_AGAIN_S, Known, Workers
from tests.tasking.site import ledger_of

MS = 1_800_000_000_000


def at(seconds: float, *, anchored: bool = True, shift_s: float = 0.0) -> Instant:
    return Instant(500.0 + seconds, MS + round((seconds + shift_s) * 1000), anchored)


def lease(n: int, *, free: int = 1, until_s: float = 30.0, kid: bytes | None = None) -> Lease:
    key = ledger_of("office", "ant", "bee").members["ant"].kid if kid is None else kid
    return Lease(
        kid=to_b64u(key), skills=("print",), free=free, capacity=2, load=0, until=MS + round(until_s * 1000), n=n
    )


def workers(kept: tuple[Known, ...] = (), *, now: Instant | None = None, trip: float = 0.01) -> Workers:
    ledger = ledger_of("office", "ant", "bee")
    return Workers(lambda: ledger, lambda _: trip, lambda: "0" * 32, kept, now or at(0))


def free(list_: Workers, now: Instant) -> list[int]:
    return [one.free for one in list_.candidates("", lambda *_: 0, {}, now) if one.leased and one.member]


def test_the_highest_number_wins_whatever_the_order() -> None:
    for order in permutations([lease(1, free=2), lease(2, free=0), lease(3, free=1)]):
        list_ = workers()
        for one in order:
            list_.heard("ant", one, MS, at(0))
        assert free(list_, at(1)) == [1]


def test_a_lease_ends_by_itself() -> None:
    list_ = workers()
    list_.heard("ant", lease(1), MS, at(0))
    assert [known.station for known in list_.available(at(29.9))] == ["ant"]
    assert list_.available(at(30.0)) == []


def test_a_worker_that_said_it_is_not_available_is_not_brought_back_by_an_older_lease() -> None:
    list_ = workers()
    list_.heard("ant", lease(5, free=0, until_s=1.0), MS, at(1))
    list_.heard("ant", lease(4, free=2), MS, at(2))
    assert list_.available(at(2)) == []
    list_.woke(at(5 * 3600.0))
    list_.heard("ant", lease(4, free=2, until_s=6 * 3600.0), MS, at(5 * 3600.0))
    assert list_.available(at(5 * 3600.0)) == []


def test_a_key_that_stands_only_in_the_lease_is_not_trusted() -> None:
    list_ = workers()
    for sender, one in (("ant", lease(1, kid=bytes(16))), ("bee", lease(1)), ("eve", lease(1))):
        note, counted = list_.heard(sender, one, MS, at(0))
        assert isinstance(note, Note)
        assert counted == Disbelieve("lease")
    assert list_.available(at(0)) == []


def test_who_is_no_worker_by_the_ledger_is_no_candidate() -> None:
    list_ = workers()
    kid = ledger_of("office", "ant", "bee").members["office"].kid
    list_.heard("office", lease(1, kid=kid), MS, at(0))
    assert free(list_, at(0)) == []


def test_no_wrong_clock_makes_a_lease_last_for_ever() -> None:
    list_ = workers()
    list_.heard("ant", lease(1, until_s=10**9), MS, at(0))
    assert list_.available(at(MOST_LEASE_MS / 1000 + 1)) == []
    list_ = workers()
    list_.heard("ant", lease(2), MS, at(0, anchored=False, shift_s=-(10.0**6)))  # as long as its sender said
    assert list_.available(at(29)) != []
    assert list_.available(at(31)) == []


def test_a_long_lease_is_known_after_a_restart_and_a_short_one_is_not_worth_the_disk() -> None:
    list_ = workers()
    assert not any(isinstance(one, Keep) for one in list_.heard("ant", lease(1), MS, at(0)))
    (keep, _) = list_.heard("ant", lease(2, until_s=900.0), MS, at(0))
    assert isinstance(keep, Keep)
    assert isinstance(keep.value, Known)
    later = Instant(3.0, MS + 60_000)  # another run: the monotonic clock began anew
    again = workers((keep.value,), now=later)
    assert len(again.available(Instant(842.0, MS))) == 1
    assert again.available(Instant(844.0, MS)) == []


def test_what_we_handed_out_since_its_lease_counts_against_a_worker() -> None:
    list_ = workers()
    list_.heard("ant", lease(1, free=2), MS, at(0))
    assert [one.free for one in list_.candidates("", lambda *_: 1, {}, at(1))] == [1]
    assert list_.room(lambda *_: 1, at(1))
    assert not list_.room(lambda *_: 2, at(1))


def test_failures_are_counted_over_the_last_twenty() -> None:
    list_ = workers()
    list_.heard("ant", lease(1), MS, at(0))
    for ok in [True] * 30 + [False] * 5:
        list_.settled("ant", ok=ok)
    list_.heard("ant", lease(2), MS, at(1))
    assert [one.failures for one in list_.candidates("", lambda *_: 0, {}, at(1))] == [0.25]


def test_nineteen_of_twenty_mails_come_within_the_time_that_is_waited_for() -> None:
    trips = Trips()
    assert trips.p95 == UNKNOWN_S
    for seconds in range(1, 21):
        trips.saw(float(seconds))
    assert trips.p95 == 19.0


def test_a_worker_that_was_away_over_the_weekend_does_not_make_it_patient_for_days() -> None:
    trips = Trips()
    trips.begin("task", 1, 0.0)
    trips.answered("task", 1, 60 * 3600.0)
    assert trips.p95 == MOST_S


def test_few_mails_that_were_quick_do_not_make_it_impatient_and_late_answers_make_it_patient() -> None:
    trips = Trips()
    trips.saw(2.0)
    assert trips.p95 == UNKNOWN_S
    for n in range(10):
        trips.begin("task", n, 0.0)
        trips.answered("task", n, 500.0)
        trips.answered("task", n, 900.0)
    assert trips.p95 == 500.0


def asked(effects: list[Effect]) -> list[tuple[str, ...]]:
    return [effect.recipients for effect in effects if isinstance(effect, Post) and effect.type == "lease.ask"]


def test_a_worker_nearby_whose_lease_ended_without_a_word_is_asked_again() -> None:
    list_ = workers()
    assert sorted(asked(list_.call(at(0), 1200.0))) == [("ant",), ("bee",)]
    list_.heard("ant", lease(1), MS, at(1))
    assert asked(list_.call(at(29), 1200.0)) == []
    assert asked(list_.call(at(30), 1200.0)) == [("ant",)]
    assert asked(list_.call(at(30 + SILENT_AGAIN_S - 1), 1200.0)) == []
    assert asked(list_.call(at(30 + SILENT_AGAIN_S), 1200.0)) == [("ant",)]


def test_a_worker_behind_a_mailbox_is_not_asked_so_often() -> None:
    list_ = workers(trip=60.0)
    list_.call(at(0), 1200.0)
    list_.heard("ant", lease(1), MS, at(1))
    assert asked(list_.call(at(300), 1200.0)) == []
