"""The reader asks often at first, and at last once a second."""

from itertools import islice

from agent.links.mail.rhythm import pauses


def test_it_begins_with_50_ms_grows_and_stays_at_a_second() -> None:
    first = list(islice(pauses(), 40))
    assert first[0] == 0.05
    assert first == sorted(first)
    assert first[-1] == 1.0
    assert sum(pause < 0.1 for pause in first) >= 3
