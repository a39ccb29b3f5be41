"""Two real brokers for all tests of links; those that cut one find it mended."""

from collections.abc import Iterator

import pytest

from tests.links.mqtt.scene import Crowd, MqttScene, crowd


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """NATS, which repeats after one second what nobody has accepted."""
    with crowd("nats", tmp_path_factory.mktemp("nats"), ack_wait=1) as there:
        yield there


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Mosquitto."""
    with crowd("mosquitto", tmp_path_factory.mktemp("mosquitto")) as there:
        yield there


@pytest.fixture(params=["nats", "mosquitto"])
def scene(request: pytest.FixtureRequest) -> MqttScene:
    """Two fresh stations, on each broker in turn."""
    there: Crowd = request.getfixturevalue(request.param)
    return there.scene()
