"""The ladder of a page: total, upwards only, and honest about what counts as delivered."""

from itertools import permutations, product

from agent.domain.audience import Audience
from agent.domain.page import BEST_FIRST, RANK, STEPS, Answer, OutPage, State, Target, best


def test_every_state_takes_every_fact() -> None:
    assert set(STEPS) == set(product(State, State))


def test_a_target_only_climbs() -> None:
    assert all(RANK[after] >= RANK[now] for (now, _), after in STEPS.items())


def test_the_order_of_receipts_does_not_matter() -> None:
    facts = (State.SENT, State.STORED, State.PRESENTED, State.SEEN, State.ACCEPTED)
    ends = set()
    for order in permutations(facts):
        target = Target("kitchen")
        for fact in order:
            target.hear(fact, 1)
        ends.add(target.state)
    assert ends == {State.ACCEPTED}


def test_an_answer_that_comes_after_the_end_still_counts() -> None:
    for end in (State.EXPIRED, State.UNDELIVERABLE, State.WITHDRAWN, State.MISSED):
        assert STEPS[end, State.ACCEPTED] is State.ACCEPTED
        assert STEPS[end, State.STORED] is end


def test_every_state_has_its_place_in_the_sender_s_view() -> None:
    assert set(BEST_FIRST) == set(State)
    assert best([State.DECLINED, State.PRESENTED]) is State.PRESENTED
    assert best([]) is State.UNDELIVERABLE


def page(*states: State, late: bool = False) -> OutPage:
    targets = {str(n): Target(str(n), state, late=late) for n, state in enumerate(states)}
    return OutPage("0" * 32, Audience("role", "kitchen"), 0, 1000, targets=targets)


def test_sent_is_never_success() -> None:
    assert page(State.SENT, late=True).late
    assert not page(State.STORED, State.SENT, late=True).late


def test_a_page_is_settled_when_taken_or_when_nobody_is_left() -> None:
    assert not page(State.DECLINED, State.PRESENTED).settled
    assert page(State.DECLINED, State.EXPIRED).settled
    taken = page(State.PRESENTED)
    taken.taken = Answer(5, "kitchen", "ben", "accepted")
    assert taken.settled


def test_the_lowest_time_and_station_wins() -> None:
    first, second = Answer(5, "a", "anna", "accepted"), Answer(5, "b", "ben", "accepted")
    assert min(second, first) is first
    assert min(Answer(4, "z", "zoe", "accepted"), first).station == "z"
