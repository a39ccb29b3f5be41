"""Only the site's own authority and only the right name are believed."""

import asyncio
from pathlib import Path

import pytest

from agent.hub.broker.tls import SiteTls
from agent.links.base import LinkDown, LinkRefused
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from tests.links.mqtt.scene import MqttScene
from tests.links.relay import relay

pytestmark = pytest.mark.servers


def test_an_authority_of_another_site_is_not_trusted(scene: MqttScene, tmp_path: Path) -> None:
    other = SiteTls(tmp_path)
    other.ensure("other", ["localhost"])

    async def walk() -> None:
        with pytest.raises(LinkDown, match=r"the certificate of 127\.0\.0\.1 is not trusted"):
            async with MqttLink(scene.settings(scene.a, ca_pem=other.ca_pem)).connect():
                pytest.fail("trusted a stranger")

    asyncio.run(walk())


def test_a_name_that_is_not_on_the_certificate_is_not_trusted(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port, "127.0.0.2") as between:
            addresses = (("127.0.0.2", between.port),)
            with pytest.raises(LinkDown, match=r"the certificate of 127\.0\.0\.2 is not trusted"):
                async with MqttLink(scene.settings(scene.a, addresses=addresses)).connect():
                    pytest.fail("trusted another name")

    asyncio.run(walk())


def test_an_authority_that_is_no_certificate_is_refused_before_anything_is_sent() -> None:
    async def walk() -> None:
        settings = MqttSettings("s1", "a", (("127.0.0.1", 1),), "a", "secret", "id", b"not a certificate")
        with pytest.raises(LinkRefused, match="cannot be read"):
            async with MqttLink(settings).connect():
                pytest.fail("connected")

    asyncio.run(walk())
