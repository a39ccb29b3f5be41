"""One sender's rings are counted over a minute, and nobody else's."""

from agent.station.pages.storm import MINUTE_S, Storm, summary


def test_rings_are_counted_for_a_minute() -> None:
    storm = Storm()
    assert [storm.ring("front", float(second)) for second in range(5)] == [1, 2, 3, 4, 5]
    assert storm.ring("front", MINUTE_S + 1.5) == 4
    assert storm.ring("front", 1000.0) == 1


def test_each_sender_has_a_minute_of_its_own() -> None:
    storm = Storm()
    for _ in range(20):
        storm.ring("front", 1.0)
    assert storm.ring("boss", 1.0) == 1


def test_the_line_is_renewed_in_place() -> None:
    assert summary("front", "anna", 11).key == summary("front", "anna", 50).key
    assert summary("front", "anna", 11).key != summary("boss", "dora", 11).key
