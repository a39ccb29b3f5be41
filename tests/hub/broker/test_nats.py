"""The embedded NATS server keeps the contract, and what only it can promise."""

import pytest

from tests.hub.broker.contract import BrokerContract

pytestmark = pytest.mark.servers


class TestNats(BrokerContract):
    """The contract on NATS."""

    kind = "nats"
