"""Receipts gather: the highest stage of each message, as few letters as fit."""

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.envelope import PART_BYTES
from agent.routing.receipts import MOST, Receipts
from agent.wire.strict_json import decode, encode

texts = st.text(st.characters(exclude_categories=()), max_size=200)


def test_a_higher_stage_replaces_a_lower_one_that_has_not_left() -> None:
    receipts = Receipts()
    for stage in ("stored", "presented", "stored"):
        receipts.add("kitchen", "1" * 32, stage, "", 5)
    ((sender, sent),) = receipts.take()
    assert (sender, [item.stage for item in sent.items]) == ("kitchen", ["presented"])
    assert not receipts
    assert receipts.take() == []


def test_each_sender_gets_its_own() -> None:
    receipts = Receipts()
    receipts.add("kitchen", "1" * 32, "stored", "", 5)
    receipts.add("bar", "2" * 32, "stored", "", 5)
    assert sorted(sender for sender, _ in receipts.take()) == ["bar", "kitchen"]


def test_a_burst_is_cut_into_messages_of_64() -> None:
    receipts = Receipts()
    for number in range(2 * MOST + 1):
        receipts.add("kitchen", f"{number:032x}", "stored", "", 1_790_000_000_000)
    assert [len(sent.items) for _, sent in receipts.take()] == [MOST, MOST, 1]


@given(st.lists(texts, min_size=1, max_size=100))
def test_whatever_the_reasons_are_each_message_fits_and_can_be_read(reasons: list[str]) -> None:
    receipts = Receipts()
    for number, why in enumerate(reasons):
        receipts.add("kitchen", f"{number:032x}", "refused", why, 1_790_000_000_000)
    taken = receipts.take()
    assert sum(len(sent.items) for _, sent in taken) == len(reasons)
    for _, sent in taken:
        body = encode([[item.id, item.stage, item.why, item.at] for item in sent.items])
        assert len(body) < PART_BYTES - 1024
        decode(body)
