"""The tray's menu and tooltip as staff read them."""

from msgspec.structs import replace

from agent.domain.audience import Audience
from agent.domain.events import AnswerGiven, Instant, LinkChanged, PageAsked, WithdrawAsked
from agent.domain.ledger import Ledger, Member
from agent.domain.order import TITLE, Order
from agent.domain.page import Answer, InPage, OutPage, State, Target
from agent.domain.task import QuestionAnswered
from agent.ui.menu import tray_view
from agent.ui.snapshot import Proof, Question, QuickPage, Snapshot
from agent.ui.texts import Texts
from agent.ui.view import Entry, IconState, OpenWindow

ENGLISH = Texts.of("en")
KITCHEN, BEN = Audience("role", "kitchen"), Audience("person", "ben")
NOW_MS = 100_000
UP = LinkChanged("mqtt", "up")


def member(station: str, person: str, *roles: str) -> Member:
    return Member(station, person, roles, b"", b"", b"")


def there(count: int) -> Snapshot:
    """Anna's station with `count` others reachable, whoever is asked for."""
    members = (member("front", "anna", "front-desk"), member("kitchen-1", "ben", "kitchen"))
    return Snapshot(
        now=Instant(mono=100.0, ms=NOW_MS),
        station="front",
        version="1",
        ledger=replace(Ledger("s1"), members={one.station: one for one in members}),
        live=frozenset(),
        links={"mqtt": UP},
        link_since={},
        hub_live=True,
        hub_seen_ms=None,
        hub_rtt_ms=None,
        orders=[],
        pending=frozenset(),
        sent=[],
        received=[],
        unanswered=[],
        quiet_until=None,
        quiet_ends="",
        ready=True,
        reachable=lambda _: count,
        may_page=lambda _: True,
        may_order=True,
        quick_pages=[QuickPage("Page kitchen", KITCHEN)],
    )


def sent(state: State, title: str = "", note: str = "", audience: Audience = KITCHEN) -> OutPage:
    targets = {"kitchen-1": Target("kitchen-1", state, "mqtt")}
    return OutPage("out", audience, NOW_MS - 1000, NOW_MS * 2, "o1", title, note, False, targets)


def received(title: str = "", note: str = "") -> InPage:
    return InPage("in", "kitchen-1", Audience("role", "front-desk"), NOW_MS, NOW_MS * 2, "o1", title, note)


def lines(now: Snapshot) -> list[str]:
    """The menu's words, "" for a separator."""
    return [entry.text for entry in tray_view(now, ENGLISH).menu]


def entry(now: Snapshot, *path: str) -> Entry:
    """The entry at the end of a path of words."""
    entries = tray_view(now, ENGLISH).menu
    for text in path:
        found = next(one for one in entries if one.text == text)
        entries = found.submenu
    return found


def test_a_quiet_station_has_the_whole_menu_in_its_order() -> None:
    assert lines(there(1)) == [
        *("Page kitchen (1)", ""),
        *("Page a person", "Page for an order", ""),
        *("Orders…", "New order…", "Do not disturb", ""),
        *("Broker (MQTT): connected", "Status…", ""),
        "Quit",
    ]


def test_who_is_there_is_said_before_anybody_pages() -> None:
    assert lines(there(0))[0] == "Page kitchen (nobody there)"
    assert lines(there(3))[0] == "Page kitchen (3)"
    assert entry(there(0), "Page a person", "ben (not there)").intent == PageAsked(BEN)
    assert entry(there(1), "Page a person", "ben").intent == PageAsked(BEN)


def test_an_order_is_paged_for_in_three_clicks() -> None:
    order = Order("o1", "order", {TITLE: ("Order 17", (1, 0, "front"))})
    found = entry(replace(there(2), orders=[order]), "Page for an order", "Order 17", "kitchen (2)")
    assert found.intent == PageAsked(KITCHEN, order="o1")


def test_what_waits_for_an_answer_stands_on_top_with_its_three_answers() -> None:
    now = replace(there(1), unanswered=[received("Order 17")])
    assert lines(now)[:2] == ["ben Is Paging For Order 17", ""]
    answers = entry(now, "ben Is Paging For Order 17").submenu
    assert [(one.text, one.intent) for one in answers] == [
        ("On my way", AnswerGiven("in", "accepted")),
        ("Can't", AnswerGiven("in", "declined")),
        ("Later", AnswerGiven("in", "later")),
    ]
    assert tray_view(now, ENGLISH).icon is IconState.ATTENTION


