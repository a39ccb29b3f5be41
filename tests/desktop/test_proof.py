"""What staff see when hub and station do not trust each other: tooltip, icon, notice and the tab Status."""

from typing import Any

import pytest

from agent.system.control import connect_to
from agent.ui.icons import Picture
from agent.ui.view import IconState
from tests.desktop.tray import PATIENCE
from tests.desktop.workplace import Workplace
from tests.servers.programs import until

pytestmark = pytest.mark.desktop

REPLACED = "Connection Failure: The Key Of This Station Was Replaced - Ask IT For An Invite, Then Run: nmr enrol INVITE"


def tooltip(workplace: Workplace, station: str) -> list[str]:
    """The lines of an icon's tooltip, as the panel gets them."""
    item: dict[str, Any] = workplace.bus.items()[workplace.site.pid(station)]
    return [line for part in item["ToolTip"][2:] for line in str(part).split("\n")]


def test_a_key_that_it_replaced_is_told_everywhere_word_for_word(workplace: Workplace) -> None:
    workplace.join("grill", "clara", "kitchen")
    with connect_to(workplace.site.profile("hub").hub_control_address) as hub:
        hub.request("hub.psk.replace", station="grill")
    until(lambda: REPLACED in tooltip(workplace, "grill"), "the tooltip", PATIENCE)
    assert workplace.asked("grill", "Connection").body == REPLACED
    pid = workplace.site.pid("grill")
    until(lambda: workplace.tray.wears(pid, Picture(IconState.OFFLINE, 0)), "the face of a lost station", PATIENCE)
    workplace.choose("grill", "Status…")
    until(workplace.window, "the window", PATIENCE)
    assert workplace.state("grill")["status"]["proof"]["notice"] == REPLACED
    workplace.shot("proof-replaced")
    workplace.close_windows()
    assert workplace.state("front")["status"]["proof"]["state"] == "proven", "the others work on"
