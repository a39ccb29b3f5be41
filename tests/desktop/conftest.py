"""One workplace for all tests of a run: anna at the front desk, ben in the kitchen."""

from collections.abc import Generator, Iterator

import pytest

from tests.desktop.workplace import Workplace
from tests.servers.desktop import XFCE, Desktop

ANNA = '[ui]\ntheme = "light"\n'
BEN = "[ring]\nagain_seconds = 5\n"
LAST_LINES = 80
"""Of each agent's log, told when a test fails."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the agents wrote stands beside the failure; their folders are gone when a person reads it."""
    report = yield
    workplace = getattr(item, "funcargs", {}).get("workplace")
    if report.failed and isinstance(workplace, Workplace):
        for station, text in workplace.logs().items():
            report.sections.append((f"log of {station}", "\n".join(text.splitlines()[-LAST_LINES:])))
    return report


@pytest.fixture(scope="session")
def started() -> Iterator[Workplace]:
    """The workplace, with ben's station ringing again every five seconds."""
    notifyd = XFCE / "notifyd/xfce4-notifyd"
    if missing := Desktop.missing() + ([] if notifyd.exists() else [str(notifyd)]):
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Workplace() as workplace:
        workplace.join("front", "anna", "front-desk", ANNA)
        workplace.join("kitchen", "ben", "kitchen", BEN)
        yield workplace


@pytest.fixture
def workplace(started: Workplace) -> Workplace:
    """The workplace with nothing open, nothing on the screen but windows, and nothing to be heard."""
    started.calm("front", "kitchen")
    return started
