"""The hub's copy of the orders: it converges like every other, counts its changes and lets nothing spoil a list."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from agent.domain.effects import Keep, Note
from agent.domain.messages import OrderDelete, OrderPut
from agent.domain.order import Order, to_order
from agent.hub.registry import Filed, Registry
from tests.hub.told import START_MS, put


def merged(registry: Registry, change: OrderPut | OrderDelete, now: int = START_MS) -> list[object]:
    return list(registry.merge(to_order(change), now, now))


def test_a_change_is_kept_under_a_growing_count() -> None:
    registry = Registry(())
    counts: list[int] = []
    for n in (1, 2, 1):
        (keep,) = merged(registry, put(n, counter=len(counts)))
        assert isinstance(keep, Keep)
        assert isinstance(keep.value, Filed)
        counts.append(keep.value.count)
    assert counts == sorted(set(counts))
    assert registry.count == counts[-1]
    assert [filed.order.uuid for filed in registry.changed_after(counts[0])] == [put(2).uuid, put(1).uuid]


def test_what_changes_nothing_is_not_counted() -> None:
    registry = Registry(())
    merged(registry, put(1))
    count = registry.count
    assert merged(registry, put(1)) == []
    assert merged(registry, put(1, "older", ms=START_MS - 5)) == []
    assert registry.count == count


def test_counts_never_come_again_after_a_restore_from_a_backup() -> None:
    registry = Registry(())
    merged(registry, put(1), START_MS)
    lost = registry.count
    restored = Registry(())
    merged(restored, put(2), START_MS + 60_000)
    assert restored.count > lost


def test_a_change_from_the_far_future_is_refused() -> None:
    registry = Registry(())
    (note,) = merged(registry, put(1, ms=START_MS + 120_001))
    assert isinstance(note, Note)
    assert len(registry) == 0
    assert merged(registry, put(1, ms=START_MS + 120_000))


def test_an_order_that_fits_into_no_list_is_refused_and_the_one_before_stays() -> None:
    registry = Registry(())
    merged(registry, put(1, "small"))
    for n in range(10):
        name = f"field_{'abcdefghij'[n]}"
        stamp = (START_MS, 0, "anna")
        merged(registry, OrderPut(uuid=put(1).uuid, kind="order", fields={name: ("x" * 1000, stamp)}))
    filed = registry.get(put(1).uuid)
    assert filed is not None
    assert filed.order.title == "small"
    assert filed.size <= 8192
    (note,) = merged(registry, put(1, more="x" * 5000))
    assert isinstance(note, Note)


def test_what_was_kept_is_the_same_after_a_restart() -> None:
    registry = Registry(())
    kept: dict[str, bytes] = {}
    for n in (3, 1, 2, 3):
        for effect in merged(registry, put(n, counter=len(kept), flag_a=True, done=None)):
            assert isinstance(effect, Keep)
            kept[effect.id] = json.encode(effect.value)
    again = Registry(json.decode(body, type=Filed) for body in kept.values())
    assert again.changed_after(0) == registry.changed_after(0)
    assert again.count == registry.count


changes = st.builds(
    lambda n, name, value, ms, by, dead: (
        OrderDelete(uuid=f"{n:032x}", stamp=(ms, 0, by))
        if dead
        else OrderPut(uuid=f"{n:032x}", kind="order", fields={name: (value, (ms, 0, by))})
    ),
    st.integers(0, 2),
    st.sampled_from(["title", "done"]),
    st.sampled_from(["a", "b", True]),
    st.integers(START_MS, START_MS + 3),
    st.sampled_from(["anna", "ben"]),
    st.booleans(),
)


@given(st.lists(changes, max_size=12), st.integers(0, 1000))
def test_the_order_in_which_changes_come_does_not_matter(told: list[OrderPut | OrderDelete], seed: int) -> None:
    one, other = Registry(()), Registry(())
    shuffled = [*told, *told[:3]]
    Random(seed).shuffle(shuffled)
    for change in told:
        merged(one, change)
    for change in shuffled:
        merged(other, change)

    def orders(registry: Registry) -> dict[str, Order]:
        return {filed.order.uuid: filed.order for filed in registry.changed_after(0)}

    assert orders(one) == orders(other)


def test_tombstones_are_listed_until_they_are_a_week_old() -> None:
    registry = Registry(())
    merged(registry, put(1))
    merged(registry, OrderDelete(uuid=put(1).uuid, stamp=(START_MS + 1, 0, "ben")), START_MS + 1)
    assert registry.alive() == 0
    assert len(registry.changed_after(0)) == 1
    week = 7 * 24 * 3600 * 1000
    assert registry.forget_old(START_MS + week) == []
    assert registry.forget_old(START_MS + week + 2) == [Keep("order", put(1).uuid, None)]
    assert len(registry) == 0