def test_a_question_stands_beside_the_pages_with_what_may_be_answered() -> None:
    locked = Question("t@customer", "carla", "Is the back door locked?", ("Yes", "No"))
    now = replace(there(1), questions=(locked, Question("u@customer", "carla", "What is it worth?", ())))
    view = tray_view(now, ENGLISH)
    assert (view.icon, view.count) == (IconState.ATTENTION, 2)
    assert lines(now)[:2] == ["carla Asks: Is the back door locked?", "carla Asks: What is it worth?"]
    assert entry(now, "carla Asks: Is the back door locked?", "No").intent == QuestionAnswered("t@customer", "No")
    assert entry(now, "carla Asks: What is it worth?").intent == OpenWindow("pages")
    assert "2 questions wait for your answer" in view.tooltip.split("\n")


def test_a_question_too_long_for_the_menu_can_be_read_in_the_window() -> None:
    asked = Question("t@customer", "carla", "Is the back door locked? " * 9, ("Yes", "No"))
    (first, *_) = tray_view(replace(there(1), questions=(asked,)), ENGLISH).menu
    assert len(first.text) < 50
    assert [(one.text, one.intent) for one in first.submenu[2:]] == [("", None), ("Open", OpenWindow("pages"))]


def test_a_page_about_no_order_shows_its_note_in_one_line() -> None:
    now = replace(there(1), unanswered=[received(note="two coffees\nplease")])
    assert lines(now)[0] == "ben Is Paging You: two coffees please"


def test_a_page_on_its_way_says_to_whom_and_can_be_withdrawn() -> None:
    now = replace(there(1), sent=[sent(State.PRESENTED, "Order 17")])
    assert entry(now, "Order 17 to kitchen: shown", "Withdraw: Order 17").intent == WithdrawAsked("out")


def test_a_page_that_was_taken_says_by_whom_and_how_fast() -> None:
    page = sent(State.ACCEPTED, "Order 17")
    page.taken = Answer(page.at + 14_000, "kitchen-1", "ben", "accepted")
    assert entry(replace(there(1), sent=[page]), "Order 17: taken by ben after 14 s").submenu == ()


def test_pages_about_no_order_are_known_by_their_note_or_their_audience() -> None:
    with_note, bare = sent(State.PRESENTED, note="ready to serve"), sent(State.PRESENTED)
    assert "“ready to serve” to kitchen: shown" in lines(replace(there(1), sent=[with_note]))
    assert "kitchen: shown" in lines(replace(there(1), sent=[bare]))


def test_a_long_title_does_not_widen_the_menu() -> None:
    text = next(one for one in lines(replace(there(1), sent=[sent(State.PRESENTED, "x" * 120)])) if one.startswith("x"))
    assert len(text) < 70


def test_the_tooltip_says_who_what_waits_and_how_it_is_connected() -> None:
    now = replace(there(1), unanswered=[received()], quiet_until=200.0, quiet_ends="17:30")
    assert tray_view(now, ENGLISH).tooltip.split("\n") == [
        "No More Running - anna",
        "1 page waits for your answer",
        "Connected",
        "Do not disturb until 17:30",
    ]
    assert "Do not disturb until 17:30" in lines(now)


def test_the_tooltip_tells_a_silent_hub_from_a_missing_link() -> None:
    silent = replace(there(1), hub_live=False)
    assert tray_view(silent, ENGLISH).tooltip.endswith("Connected, but the hub does not answer")
    half = replace(there(1), links={"mqtt": UP, "mail": LinkChanged("mail", "down")})
    assert tray_view(half, ENGLISH).tooltip.endswith("Limited: only MQTT")
    gone = replace(there(1), links={"mqtt": LinkChanged("mqtt", "down")})
    assert tray_view(gone, ENGLISH).tooltip.endswith("No connection - pages wait here")


def test_the_connection_s_notice_stands_in_the_tooltip_word_for_word() -> None:
    failed = Proof("failed", "Connection Failure: Invalid PSK Received")
    now = replace(there(1), links={"mqtt": LinkChanged("mqtt", "down")}, proof=failed)
    assert tray_view(now, ENGLISH).tooltip.split("\n") == ["No More Running - anna", failed.notice]
    assert tray_view(now, ENGLISH).icon is IconState.OFFLINE


def test_a_hub_that_is_silent_is_amber_and_one_that_proves_itself_is_not_there_yet() -> None:
    amber = replace(there(1), proof=Proof("amber", "Connected: The Hub Is Silent - Last Proven At 12:00"))
    assert tray_view(amber, ENGLISH).icon is IconState.DEGRADED
    proving = replace(there(1), links={"mqtt": LinkChanged("mqtt", "proving")}, proof=Proof("proving", "x"))
    assert tray_view(proving, ENGLISH).icon is IconState.OFFLINE
    assert "Broker (MQTT): checking the hub" in lines(proving)
