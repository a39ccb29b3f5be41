"""Mosquitto keeps the contract, and what only it needs."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.hub.broker.base import BrokerFailed, mosquitto_verifier
from agent.hub.broker.mosquitto import MosquittoBroker
from tests.hub.broker.contract import BrokerContract
from tests.hub.broker.desk import Desk
from tests.servers.broker import RunningBroker, running_broker

pytestmark = pytest.mark.servers


class TestMosquitto(BrokerContract):
    """The contract on Mosquitto."""

    kind = "mosquitto"

    def save(self, broker: RunningBroker) -> None:
        """SIGUSR1 saves at once; without it the last five seconds are gone with a kill, which the product expects."""
        store = broker.folder / "mosquitto" / "mosquitto.db"
        before = store.stat().st_mtime_ns if store.exists() else 0
        os.kill(broker.pid, getattr(signal, "SIGUSR1", 10))
        deadline = time.monotonic() + 5
        while not store.exists() or store.stat().st_mtime_ns == before:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with running_broker("mosquitto", tmp_path, ["a1"]) as broker:
        yield broker


def test_takes_the_old_accounts_back_when_mosquitto_does_not_load_the_new_ones(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.hub.broker.mosquitto._LOAD_PATIENCE", 0.3)
    monkeypatch.setattr("agent.hub.broker.mosquitto.mosquitto_verifier", lambda _: "$7$not$a$verifier")
    before = (broker.folder / "mosquitto.passwords").read_bytes()
    broker.account("b1")
    with pytest.raises(BrokerFailed, match=r"mosquitto\.log"):
        broker.apply()
    assert (broker.folder / "mosquitto.passwords").read_bytes() == before
    with Desk(broker, "a1"):
        pass


def test_begins_a_new_log_when_the_old_one_is_large(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.hub.broker.mosquitto._LOG_LIMIT", 10)
    broker.do(broker.keeper._upkeep())
    log = broker.folder / "mosquitto.log"
    deadline = time.monotonic() + 5
    while not log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (broker.folder / "mosquitto.log.1").stat().st_size > 10
    assert isinstance(broker.keeper, MosquittoBroker)


@pytest.mark.skipif(not shutil.which("mosquitto_passwd"), reason="mosquitto_passwd is not installed")
def test_writes_verifiers_as_mosquitto_does(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", file, "a1", "secret"], check=True, capture_output=True)
    theirs = file.read_text().strip().removeprefix("a1:").split("$")
    ours = mosquitto_verifier("secret").split("$")
    assert ours[:3] == theirs[:3]
    assert [len(part) for part in ours] == [len(part) for part in theirs]
