"""What people see of the proof: tooltip, icon and status."""

import pytest

from agent.station.desk import Habits
from agent.station.picture import take_picture
from agent.station.surface import Surface
from agent.system.config.schema import Config
from agent.ui.menu import tray_view
from agent.ui.report import status
from agent.ui.view import IconState
from tests.station.hub_side import DAY_MS
from tests.station.proof.test_amber import up
from tests.station.proof.test_proving import forged
from tests.station.walk import ENGLISH, Walk
from tests.walks.desk import Drawing, Showing
from tests.walks.members import NOW_MS


def picture(walk: Walk) -> tuple[str, dict[str, object], IconState]:
    desktop = Showing()
    now = take_picture(walk.core, Config(), Surface(Drawing(), desktop, desktop), [], "keyring", walk.now)
    view = tray_view(now, ENGLISH)
    return view.tooltip, status(now), view.icon


@pytest.mark.parametrize(
    ("walk", "icon"),
    [
        (Walk().change("connecting"), IconState.OFFLINE),
        (Walk(dropped={"auth.proof"}).connect(), IconState.OFFLINE),
        (Walk(twisted=forged).connect(), IconState.OFFLINE),
        (Walk(dropped={"auth.proof"}, habits=Habits(hub_proof_required=False)).connect().after(3), IconState.DEGRADED),
    ],
)
def test_the_notice_stands_in_tooltip_and_status_word_for_word(walk: Walk, icon: IconState) -> None:
    walk.hub_answers() if walk.core.reach.connected else None
    tooltip, found, face = picture(walk)
    assert walk.notice
    assert walk.notice in tooltip.split("\n")
    proof = found["proof"]
    assert isinstance(proof, dict)
    assert (proof["notice"], proof["state"]) == (walk.notice, walk.state)
    assert face is icon


def test_a_proven_hub_says_when_and_with_which_key() -> None:
    walk = up()
    walk.hub_answers()
    tooltip, found, face = picture(walk)
    assert "Connected" in tooltip.split("\n")
    assert face is IconState.OK
    assert found["proof"] == {
        "state": "proven",
        "notice": "",
        "proven_ms": NOW_MS,
        "until_ms": NOW_MS + 8 * 3_600_000,
        "gen": 1,
        "not_after_ms": NOW_MS + 20 * DAY_MS,
    }
