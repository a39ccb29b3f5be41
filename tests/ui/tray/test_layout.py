"""The numbered tree of a menu: numbers that stay, and changes no larger than what changed."""

import random

from agent.ui.tray.layout import ROOT, Change, Layout
from agent.ui.tray.menu import Menu, build
from agent.ui.view import Entry


def nothing(_intent: object) -> None:
    """A click nobody waits for."""


def menu(*entries: Entry) -> Menu:
    return build(entries, nothing)


def labels(layout: Layout, number: int = ROOT) -> dict[str, int]:
    """Label to number of all entries below `number`."""
    found = {}
    for child in layout.nodes[number].children:
        found[str(layout.nodes[child].properties.get("label", "-"))] = child
        found |= labels(layout, child)
    return found


def test_a_first_menu_is_a_new_layout() -> None:
    layout = Layout()
    assert layout.replace(menu(Entry("a", "Page the kitchen"))).layout
    assert labels(layout) == {"Page the kitchen": 1}


def test_the_same_menu_again_changes_nothing() -> None:
    layout = Layout()
    entries = (Entry("a", "A", checked=True), Entry("s", ""), Entry("b", "B", submenu=(Entry("c", "C"),)))
    layout.replace(menu(*entries))
    assert layout.replace(menu(*entries)) == Change()


def test_other_words_ticks_and_greying_leave_the_layout_alone() -> None:
    layout = Layout()
    layout.replace(menu(Entry("a", "Sending", enabled=False), Entry("b", "Quiet", checked=False)))
    change = layout.replace(menu(Entry("a", "Taken by Ben"), Entry("b", "Quiet", checked=True)))
    assert not change.layout
    assert sorted(change.updated) == [(1, {"label": "Taken by Ben"}), (2, {"toggle-state": 1})]
    assert change.removed == [(1, ["enabled"])]


def test_an_entry_keeps_its_number_when_others_come_before_it() -> None:
    layout = Layout()
    layout.replace(menu(Entry("quit", "Quit")))
    assert layout.replace(menu(Entry("new", "New"), Entry("line", ""), Entry("quit", "Quit"))).layout
    assert labels(layout)["Quit"] == 1


def test_another_order_of_entries_is_a_new_layout() -> None:
    layout = Layout()
    layout.replace(menu(Entry("a", "A"), Entry("b", "B")))
    assert layout.replace(menu(Entry("b", "B"), Entry("a", "A"))).layout
    assert labels(layout) == {"B": 2, "A": 1}


def test_underscores_are_no_mnemonics() -> None:
    layout = Layout()
    layout.replace(menu(Entry("a", "till_2 _now")))
    assert layout.nodes[1].properties["label"] == "till__2 __now"


def test_equal_keys_still_get_numbers_of_their_own() -> None:
    layout = Layout()
    layout.replace(menu(Entry("a", "first"), Entry("a", "second")))
    assert layout.replace(menu(Entry("a", "first"), Entry("a", "second"))) == Change()
    assert labels(layout) == {"first": 1, "second": 2}


def entries(chance: random.Random, depth: int = 0) -> tuple[Entry, ...]:
    """Some of twelve possible entries in any order, with separators between and submenus below."""
    made = []
    for key in chance.sample("abcdefghijkl", chance.randrange(9)):
        if chance.random() < 0.1:
            made.append(Entry(f"line {key}", ""))
        below = entries(chance, depth + 1) if depth < 2 and chance.random() < 0.3 else ()
        text = f"{key}{chance.randrange(3)}"
        made.append(Entry(key, text, enabled=chance.random() < 0.8, submenu=below))
    return tuple(made)


def paths(layout: Layout, number: int = ROOT, path: str = "") -> dict[str, int]:
    """Path of keys to number of everything below `number`."""
    found = {}
    for child in layout.nodes[number].children:
        item = layout.nodes[child].item
        if item is not None:
            found[f"{path}/{item.entry.key}"] = child
            found |= paths(layout, child, f"{path}/{item.entry.key}")
    return found


def test_over_a_thousand_menus_a_number_stays_with_its_entry_and_never_goes_to_another() -> None:
    chance = random.Random(7)
    layout, before, owners, seen = Layout(), dict[str, int](), dict[int, str](), 0
    for _ in range(1000):
        layout.replace(build(entries(chance), nothing))
        now = paths(layout)
        for path, number in now.items():
            assert owners.setdefault(number, path) == path, "a number went to another entry"
            assert before.get(path, number) == number, "an entry that stayed changed its number"
            seen += path in before
        before = now
    assert seen > 1000, "the menus had nothing in common: this proves nothing"


def test_what_is_remembered_does_not_grow_with_the_menus_shown() -> None:
    layout = Layout()
    for number in range(1000):
        layout.replace(menu(Entry(str(number), "An order")))
    assert len(layout.nodes) == 2
    assert len(layout._ids) == 1
