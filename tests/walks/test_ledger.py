"""All honest stations come to the same list of members, whatever net and mail do and however one of them lies."""

from random import Random

import pytest

from agent.station.ledger.membership import Guards
from tests.walks.crowd import MAIL_S, Crowd, verify_once


@pytest.fixture(autouse=True)
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.wire.ledger.verify", verify_once)


def play(crowd: Crowd, changes: int) -> None:
    """Changes now and then, while a part of the fast ones is cut off for hours; the last one finds all in order."""
    crowd.loss, crowd.double = 0.02, 0.1
    for number in range(changes):
        if number % 40 == 0:
            crowd.cut = frozenset(crowd.random.sample(sorted(crowd.nodes), len(crowd.nodes) // 3))
        elif number % 40 == 10:
            crowd.cut = frozenset()
        if number == changes - 1:
            crowd.cut, crowd.loss = frozenset(), 0.0
        crowd.change()
        if number < changes - 1:
            crowd.advance(crowd.random.uniform(0, 600))


def settled(crowd: Crowd) -> None:
    """One delay after the last change all honest ones are equal, none is frozen, and none was told of a false alarm."""
    crowd.advance(MAIL_S + 5)
    assert crowd.equal
    assert [node.name for node in crowd.honest if node.frozen] == []
    told = {text for node in crowd.honest for text in node.told}
    assert told <= {"notice.ledger-ahead"}  # of the liar, who claims what nobody wrote


@pytest.mark.parametrize("seed", [1, 2])
def test_a_dozen_stations_agree_one_delay_after_the_last_change(seed: int) -> None:
    crowd = Crowd(Random(seed), size=12, slow=5)
    play(crowd, 60)
    settled(crowd)


def test_stations_that_ask_nobody_would_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.station.ledger.questions.Questions.ask", lambda *_: [])
    monkeypatch.setattr("tests.walks.crowd.PUSHED", 1)
    crowd = Crowd(Random(1), size=12, slow=5)
    play(crowd, 60)
    with pytest.raises(AssertionError):
        settled(crowd)


def split(life: str, guards: Guards) -> Crowd:
    """A hub with two faces; what it told each of them is there before they hear of each other."""
    crowd = Crowd(Random(4), size=12, slow=5, guards=guards)
    crowd.loss, crowd.double = 0.02, 0.1
    crowd.next_word = crowd.clock.mono + MAIL_S + 5
    crowd.two_faces()
    crowd.advance(MAIL_S + 4)
    for node in crowd.nodes.values():
        assert node.ledger.head == crowd.log(node.name).ledger.head
        if life == "restarted":
            node.boot()
        if life == "store lost":
            node.lose_store()
    return crowd


@pytest.mark.parametrize("life", ["running", "restarted", "store lost"])
def test_a_hub_with_two_faces_is_found_out_by_all_soon_after_the_first_of_both_sides_speak(life: str) -> None:
    crowd = split(life, Guards())
    crowd.advance(3600 + 2 * MAIL_S)  # within the hour somebody speaks; then a word, its proof and all are told by mail
    assert [node.name for node in crowd.honest if not node.frozen] == []


def test_without_the_guard_a_hub_with_two_faces_goes_on_with_both() -> None:
    crowd = split("running", Guards(fork=False))
    crowd.advance(3600 + 2 * MAIL_S)
    assert [node.name for node in crowd.honest if node.frozen] == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_fifty_stations_agree_after_five_hundred_changes() -> None:
    crowd = Crowd(Random(3))
    play(crowd, 500)
    settled(crowd)
