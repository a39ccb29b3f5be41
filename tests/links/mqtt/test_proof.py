"""Up means delivered; and a queue at the broker is never thrown away for a probe that only comes late."""

import asyncio

import pytest

from agent.links.base import LinkDown
from agent.links.mqtt import requests as requests_module
from agent.links.mqtt.probe import Probe
from agent.links.mqtt.proof import Proof
from agent.links.mqtt.session import MqttSession
from tests.links.mqtt.fake_network import SETTINGS, FakeNetwork, message, with_session
from tests.links.taking import until


def proof_of(session: MqttSession, every: float = 0.02) -> Proof:
    """A proof that is quick to judge."""
    (inbox,) = SETTINGS.heard()
    return Proof(session, inbox, every=every, within=0.05)


def test_an_inbox_whose_probe_comes_back_is_open_without_subscribing_anew() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        await proof_of(session).open()
        assert network.did == ["subscribe", "publish"]
        assert session.rtt is not None

    with_session(walk)


def test_a_queue_is_not_thrown_away_because_the_probe_stands_behind_it() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = False
        session.arrived(message(1, b"from the queue, before the broker answered"))
        await proof_of(session).open()
        assert network.did == ["subscribe", "publish"]

    with_session(walk)


def test_a_queue_is_not_thrown_away_because_the_broker_is_slow() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = network.takes = False
        with pytest.raises(LinkDown, match="does not take messages"):
            await proof_of(session).open()
        assert network.did == ["subscribe", "publish"]

    with_session(walk)


def test_a_broker_that_takes_and_does_not_deliver_is_asked_anew_once() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = False
        with pytest.raises(LinkDown, match="delivers nothing"):
            await proof_of(session).open()
        assert network.did == ["subscribe", "publish", "unsubscribe", "subscribe", "publish"]

    with_session(walk)


def test_a_refused_subscription_is_repeated_and_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.codes = ["Unspecified error", "Unspecified error", "Granted QoS 1"]
        await proof_of(session).open()
        assert network.did == [*["subscribe"] * 3, "publish"]
        network.codes = ["Unspecified error"] * 3
        with pytest.raises(LinkDown, match="refuses the subscription"):
            await proof_of(session).open()

    monkeypatch.setattr(requests_module, "PAUSES_S", (0.0, 0.0))
    with_session(walk)
    assert caplog.text.count("refused the subscription") == 5


def test_one_lost_probe_is_forgiven_and_two_end_the_session() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        watch = asyncio.create_task(proof_of(session).watch())
        await until(lambda: network.did.count("publish") == 2)
        network.echoes = False
        await until(lambda: network.did.count("publish") == 3)
        network.echoes = True
        await until(lambda: network.did.count("publish") == 6)
        assert session.up
        network.echoes = False
        await until(lambda: not session.up)
        await watch

    with_session(walk)


def test_the_time_of_a_probe_begins_when_what_was_sent_before_it_is_through() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = network.takes = False
        opening = asyncio.create_task(proof_of(session).open())
        await until(lambda: "publish" in network.did)
        for number in range(100, 110):  # longer than a probe may take, but the broker is at work
            session.taken(number)
            await asyncio.sleep(0.02)
        assert not opening.done()
        session.arrived(message(1, session.probe._mark, sender="me"))
        await opening

    with_session(walk)


def test_the_round_trip_is_smoothed() -> None:
    now = [0.0]
    probe = Probe(lambda: now[0])
    for took in (0.1, 0.5):
        probe.throw(len)
        now[0] += took
        probe.caught(probe._mark)
    assert probe.rtt == pytest.approx(0.1 + 0.25 * 0.4)
