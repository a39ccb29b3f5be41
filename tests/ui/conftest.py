"""The private bus and the virtual desktop that tests of the user interface share."""

from collections.abc import Iterator

import pytest

from tests.servers.desktop import Bus, Desktop


@pytest.fixture
def bus() -> Iterator[Bus]:
    """A private session bus, new for each test; it starts in 10 ms."""
    if missing := Bus.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Bus() as started:
        yield started


@pytest.fixture(scope="session")
def desktop() -> Iterator[Desktop]:
    """One dark desktop with dunst and a sound sink for all tests of a run; it starts in half a second."""
    if missing := Desktop.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop() as started:
        yield started
