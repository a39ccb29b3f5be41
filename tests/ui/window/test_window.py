"""The window is used with the keyboard alone, on a real screen, against a stand-in for the agent."""

from collections.abc import Callable

import pytest

from agent.ui.window.model.rows import listed
from agent.ui.window.model.shapes import Peer, State
from tests.servers.programs import until
from tests.ui.window import sample
from tests.ui.window.conftest import MAIN, Opened

pytestmark = pytest.mark.desktop
Open = Callable[..., Opened]


def test_a_new_order_is_typed_and_sent(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("ctrl+n")
    window.sees("^New Order$")
    window.type("Table 9")
    window.key("Tab")
    window.type("+49 171 4711")
    window.key("Tab", "space", "Return")
    assert window.asked("order.add") == {
        "kind": "order",
        "fields": {"title": "Table 9", "subtitle": "+49 171 4711", "flag_a": True, "flag_b": False},
    }
    window.sees_no("^New Order$")
    window.sees(MAIN)


def test_without_a_title_nothing_is_sent_and_what_was_typed_stays(open_window: Open, evening: State) -> None:
    window = open_window(evening, "new-order")
    window.sees("^New Order$")
    window.key("Tab")
    window.type("4711")
    window.key("Return")
    window.type("Table 9")  # the keyboard is in the first bad field again
    window.key("Return")
    assert window.asked("order.add")["fields"] == {
        "title": "Table 9",
        "subtitle": "4711",
        "flag_a": False,
        "flag_b": False,
    }
    assert len(window.agent.said("order.add")) == 1


def test_an_error_of_the_agent_keeps_the_form_open(open_window: Open, evening: State) -> None:
    window = open_window(evening, "new-order")
    error = {"code": "bad", "title": "Not possible", "message": "Such a title exists.", "field": "title"}
    window.agent.answers["order.add"] = lambda _: {"error": error}
    window.sees("^New Order$")
    window.type("Table 9")
    window.key("Return")
    window.asked("order.add")
    window.agent.answers["order.add"] = lambda _: {"result": {"order": "new"}}
    window.type(" b")
    window.key("Return")
    until(lambda: len(window.agent.said("order.add")) == 2, "the second try")
    assert window.agent.said("order.add")[1]["fields"]["title"] == "Table 9 b"
    window.sees_no("^New Order$")


def test_the_form_stands_over_the_window_from_the_start(open_window: Open, evening: State) -> None:
    window = open_window(evening, "new-order")
    window.sees("^New Order$")
    (left, top, width, height), (inner_left, inner_top, *_) = window.place(MAIN), window.place("^New Order$")
    assert left < inner_left < left + width / 2
    assert top < inner_top < top + height / 2


def test_escape_closes_a_form_and_sends_nothing(open_window: Open, evening: State) -> None:
    window = open_window(evening, "new-order")
    window.sees("^New Order$")
    window.type("Table 9")
    window.key("Escape")
    window.sees_no("^New Order$")
    assert window.agent.asked == []


def test_an_order_form_becomes_an_item_form_and_keeps_the_title(open_window: Open, evening: State) -> None:
    window = open_window(evening, "new-order")
    window.sees("^New Order$")
    window.type("Salmon")
    window.key("shift+Tab", "space")  # the choice of the kind stands before the title
    window.sees("^New 86$")
    window.key("Return")
    assert window.asked("order.add") == {
        "kind": "item",
        "fields": {"title": "Salmon", "flag_a": False, "flag_b": False},
    }


def test_only_what_was_changed_is_sent(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down", "F2")
    window.sees("^Edit Order$")
    window.key("End")
    window.type(" late")
    window.key("Return")
    assert window.asked("order.edit") == {"order": "o8", "fields": {"title": "Order 8 late"}}


def test_nothing_changed_sends_nothing(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down", "F2")
    window.sees("^Edit Order$")
    window.key("Return")
    window.sees_no("^Edit Order$")
    assert window.agent.asked == []


def test_an_order_is_done_by_a_key(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down", "Down", "ctrl+d")
    assert window.asked("order.done") == {"order": "o7"}


def test_deleting_asks_first(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down", "Delete")
    window.sees("^Delete$")
    window.key("Escape")
    window.sees_no("^Delete$")
    window.sees(MAIN)
    assert window.agent.asked == []
    window.key("Delete")
    window.sees("^Delete$")
    window.key("Return")
    assert window.asked("order.delete") == {"order": "o8"}


def test_a_page_for_an_order_is_sent_from_its_row(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down", "Return")
    window.sees("^Page for Order 8$")
    window.key("Home")
    window.type("k")  # a letter goes to the next name that begins with it
    window.key("Tab")
    window.type("now please")
    window.key("shift+Return")
    window.type("table is waiting")
    window.key("Tab", "space", "Return")
    assert window.asked("page") == {
        "to": {"role": "kitchen"},
        "order": "o8",
        "note": "now please\ntable is waiting",
        "urgent": True,
        "wait": False,
    }


def test_a_page_without_an_order_goes_to_whom_one_paged_last(open_window: Open, evening: State) -> None:
    window = open_window(evening, "pages")
    window.key("ctrl+p")
    window.sees("^Page$")
    window.key("Return")
    assert window.asked("page") == {
        "to": {"role": "kitchen"},
        "order": None,
        "note": "",
        "urgent": False,
        "wait": False,
    }


@pytest.mark.parametrize(
    ("key", "answer"), [("1", "accepted"), ("2", "declined"), ("alt+l", "later"), ("Return", "accepted")]
)
def test_a_page_is_answered_by_a_key(open_window: Open, evening: State, key: str, answer: str) -> None:
    evening["pages"] += sample.incoming(0)
    window = open_window(evening, "pages")
    window.until_still()
    window.key(key)
    assert window.asked("answer") == {"page": "in1", "answer": answer, "text": ""}


def test_the_next_page_takes_the_keyboard_when_one_is_answered(open_window: Open, evening: State) -> None:
    first, second = sample.incoming(0)
    window = open_window({**evening, "pages": [first, second]}, "pages")
    window.until_still()
    window.key("3")
    window.asked("answer")
    with window.changing():
        window.agent.tell(pages=[second])
    window.key("3")
    until(lambda: len(window.agent.said("answer")) == 2, "the second answer")
    assert [given["page"] for given in window.agent.said("answer")] == ["in1", "in2"]


def test_an_own_page_is_withdrawn(open_window: Open, evening: State) -> None:
    window = open_window(evening, "pages")
    window.key("Home", "Tab")  # past the last part the first comes again
    window.key("ctrl+2")
    window.key("Home", *["shift+Tab"], "space")
    assert window.asked("withdraw") == {"page": "p1"}


def test_a_search_narrows_the_list_to_what_was_meant(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("ctrl+f")
    window.type("birthday")
    window.key("Return", "ctrl+d")
    assert window.asked("order.done") == {"order": "o1"}


def test_every_part_of_the_orders_is_reached_by_tab(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("Down")
    window.key("Tab", "Tab", "Down", "ctrl+d")  # over “New 86” into the list of items
    assert window.asked("order.done") == {"order": "i0"}


def test_while_orders_are_fetched_one_can_create_and_not_edit(open_window: Open, evening: State) -> None:
    evening["status"]["can"] = {"page": False, "edit": False, "create": True}
    window = open_window(evening)
    window.key("Down", "F2", "Delete", "ctrl+d", "Return")
    window.key("ctrl+n")
    window.sees("^New Order$")
    window.type("Table 9")
    window.key("Return")
    window.asked("order.add")
    assert [do for do, _ in window.agent.asked] == ["order.add"]


def test_when_the_agent_comes_back_the_window_finds_it(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    with window.changing():
        window.agent.stop()
    window.key("ctrl+n")
    window.agent.start()
    until(lambda: window.agent.watchers == 2, "the second watch")
    window.until_still()
    window.key("Down", "ctrl+d")
    assert window.asked("order.done") == {"order": "o8"}
    assert window.screen.find_window("^New Order$") is None, "without an agent nothing can be created"


def test_the_agent_brings_the_window_to_another_tab(open_window: Open, evening: State) -> None:
    evening["pages"] += sample.incoming(0)
    window = open_window(evening, "status")
    with window.changing():
        window.agent.event({"event": "show", "window": "pages"})
    assert window.presses("1", "answer")["page"] == "in1"


def test_the_agent_opens_the_form_in_a_window_that_stands(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.agent.event({"event": "show", "window": "new-order"})
    window.sees("^New Order$")


def test_a_form_in_which_one_types_is_not_covered_by_another(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("ctrl+n")
    window.sees("^New Order$")
    window.type("Table 9")
    window.agent.event({"event": "show", "window": "pages"})
    window.agent.event({"event": "show", "window": "new-order"})
    window.agent.tell(orders=[])  # events come in order, so when this one was drawn the others were heard
    window.until_still()
    window.sees("^New Order$")
    window.type(" b")
    window.key("Return")
    assert window.asked("order.add")["fields"] == {
        "title": "Table 9 b",
        "subtitle": "",
        "flag_a": False,
        "flag_b": False,
    }


def test_what_one_reads_stays_in_place_when_orders_come_and_go(open_window: Open, evening: State) -> None:
    evening["texts"]["timer"] = False
    evening["orders"] = sample.orders(10**12, 60)
    window = open_window(evening)
    window.key("Next", "Next", "Next")
    window.until_still()
    listed_part = (220, 170, 960, 540)
    before = window.screen.pixels().crop(listed_part).tobytes()
    with window.changing():  # the count in the heading
        older = {**evening["orders"][0], "id": "older", "created_ms": 0}
        window.agent.tell(orders=[older, *evening["orders"]])
    assert window.screen.pixels().crop(listed_part).tobytes() == before


def test_another_language_is_spoken_at_once(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    with window.changing():
        window.agent.tell(texts={**sample.GERMAN, "theme": "dark"})
    window.key("ctrl+n")
    window.sees("^Auftrag neu anlegen$")


def test_ten_thousand_orders_are_as_quick_as_ten(open_window: Open, evening: State) -> None:
    evening["orders"] = sample.orders(0, 10_000)
    window = open_window(evening)
    window.key("End", "Home", "Next", "Next", "End", "Up", "Up", "ctrl+d")
    window.asked("order.done")
    window.key("ctrl+f")
    window.type("Order 5000")
    window.key("Return", "ctrl+d")
    first = listed(evening["orders"], "order", "Order 5000")[0]["id"]
    until(lambda: {"order": first} in window.agent.said("order.done"), "the order that was looked for")


def test_ctrl_w_closes_the_window(open_window: Open, evening: State) -> None:
    window = open_window(evening)
    window.key("ctrl+w")
    until(lambda: not window.running, "the end of the window")


def test_what_is_said_about_a_link_and_a_member_is_never_cut_off_while_there_is_room(
    open_window: Open, evening: State
) -> None:
    window = open_window(evening, "status")
    window.until_still()
    links, members = evening["status"]["links"], evening["members"]
    far = "imap.harbour.example:993, smtp.harbour.example:"
    for port in ("465", "466"):
        with window.changing():
            window.agent.tell(status={**evening["status"], "links": [*links[:2], {**links[2], "detail": far + port}]})
    for name in ("Ben of the kitchen by the", "Ben of the kitchen by it"):
        with window.changing():
            window.agent.tell(members=[members[0], {**members[1], "person": name}])


def test_whether_it_will_ring_can_be_scrolled_to_below_many_links(open_window: Open, evening: State) -> None:
    def seen(sound: str) -> None:
        peers: list[Peer] = [
            {"station": f"till-{i}", "state": "open", "route": "direct", "rtt_ms": 1.0} for i in range(30)
        ]
        window.agent.tell(status={**evening["status"], "peers": peers, "sound": sound})

    window = open_window(evening, "status")
    with window.changing():
        seen("simpleaudio")
    window.key("shift+Tab", *["Down"] * 40)
    window.until_still()
    with window.changing():
        seen("silent")
