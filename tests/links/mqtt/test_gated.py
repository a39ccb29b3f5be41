"""The gate of an MQTT session opens only when what is sent to us comes through, and behind it the link is watched."""

import asyncio

import pytest

from agent.links.base import AUTH, LinkDown, channel_of_round
from agent.links.mqtt import requests
from agent.links.mqtt.gated import GatedMqttSession
from agent.links.mqtt.session import SETTLE_S
from tests.links.mqtt.fake_network import FakeNetwork, message, with_session
from tests.links.taking import take, until

ROUND = channel_of_round("0123456789abcdef" * 2)


def test_an_inbox_that_delivers_nothing_is_a_link_that_is_down_and_hands_nothing_over() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.echoes = False
        with pytest.raises(LinkDown, match="delivers nothing to this station"):
            await session.open_inbox()
        assert not session.up
        assert not session.inbox_open
        with pytest.raises(LinkDown, match="delivers nothing to this station"):
            await take(session.received())

    with_session(walk, gated=True)


def test_an_inbox_the_broker_refuses_is_a_link_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.codes = ["Unspecified error"] * 3
        with pytest.raises(LinkDown, match="refuses the subscription"):
            await session.open_inbox()
        assert not session.up

    monkeypatch.setattr(requests, "PAUSES_S", (0.0, 0.0))
    with_session(walk, gated=True)


def test_an_abort_ends_an_opening_that_is_under_way_and_the_gate_stays_shut() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.takes = network.echoes = False
        session.arrived(message(0, b"waits", qos=0))
        reading = asyncio.create_task(take(session.received()))
        opening = asyncio.create_task(session.open_inbox())
        await until(lambda: "publish" in network.did)
        await asyncio.sleep(0.01)
        assert not reading.done()
        session.abort(why := LinkDown("the key was replaced"))
        with pytest.raises(LinkDown, match="the key was replaced"):
            await opening
        assert not session.inbox_open
        with pytest.raises(LinkDown) as ended:
            await reading
        assert ended.value is why

    with_session(walk, gated=True)


def test_nothing_is_probed_before_the_gate_opens_and_a_silent_broker_is_noticed_after() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        await asyncio.sleep(0.1)
        assert network.did == []
        await session.open_inbox()
        await until(lambda: network.did.count("publish") >= 3)
        network.echoes = False
        await until(lambda: not session.up)
        await session.leave()
        assert network.did[-1] == "stop"

    with_session(walk, gated=True)


def test_leaving_waits_for_an_answer_that_stands_behind_all_acknowledgements_and_forgets_old_rounds() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.codes *= 3
        for channel in (AUTH, ROUND):
            await session.listen(channel)
        await session.open_inbox()
        network.did.clear()
        session.arrived(message(1, b"letter"))
        (await take(session.received())).accept()
        await session.leave()
        assert network.acked[-1] == 1
        assert network.did == ["unsubscribe", "unsubscribe", "stop"]

    with_session(walk, gated=True)


def test_a_broker_that_answers_nothing_delays_leaving_only_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        monkeypatch.setattr(network.session, "granted", lambda *_: None)
        async with asyncio.timeout(4 * SETTLE_S):
            await session.leave()

    with_session(walk, gated=True)
