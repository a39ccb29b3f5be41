"""One site for the tests of a file: hub and kitchen run on Linux, the front desk on Windows."""

from collections.abc import Iterator

import pytest

from agent.demo.site import Site
from tests.servers.desktop import Desktop
from tests.servers.wine import Wine, windows
from tests.windows.station import WindowsStation


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """A panel and a sound sink; what Windows draws and plays goes there."""
    if missing := Desktop.missing() + Wine.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(notify=None) as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hub with its embedded broker, and Ben in the kitchen."""
    running = Site(tmp_path_factory.mktemp("site"))
    try:
        running.start_hub()
        running.enrol("kitchen", "ben", "kitchen")
        running.start_station("kitchen")
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def front(desktop: Desktop, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsStation]:
    """Anna's agent, enrolled, with its icon on the panel."""
    folder = tmp_path_factory.mktemp("front")
    with windows(desktop.env, folder) as wine:
        station = WindowsStation(wine, desktop, site, folder)
        station.enrol()
        station.start()
        yield station
