"""A flood costs its sender and nobody else, and the memory of it has an end."""

from agent.routing.bucket import MOST_PEERS, Buckets


def test_a_burst_and_then_a_rate() -> None:
    buckets = Buckets(rate=2.0, burst=3)
    assert [buckets.take("mqtt", "front", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("mqtt", "front", 1.0) for _ in range(3)] == [True, True, False]


def test_peers_and_links_have_buckets_of_their_own() -> None:
    buckets = Buckets(rate=1.0, burst=1)
    assert buckets.take("mqtt", "front", 0.0)
    assert buckets.take("mqtt", "bar", 0.0)
    assert buckets.take("mail", "front", 0.0)
    assert not buckets.take("mqtt", "front", 0.0)


def test_a_full_bucket_is_forgotten_and_an_empty_one_is_not() -> None:
    buckets = Buckets(rate=1.0, burst=2)
    buckets.take("mqtt", "front", 0.0)
    buckets.take("mqtt", "bar", 0.5)
    buckets.forget_idle(1.0)
    assert list(buckets._levels) == [("mqtt", "bar")]


def test_a_broker_that_invents_names_fills_no_memory_and_frees_no_flooder() -> None:
    buckets = Buckets(rate=1.0, burst=1)
    for number in range(3 * MOST_PEERS):
        buckets.take("mqtt", f"invented-{number}", number / 10_000)
        buckets.take("mqtt", "flooder", number / 10_000)
    assert len(buckets._levels) <= MOST_PEERS
    assert not buckets.take("mqtt", "flooder", 3 * MOST_PEERS / 10_000)
