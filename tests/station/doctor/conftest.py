"""One real hub with one station for all who examine; each test gets its own copy of the station."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.system.paths import Profile
from tests.station.doctor.scene import LivingHub, copy_of, living_hub


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingHub]:
    """A hub that nobody harms."""
    with living_hub(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="package")
def enrolled(hub: LivingHub) -> Profile:
    """Station “anna”, whose files nobody touches."""
    return hub.enrolled("anna", "kitchen")


@pytest.fixture
def station(enrolled: Profile, tmp_path: Path) -> Profile:
    """A copy of that station, to be spoiled."""
    return copy_of(enrolled, tmp_path / "anna")
