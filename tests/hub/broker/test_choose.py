"""A site keeps the broker its configuration names."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.errors import BadConfiguration
from agent.hub.broker.base import BrokerPlace
from agent.hub.broker.choose import choose_broker
from agent.hub.broker.tls import SiteTls


def chosen(kind: str, folder: Path) -> str:
    async def choose() -> str:
        return choose_broker(kind, "s1", BrokerPlace(folder, "127.0.0.1", 0, ()), SiteTls(folder)).name

    return asyncio.run(choose())


def test_nats_and_mosquitto_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert [chosen(kind, tmp_path) for kind in ("nats", "mosquitto")] == ["nats", "mosquitto"]


def test_another_kind_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="rabbit"):
        chosen("rabbit", tmp_path)


def test_on_windows_nobody_keeps_a_mosquitto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(BadConfiguration, match="Windows"):
        chosen("mosquitto", tmp_path)
