"""Who gets a task: never somebody who cannot, always the same for the same, and told so that it can be done again."""

from collections import Counter
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from agent.tasking import choice
from agent.tasking.choice import Candidate, Verdict, choose, winner_of
from agent.tasking.worker import Rules
from tests.tasking.site import Site

NAMES = st.sampled_from(["ant", "bee", "cow", "dog", "eel"])
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        station=NAMES,
        skills=st.sampled_from([(), ("print",), ("ask", "print")]),
        free=st.integers(0, 4),
        capacity=st.integers(1, 4),
        load=st.floats(0, 1),
        trip=st.none() | st.floats(0, 4000),
        failures=st.floats(0, 1),
        member=st.booleans(),
        leased=st.booleans(),
        shunned=st.sampled_from(["", "lost"]),
    ),
    unique_by=lambda one: one.station,
)


def able(**changes: object) -> Candidate:
    """A worker that can do everything."""
    values = {"station": "ant", "skills": ("print",), "free": 1, "capacity": 1, "trip": 0.01, **changes}
    return Candidate(**values)  # type: ignore[arg-type]  # names of its fields


@settings(max_examples=100)
@given(CANDIDATES, st.integers(0, 2**64))
def test_whoever_cannot_is_never_chosen_and_somebody_who_can_is(candidates: list[Candidate], number: int) -> None:
    verdict = choose(f"{number:032x}", "print", candidates)
    fit = {
        one.station
        for one in candidates
        if one.member and one.leased and "print" in one.skills and one.trip is not None and one.free and not one.shunned
    }
    assert (verdict.winner in fit) if fit else verdict.winner == ""
    assert {one.station for one in verdict.judged if not one.refused} == fit


@settings(max_examples=100)
@given(CANDIDATES)
def test_the_reasons_alone_as_they_were_kept_give_the_same_choice(candidates: list[Candidate]) -> None:
    verdict = choose("7" * 32, "print", candidates)
    kept = json.decode(json.encode(verdict), type=Verdict)
    assert winner_of(kept.judged) == winner_of(tuple(reversed(kept.judged))) == verdict.winner
    shuffled = sorted(candidates, key=lambda one: one.station[::-1])
    assert choose("7" * 32, "print", shuffled) == verdict


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"member": False}, choice.NO_MEMBER),
        ({"leased": False}, choice.NO_LEASE),
        ({"skills": ("ask",)}, choice.NO_SKILL),
        ({"trip": None}, choice.NO_WAY),
        ({"free": 0}, choice.FULL),
        ({"shunned": "lost"}, "lost"),
    ],
)
def test_each_refusal_has_its_reason(changes: dict[str, object], why: str) -> None:
    assert choose("0" * 32, "print", [able()]).judged[0].refused == ""
    assert choose("0" * 32, "print", [able(**changes)]).judged[0].refused == why


def test_the_score_is_the_one_that_is_written_down() -> None:
    one = able(free=1, capacity=2, load=0.25, trip=3.0, failures=0.5)
    (judged,) = choose("0" * 32, "print", [one]).judged
    assert judged.score == pytest.approx(4 * 0.5 - 2 * 0.25 - log2(4) - 3 * 0.5)


@pytest.mark.parametrize(
    "worse", [{"free": 1, "capacity": 4}, {"load": 0.9}, {"trip": 60.0}, {"failures": 0.5}], ids=str
)
def test_each_part_of_the_score_decides_between_two_who_are_alike_else(worse: dict[str, object]) -> None:
    for number in range(20):
        candidates = [able(station="ant", **worse), able(station="bee")]
        assert choose(f"{number:032x}", "print", candidates).winner == "bee"


def test_equal_workers_get_equal_shares_of_a_thousand_tasks() -> None:
    shares = Counter(
        choose(f"{number:032x}", "print", [able(station=name) for name in ("ant", "bee", "cow", "dog")]).winner
        for number in range(1000)
    )
    assert max(shares.values()) <= 1.5 * min(shares.values())


def test_two_hundred_tasks_at_once_are_spread_over_equal_workers() -> None:
    rules = dict.fromkeys(("ant", "bee", "cow", "dog"), Rules(4, {"print": 4}))
    site = Site(2, rules, seconds=(1.0, 3.0))
    ids = [site.ask(data=b"x") for _ in range(200)]
    site.until(lambda: all(site.tasks[id_].ended for id_ in ids))
    shares = Counter(station for id_ in ids for _, station, _ in site.checker.starts[id_])
    assert sum(shares.values()) == 200
    assert max(shares.values()) <= 1.5 * min(shares.values())
    site.checker.settled()
