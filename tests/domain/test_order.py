"""Orders merge alike whatever the order, and the dead stay dead."""

from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.messages import FieldValue, Stamp
from agent.domain.order import TOMBSTONE_MS, Clock, Order, forget_old, merge, readable

stamps = st.tuples(st.integers(0, 5), st.integers(0, 2), st.sampled_from(["a", "b", "c"]))
values = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.integers(-3, 3))
fields = st.dictionaries(st.sampled_from(["title", "done", "flag_a"]), st.tuples(values, stamps), max_size=3)
orders = st.builds(
    lambda fields, dead, kind: Order("u", kind, fields, dead),
    fields,
    st.none() | stamps,
    st.sampled_from(["order", "item"]),
)


@given(st.lists(orders, min_size=1, max_size=6), st.randoms())
def test_any_order_any_doubles_one_result(changes: list[Order], random: Random) -> None:
    other = changes + random.choices(changes, k=2)
    random.shuffle(other)
    assert reduce(merge, changes) == reduce(merge, other)


@given(orders, orders, orders)
def test_merging_is_associative(a: Order, b: Order, c: Order) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def test_a_late_put_does_not_bring_an_order_back() -> None:
    dead: Stamp = (10, 0, "a")
    order = merge(Order("u", "order", {}, dead), Order("u", "order", {"title": ("soup", (9, 0, "b"))}))
    assert not order.alive
    assert order.title == ""
    assert merge(order, Order("u", "order", {"title": ("soup", (11, 0, "b"))})).alive


def test_a_clock_is_never_behind_what_it_saw() -> None:
    clock, first = Clock("a").tick(100)
    clock = clock.saw((500, 3, "b"), 200)
    clock, second = clock.tick(200)
    assert first < (500, 3, "b") < second
    assert clock.saw((10**12, 0, "b"), 200) == clock


def test_tombstones_are_kept_a_week() -> None:
    order = Order("u", "order", {}, (1000, 0, "a"))
    assert forget_old([order], 1000 + TOMBSTONE_MS) == []
    assert forget_old([order], 1001 + TOMBSTONE_MS) == ["u"]


def test_a_faulty_field_becomes_the_same_readable_one_everywhere() -> None:
    stamp: Stamp = (1, 0, "a")
    junk: dict[str, tuple[FieldValue, Stamp]] = {
        "title": (5, stamp),
        "subtitle": ("x" * 5000, stamp),
        "flag_a": ("no", stamp),
        "created": ("abc", stamp),
    }
    seen = readable(Order("u", "order", {**junk, "done": (None, stamp), "by": (True, stamp), "zz": ("?", stamp)}))
    assert {name: value for name, (value, _) in seen.fields.items()} == {
        "title": "5",
        "subtitle": "x" * 120,
        "flag_a": True,
        "created": 0,
        "done": False,
        "by": "True",
    }


@given(orders, orders)
def test_reading_first_or_merging_first_is_the_same(a: Order, b: Order) -> None:
    mine = readable(merge(readable(a), readable(b)))
    theirs = readable(merge(a, b))
    assert {name: stamp for name, (_, stamp) in mine.fields.items()} == {
        name: stamp for name, (_, stamp) in theirs.fields.items()
    }
    assert (mine.kind, mine.dead) == (theirs.kind, theirs.dead)
