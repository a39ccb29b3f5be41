"""What waits for one recipient goes together, in order, as much of it as fits."""

from hypothesis import given
from hypothesis import strategies as st

from agent.links.mail.pack import MOST, ROOM, room_for
from agent.links.mail.settings import Recipient
from agent.links.mail.waiting import Batch, Waiting

BERT, CARL = (Recipient(f"{name}@mail.test", name.encode() * 4, bytes(32)) for name in ("bert", "carl"))
AWAY = Recipient("away@mail.test", b"bert" * 4, bytes(32))


def all_of(waiting: Waiting) -> list[Batch]:
    return list(iter(waiting.take, None))


def test_everything_for_one_recipient_is_one_mail_and_who_came_first_is_first() -> None:
    waiting = Waiting()
    for number, recipient in enumerate((BERT, CARL, BERT, BERT, CARL)):
        waiting.put(recipient.address, recipient, b"%d" % number, number)
    assert len(waiting) == 5
    assert [(batch.recipient, batch.containers, batch.tickets) for batch in all_of(waiting)] == [
        (BERT, [b"0", b"2", b"3"], [0, 2, 3]),
        (CARL, [b"1", b"4"], [1, 4]),
    ]
    assert len(waiting) == 0


def test_what_comes_while_a_mail_is_on_its_way_goes_with_the_next() -> None:
    waiting = Waiting()
    waiting.put("bert", BERT, b"first", 1)
    assert waiting.take() is not None
    waiting.put("bert", BERT, b"second", 2)
    batch = waiting.take()
    assert batch is not None
    assert batch.containers == [b"second"]
    assert waiting.take() is None


def test_a_station_that_has_moved_gets_two_mails() -> None:
    waiting = Waiting()
    waiting.put("bert", BERT, b"old", 1)
    waiting.put("bert", AWAY, b"new", 2)
    assert [batch.recipient for batch in all_of(waiting)] == [BERT, AWAY]


@given(st.lists(st.tuples(st.sampled_from([BERT, CARL]), st.integers(1, 40_960)), max_size=120))
def test_no_mail_is_too_large_and_nothing_is_lost_or_out_of_order(sizes: list[tuple[Recipient, int]]) -> None:
    waiting = Waiting()
    for number, (recipient, size) in enumerate(sizes):
        waiting.put(recipient.address, recipient, b"x" * size, number)
    batches = all_of(waiting)
    assert all(sum(map(room_for, batch.containers)) <= ROOM for batch in batches)
    for recipient in (BERT, CARL):
        came = [ticket for batch in batches if batch.recipient == recipient for ticket in batch.tickets]
        assert came == [number for number, (to, _) in enumerate(sizes) if to == recipient]


def test_one_station_can_be_given_up_and_the_others_stay() -> None:
    waiting = Waiting()
    for recipient in (BERT, CARL):
        waiting.put(recipient.address, recipient, b"x", recipient.address)
    assert [batch.recipient for batch in waiting.take_all(BERT.address)] == [BERT]
    waiting.put(BERT.address, BERT, b"y", None)
    assert [batch.recipient for batch in waiting.take_all()] == [CARL, BERT]
    assert waiting.take() is None


def test_a_mail_holds_no_more_containers_than_its_recipient_takes_out() -> None:
    waiting = Waiting()
    for number in range(MOST + 1):
        waiting.put("bert", BERT, b"x", number)
    assert [len(batch.containers) for batch in all_of(waiting)] == [MOST, 1]
