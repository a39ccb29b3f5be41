"""What a session makes of facts that a real broker brings seldom."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.base import LinkDown, LinkRefused
from agent.links.mqtt.probe import PROBE
from agent.links.mqtt.session import UNASKED, MqttSession
from tests.links.mqtt.fake_network import FakeNetwork, message, with_session
from tests.links.taking import take


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
