"""The list of orders: who is in it, in which order, masked and with its age."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.rows import age, kind_name, listed, masked, open_count, order_row, pending_count
from agent.ui.window.model.shapes import Order
from tests.ui.window import sample

ENGLISH, GERMAN = window_texts("en"), window_texts("de")
SECOND, HOUR = 1000, 3_600_000


def order(name: str, created_ms: int = 0, **fields: object) -> Order:
    """An order with just these fields."""
    return {"id": name, "kind": "order", "title": name, "created_ms": created_ms, **fields}  # type: ignore[typeddict-item]


def ids(orders: list[Order]) -> list[str]:
    """Which orders these are."""
    return [order["id"] for order in orders]


def test_the_oldest_open_order_is_on_top_and_done_ones_are_last() -> None:
    orders = [order("new", 30), order("old", 10), order("finished", 5, done=True), order("middle", 20)]
    assert ids(listed(orders, "order")) == ["old", "middle", "new", "finished"]


def test_orders_of_the_same_moment_stand_in_the_same_order_everywhere() -> None:
    assert ids(listed([order("b"), order("a")], "order")) == ids(listed([order("a"), order("b")], "order"))


def test_items_have_a_list_of_their_own() -> None:
    orders = [order("table"), order("salmon", kind="item")]
    assert ids(listed(orders, "item")) == ["salmon"]
    assert ids(listed(orders, "order")) == ["table"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("meyer", ["Pick-up Meyer"]),
        ("MEYER pick", ["Pick-up Meyer"]),
        ("4711", ["Table"]),
        ("ben", ["Table"]),
        ("nobody", []),
        ("  ", ["Pick-up Meyer", "Table"]),
    ],
)
def test_a_search_finds_all_words_in_title_subtitle_and_person(words: str, found: list[str]) -> None:
    orders = [order("Pick-up Meyer"), order("Table", subtitle="+49 4711", by="Ben")]
    assert ids(listed(orders, "order", words)) == found


@pytest.mark.parametrize(
    ("text", "shown"),
    [("+49 171 5550123", "••• 0123"), ("0123", "0123"), ("", ""), ("12 3456", "••• 3456"), ("12345", "••• 2345")],
)
def test_only_the_last_four_characters_stay_readable(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_the_mask_does_not_tell_how_long_the_text_is() -> None:
    assert len(masked("12345678")) == len(masked("123456789012345678"))


def test_a_selected_row_shows_its_subtitle_whole() -> None:
    phone = order("Meyer", subtitle="+49 171 5550123")
    assert order_row(phone, sample.ENGLISH, ENGLISH, 0, revealed=False).subtitle == "••• 0123"
    assert order_row(phone, sample.ENGLISH, ENGLISH, 0, revealed=True).subtitle == "+49 171 5550123"


def test_nothing_is_masked_where_masking_is_off() -> None:
    phone = order("Meyer", subtitle="+49 171 5550123")
    assert order_row(phone, {**sample.ENGLISH, "mask": False}, ENGLISH, 0, revealed=False).subtitle == "+49 171 5550123"


def test_masking_is_on_unless_somebody_switched_it_off() -> None:
    assert order_row(order("Meyer", subtitle="5550123"), {}, ENGLISH, 0, revealed=False).subtitle == "••• 0123"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "00:00:00"),
        (59, "00:00:59"),
        (3_661, "01:01:01"),
        (86_399, "23:59:59"),
        (86_400, "> 24 Hours"),
        (9**9, "> 24 Hours"),
    ],
)
def test_an_age_counts_to_one_day(seconds: int, shown: str) -> None:
    assert age(1_000, 1_000 + seconds * SECOND, ENGLISH) == shown


def test_an_order_from_a_clock_that_is_ahead_is_new() -> None:
    assert age(60_000, 0, ENGLISH) == "00:00:00"


def test_an_age_speaks_german() -> None:
    assert age(0, 25 * HOUR, GERMAN) == "> 24 Stunden"


def test_no_age_where_ages_are_off() -> None:
    assert order_row(order("a"), {**sample.ENGLISH, "timer": False}, ENGLISH, HOUR, revealed=False).age == ""


def test_flags_show_their_configured_names_when_set() -> None:
    row = order_row(order("a", flag_a=True), sample.ENGLISH, ENGLISH, 0, revealed=False)
    assert row.flags == ("Dessert", "")
    item = order_row(order("a", kind="item", flag_b=True), sample.ENGLISH, ENGLISH, 0, revealed=False)
    assert item.flags == ("", "Sold Out")


def test_a_flag_without_a_name_is_not_used() -> None:
    row = order_row(order("a", flag_a=True, flag_b=True), {"flag_b": "Paid"}, ENGLISH, 0, revealed=False)
    assert row.flags == ("", "Paid")


def test_what_is_not_yet_shared_is_marked() -> None:
    assert order_row(order("a", pending=True), {}, ENGLISH, 0, revealed=False).pending
    assert pending_count([order("a", pending=True), order("b"), order("c", kind="item", pending=True)]) == 2


def test_only_orders_that_need_work_are_counted() -> None:
    assert open_count([order("a"), order("b", done=True), order("c", kind="item")]) == 1


def test_kinds_have_the_names_this_site_gave_them() -> None:
    assert kind_name(sample.GERMAN, "order") == "Auftrag"
    assert (kind_name({}, "order"), kind_name({}, "item")) == ("Order", "86")
