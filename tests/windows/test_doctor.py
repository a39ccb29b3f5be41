"""The doctor, monitoring and the bundle on Windows, beside the agent that runs there."""

import json
import zipfile
from typing import Any

import pytest

from tests.windows.station import WindowsStation

pytestmark = [pytest.mark.wine, pytest.mark.desktop, pytest.mark.timeout(300)]

WELL = {
    *("configuration", "settings", "enrolment", "key", "agent", "member", "link", "proof", "hub", "broker"),
    *("permissions", "certificate", "clock", "tray", "notices", "window", "quiet", "disk", "database"),
}
"""All but the sound, how the keys rest, which is up to wine, and the autostart, which nobody installed."""


def levels(report: dict[str, Any]) -> dict[str, str]:
    """The level of each check."""
    return {one["check"]: one["level"] for one in report["findings"]}


def test_a_bundle_holds_a_report_that_is_well_and_names_nobody(front: WindowsStation) -> None:
    bundle = front.folder / "bundle.zip"
    done = front.nmr("bundle", front.wine.path(bundle), "--yes", "--json")
    assert done.process.returncode == 0, done.said
    with zipfile.ZipFile(bundle) as opened:
        parts = {name: opened.read(name).decode() for name in opened.namelist()}
    assert {"status.json", "log/agent.log"} < set(parts)
    found = levels(json.loads(parts["doctor.json"]))
    assert {check: found.get(check) for check in WELL} == dict.fromkeys(WELL, "ok")
    assert found["autostart"] == "warning"
    assert "anna" not in "".join(parts.values())
    assert front.folder.name not in "".join(parts.values())


@pytest.mark.long
def test_the_doctor_and_monitoring_find_a_running_agent_well_and_let_it_ring(front: WindowsStation) -> None:
    done = front.nmr("doctor", "--json")
    found = levels(json.loads(done.said))
    assert {check: found.get(check) for check in {*WELL, "sound"}} == dict.fromkeys({*WELL, "sound"}, "ok")
    assert done.process.returncode == 1
    assert front.nmr("health").said.startswith("NMR OK - front: mqtt up, hub up | up=1 link_up_mqtt=1 hub_up=1")
