"""Mosquitto keeps the contract, and what only it needs."""

import pytest

from tests.hub.broker.contract import BrokerContract

pytestmark = pytest.mark.servers


class TestMosquitto(BrokerContract):
    """The contract on Mosquitto."""

    kind = "mosquitto"
