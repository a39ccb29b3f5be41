"""What a session makes of facts that a real broker brings seldom."""

import asyncio

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.base import AUTH, HubUnproven, LinkDown, LinkRefused
from agent.links.mqtt.gated import GatedMqttSession
from agent.links.mqtt.probe import PROBE
from agent.links.mqtt.session import SETTLE_S, UNASKED, MqttSession
from tests.links.mqtt.fake_network import FakeNetwork, message, message_on, with_session
from tests.links.taking import take

ROUND = "0123456789abcdef" * 2


def test_a_repetition_of_a_held_message_is_not_handed_up_and_its_number_is_acknowledged_once() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        stream = session.received()
        session.arrived(message(7, b"one"))
        session.arrived(message(7, b"one"))
        one = await take(stream)
        one.accept()
        session.arrived(message(7, b"two"))  # the broker may use the number again now
        two = await take(stream)
        one.accept()
        assert (two.sealed, network.acked) == (b"two", [7])
        two.accept()
        assert network.acked == [7, 7]

    with_session(walk)


def test_a_number_the_broker_gave_to_another_message_is_not_acknowledged_by_the_first() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        stream = session.received()
        session.arrived(message(7, b"forgotten by the broker"))
        session.arrived(message(7, b"new"))
        first, second = await take(stream), await take(stream)
        first.accept()
        assert network.acked == []
        second.accept()
        assert network.acked == [7]

    with_session(walk)


def test_probes_and_strays_are_acknowledged_and_never_handed_up() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        session.arrived(message(1, PROBE + b"of a colleague!!"))
        session.arrived(message(2, PROBE + b"of last week", sender="me"))
        session.arrived(message(3, b"for somebody else", to="somebody"))
        session.arrived(message(4, b"for me"))
        assert (await take(session.received())).sealed == b"for me"
        assert network.acked == [1, 2, 3]
        assert session.rtt is None

    with_session(walk)


def test_a_flood_without_flow_control_is_bounded_and_needs_no_acknowledgement() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        for number in range(UNASKED + 500):
            session.arrived(message(0, b"%d" % number, qos=0))
        stream = session.received()
        for number in range(UNASKED):
            delivery = await take(stream)
            delivery.accept()
            assert delivery.sealed == b"%d" % number
        session.arrived(message(1, b"after the flood"))
        assert (await take(stream)).sealed == b"after the flood"
        assert network.acked == []

    with_session(walk)


@pytest.mark.parametrize("station", ["me", "hub"])
def test_a_flood_of_proofs_is_bounded_and_holds_up_no_letter(station: str) -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.codes *= 2
        await session.listen(AUTH)
        topic = "nmr/1/s1/auth/me/up" if station == "hub" else "nmr/1/s1/auth/me/down"
        for number in range(UNASKED + 500):
            session.arrived(message_on(topic, b"%d" % number))
        session.arrived(message(1, b"a letter", to=station))
        stream = session.received()
        first = [(await take(stream)).sealed for _ in range(2)]
        assert sorted(first) == [b"0", b"a letter"]
        rest = [(await take(stream)).sealed for _ in range(UNASKED - 1)]
        assert rest == [b"%d" % number for number in range(1, UNASKED)]
        session.arrived(message_on(topic, b"after the flood"))
        assert (await take(stream)).sealed == b"after the flood"

    with_session(walk, station=station)


def test_letters_before_the_gate_leave_room_for_proofs() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        await session.listen(AUTH)
        for number in range(2 * UNASKED):
            session.arrived(message(1 + number, b"%d" % number, qos=number % 2))
        session.arrived(message_on("nmr/1/s1/auth/me/down", b"proof"))
        assert (await take(session.received())).sealed == b"proof"
        assert network.acked == []

    with_session(walk, gated=True)


def test_channels_are_heard_without_flow_control_and_letters_with_it() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.codes = ["Granted QoS 0", "Granted QoS 0", "Granted QoS 1"]
        await session.listen(AUTH)
        await session.listen(f"psk/{ROUND}")
        await session.open_inbox()
        assert network.asked == [
            ("nmr/1/s1/auth/me/down", 0),
            (f"nmr/1/s1/psk/me/{ROUND}/down", 0),
            ("nmr/1/s1/to/me/+", 1),
        ]
        await session.leave()

    with_session(walk, gated=True)


def test_a_round_the_broker_remembers_and_we_do_not_is_a_stray(caplog: pytest.LogCaptureFixture) -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.codes *= 2
        await session.listen(AUTH)
        session.arrived(message_on(f"nmr/1/s1/psk/me/{ROUND}/down", b"of my life before the crash"))
        session.arrived(message_on("nmr/1/s1/auth/me/down", b"now"))
        assert (await take(session.received())).sealed == b"now"

    with_session(walk)
    assert "not our topic" in caplog.text


def test_leaving_after_an_abort_waits_until_the_broker_has_what_was_sent_last() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        network.takes = False
        await session.send("hub", b"use", f"psk/{ROUND}")
        session.abort(LinkDown("with the new key"))
        leaving = asyncio.create_task(session.settle())
        await asyncio.sleep(0.05)
        assert not leaving.done()
        session.taken(1)
        await asyncio.wait_for(leaving, SETTLE_S / 2)

    with_session(walk)


def test_after_an_abort_nothing_is_acknowledged_and_nothing_handed_up() -> None:
    async def walk(session: GatedMqttSession, network: FakeNetwork) -> None:
        stream = session.received()
        session.arrived(message(1, b"taken"))
        session.arrived(message(2, b"waiting"))
        taken = await take(stream)
        session.abort(HubUnproven("wrong key"))
        taken.accept()
        session.arrived(message(3, b"later"))
        with pytest.raises(HubUnproven):
            await take(stream)
        assert network.acked == []

    with_session(walk)


def test_what_came_before_the_end_is_still_handed_up_and_accepting_it_is_silent() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        session.arrived(message(1, b"in time"))
        session.lost("cable")
        session.lost("told twice")
        stream = session.received()
        (await take(stream)).accept()
        with pytest.raises(LinkDown, match="cable"):
            await take(stream)
        assert network.acked == []

    with_session(walk)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("Bad user name or password", LinkRefused),
        ("Not authorized", LinkRefused),
        ("Server unavailable", LinkDown),
        ("Client identifier not valid", LinkDown),
        ("Unsupported protocol version", LinkDown),
    ],
)
def test_only_a_wrong_password_and_a_missing_right_are_a_refusal(code: str, error: type[Exception]) -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        session.connected(ReasonCode(PacketTypes.CONNACK, code))
        with pytest.raises(error):
            await session.requests.welcome()

    with_session(walk)
