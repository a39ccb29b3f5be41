"""While a message is being stored every copy of it waits, and all are accepted together or not at all."""

from agent.routing.seen import Seen


def test_copies_wait_for_the_first_and_are_accepted_with_it() -> None:
    seen, accepted = Seen(), list[int]()
    assert seen.begin("1", lambda: accepted.append(1))
    assert not seen.begin("1", lambda: accepted.append(2))
    assert seen.begin("2", lambda: accepted.append(3))
    seen.stored("1")
    assert accepted == [1, 2]


def test_after_a_failure_nothing_is_accepted_and_the_next_copy_may_try() -> None:
    seen, accepted = Seen(), list[int]()
    seen.begin("1", lambda: accepted.append(1))
    seen.failed("1")
    assert seen.begin("1", lambda: accepted.append(2))
    seen.stored("1")
    assert accepted == [2]
    seen.stored("1")
