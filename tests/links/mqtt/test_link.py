"""Several addresses, and no hammering at any of them."""

import asyncio
import socket
import subprocess
import sys

import pytest

from agent.links.base import LinkRefused
from agent.links.mqtt.link import MqttLink
from tests.links.mqtt.scene import MqttScene
from tests.links.relay import relay
from tests.links.taking import kept_up, until

pytestmark = pytest.mark.servers


def test_a_wrong_password_opens_exactly_one_connection(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            link = MqttLink(scene.settings(scene.a, addresses=(("127.0.0.1", between.port),), password="wrong"))
            async with kept_up(link) as kept:
                await until(lambda: kept.now == "refused")
                await asyncio.sleep(0.5)
            assert between.connections == 1

    asyncio.run(walk())


def test_the_next_address_is_taken_when_one_is_down(scene: MqttScene) -> None:
    async def walk() -> None:
        addresses = (("127.0.0.1", _closed_port()), ("127.0.0.1", scene.broker.port))
        async with MqttLink(scene.settings(scene.a, addresses=addresses)).connect() as a:
            assert a.up

    asyncio.run(walk())


def test_refused_by_one_and_down_at_the_other_address_is_refused(scene: MqttScene) -> None:
    async def walk() -> None:
        addresses = (("127.0.0.1", scene.broker.port), ("127.0.0.1", _closed_port()))
        with pytest.raises(LinkRefused, match="does not accept the password"):
            async with MqttLink(scene.settings(scene.a, addresses=addresses, password="wrong")).connect():
                pytest.fail("let in")

    asyncio.run(walk())


def test_loading_the_link_does_not_load_dnspython_nor_hide_it_from_others() -> None:
    code = "import sys, agent.links.mqtt.link; assert 'dns.resolver' not in sys.modules; import dns.resolver"
    subprocess.run([sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL)


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
