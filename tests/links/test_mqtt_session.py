"""What the MQTT session makes of facts that a real broker brings seldom, told to it by a network that is not there."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.base import LinkDown, LinkRefused
from agent.links.mqtt import proof as proof_module
from agent.links.mqtt.hop import Hop
from agent.links.mqtt.probe import PROBE, Probe
from agent.links.mqtt.proof import Proof
from agent.links.mqtt.session import UNASKED, MqttSession
from agent.links.mqtt.settings import MqttSettings
from tests.links.taking import take, until

SETTINGS = MqttSettings("s1", "me", (("127.0.0.1", 1),), "me", "secret", "id", None)


class FakeNetwork:
    """Writes down what the session wants, and answers as the test says."""

    def __init__(self) -> None:
        self.session: MqttSession
        self.did: list[str] = []
        self.acked: list[int] = []
        self.echoes = True
        self.takes = True
        self.codes = ["Granted QoS 1"]
        self._last = 0

    def publish(self, topic: str, payload: bytes) -> int:
        self.did.append("publish")
        number = self._number()
        if self.takes:
            self._soon(self.session.taken, number)
        if self.echoes:
            self._soon(self.session.arrived, message(1000 + number, payload, sender="me"))
        return number

    def subscribe(self, topic: str) -> int:
        return self._answered("subscribe", [ReasonCode(PacketTypes.SUBACK, self.codes.pop(0))])

    def unsubscribe(self, topic: str) -> int:
        self.codes.append("Granted QoS 1")
        return self._answered("unsubscribe", [])

    def ack(self, mid: int) -> None:
        self.acked.append(mid)

    def _answered(self, what: str, codes: list[ReasonCode]) -> int:
        self.did.append(what)
        number = self._number()
        self._soon(self.session.granted, number, codes)
        return number

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _soon(self, fact: Callable[..., None], *told: object) -> None:
        asyncio.get_running_loop().call_soon(fact, *told)


def message(mid: int, payload: bytes, sender: str = "other", qos: int = 1, to: str = "me") -> MQTTMessage:
    """A message as paho hands it over."""
    one = MQTTMessage(mid, f"nmr/1/s1/to/{to}/{sender}".encode())
    one.payload, one.qos = payload, qos
    return one


def with_session(walk: Callable[[MqttSession, FakeNetwork], Coroutine[Any, Any, None]]) -> None:
    """Run `walk` with a session on a fake network."""

    async def run() -> None:
        network = FakeNetwork()
        network.session = MqttSession(SETTINGS, network)  # type: ignore[arg-type]
        await walk(network.session, network)

    asyncio.run(run())


def proof_of(session: MqttSession, network: FakeNetwork, every: float = 0.02) -> Proof:
    """A proof that is quick to judge."""
    return Proof(session, network, SETTINGS.inbox, every=every, within=0.05)  # type: ignore[arg-type]


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
            await session.welcome()

    with_session(walk)


def test_an_inbox_whose_probe_comes_back_is_open_without_subscribing_anew() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        await proof_of(session, network).open()
        assert network.did == ["subscribe", "publish"]
        assert session.rtt is not None

    with_session(walk)


def test_a_queue_is_not_thrown_away_because_the_probe_stands_behind_it() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = False
        session.arrived(message(1, b"from the queue, before the broker answered"))
        await proof_of(session, network).open()
        assert network.did == ["subscribe", "publish"]

    with_session(walk)


def test_a_queue_is_not_thrown_away_because_the_broker_is_slow() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = network.takes = False
        with pytest.raises(LinkDown, match="does not take messages"):
            await proof_of(session, network).open()
        assert network.did == ["subscribe", "publish"]

    with_session(walk)


def test_a_broker_that_takes_and_does_not_deliver_is_asked_anew_once() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.echoes = False
        with pytest.raises(LinkDown, match="delivers nothing"):
            await proof_of(session, network).open()
        assert network.did == ["subscribe", "publish", "unsubscribe", "subscribe", "publish"]

    with_session(walk)


def test_a_refused_subscription_is_repeated_and_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        network.codes = ["Unspecified error", "Unspecified error", "Granted QoS 1"]
        await proof_of(session, network).open()
        assert network.did == [*["subscribe"] * 3, "publish"]
        network.codes = ["Unspecified error"] * 3
        with pytest.raises(LinkDown, match="refuses the subscription"):
            await proof_of(session, network).open()

    monkeypatch.setattr(proof_module, "PAUSES_S", (0.0, 0.0))
    with_session(walk)
    assert caplog.text.count("refused the subscription") == 5


def test_one_lost_probe_is_forgiven_and_two_end_the_session() -> None:
    async def walk(session: MqttSession, network: FakeNetwork) -> None:
        watch = asyncio.create_task(proof_of(session, network).watch())
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
        opening = asyncio.create_task(proof_of(session, network).open())
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


def test_calls_from_another_thread_are_made_in_order_and_none_is_stranded() -> None:
    async def walk() -> None:
        hop, made = Hop(asyncio.get_running_loop()), list[int]()

        def post_all() -> None:
            for number in range(20_000):
                hop.post(made.append, number)

        thread = threading.Thread(target=post_all)
        thread.start()
        await until(lambda: len(made) == 20_000)
        thread.join()
        assert made == list(range(20_000))

    asyncio.run(walk())


def test_a_call_to_a_closed_loop_is_given_up_quietly() -> None:
    loop = asyncio.new_event_loop()
    hop = Hop(loop)
    loop.close()
    hop.post(pytest.fail, "called")
    assert hop.closed


def test_loading_the_link_does_not_load_dnspython_nor_hide_it_from_others() -> None:
    code = "import sys, agent.links.mqtt.link; assert 'dns.resolver' not in sys.modules; import dns.resolver"
    subprocess.run([sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL)
