"""Texts come once, whole and in their order, whatever a change of channels does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.texts import PART_TEXT, Text
from agent.p2p_api.order import MOST_BYTES, PART_BYTES, Incoming, Outgoing

SEAT, OTHER = "a" * 32, "b" * 32


def parts(outgoing: Outgoing, message: bytes) -> list[Text]:
    return list(outgoing.texts(message))


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, MOST_BYTES])
def test_a_text_of_any_length_comes_whole(size: int) -> None:
    message = bytes(number % 251 for number in range(size))
    outgoing, incoming = Outgoing(SEAT), Incoming()
    for _ in range(2):
        sent = parts(outgoing, message)
        assert max(len(text.part) for text in sent) <= PART_TEXT
        assert [incoming.take(text) for text in sent] == [(True, None)] * (len(sent) - 1) + [(True, message)]


def test_what_is_longer_than_any_text_is_refused_and_the_next_one_comes() -> None:
    outgoing, incoming = Outgoing(SEAT), Incoming()
    *_, (taken, message) = [incoming.take(text) for text in parts(outgoing, bytes(MOST_BYTES + 1))]
    assert (taken, message) == (False, None)
    outgoing.begin_anew()
    assert [incoming.take(text) for text in parts(outgoing, b"next")] == [(True, b"next")]


def test_nothing_comes_twice_or_after_what_was_lost() -> None:
    outgoing, incoming = Outgoing(SEAT), Incoming()
    (first,), (lost,), (third,) = (parts(outgoing, name) for name in (b"1", b"2", b"3"))
    assert incoming.take(first) == (True, b"1")
    assert incoming.take(first) == (False, None)
    assert incoming.take(third) == (False, None)
    outgoing.begin_anew()
    (fourth,) = parts(outgoing, b"4")
    assert incoming.take(fourth) == (True, b"4")
    assert incoming.take(lost) == (False, None)
    assert incoming.take(third) == (False, None)


def test_a_text_given_up_in_the_middle_is_not_mixed_with_the_next() -> None:
    for sent in (1, 2):
        outgoing, incoming = Outgoing(SEAT), Incoming()
        sending = outgoing.texts(bytes(3 * PART_BYTES))
        assert [incoming.take(next(sending)) for _ in range(sent)] == [(True, None)] * sent
        sending.close()
        outgoing.begin_anew()
        assert [incoming.take(text) for text in parts(outgoing, b"whole")] == [(True, b"whole")]


def test_a_new_run_of_the_sender_is_heard_and_its_old_one_no_more() -> None:
    old, new, incoming = Outgoing(SEAT), Outgoing(OTHER), Incoming()
    assert incoming.take(parts(old, b"old")[0]) == (True, b"old")
    late = parts(old, b"late")[0]
    assert incoming.take(parts(new, b"new")[0]) == (True, b"new")
    old.begin_anew()
    assert incoming.take(late) == (False, None)
    assert incoming.take(parts(old, b"later")[0]) == (False, None)


def test_whoever_joins_in_the_middle_waits_for_a_beginning() -> None:
    outgoing, incoming = Outgoing(SEAT), Incoming()
    parts(outgoing, b"before")
    assert incoming.take(parts(outgoing, b"now")[0]) == (False, None)
    outgoing.begin_anew()
    assert incoming.take(parts(outgoing, b"now")[0]) == (True, b"now")


def test_a_part_that_is_no_base64_is_refused() -> None:
    text = Text(seat=SEAT, n=1, first=True, more=False, part="A")
    assert Incoming().take(text) == (False, None)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), max_size=40))
def test_over_channels_that_lose_and_delay_everything_comes_at_most_once_and_in_order(
    steps: list[tuple[bool, bool, int]],
) -> None:
    outgoing, incoming, came = Outgoing(SEAT), Incoming(), list[int]()
    under_way: list[Text] = []
    for number, (lost, anew, late) in enumerate(steps):
        if anew:
            outgoing.begin_anew()
        (text,) = parts(outgoing, b"%d" % number)
        if not lost:
            under_way.insert(max(0, len(under_way) - late), text)
        while len(under_way) > late:
            _, message = incoming.take(under_way.pop(0))
            came += [] if message is None else [int(message)]
    assert came == sorted(set(came))
