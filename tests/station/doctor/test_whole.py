"""The commands as people run them, beside a real agent whose hub is there, and then is not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.demo.site import Site
from agent.system.control import connect_to
from tests.servers.programs import until

pytestmark = pytest.mark.servers

PATIENCE = 45.0
SILENT = {"NMR_NOTIFY": "silent", "NMR_SOUND": "silent", "NMR_TRAY": "silent"}
WAY = {"link", "hub", "broker", "permissions", "certificate", "clock", "proof"}
"""The checks that meet the site."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A hub and Anna's agent, as processes."""
    running = Site(tmp_path)
    try:
        running.start_hub()
        running.enrol("front", "anna", "front-desk")
        running.start_station("front", SILENT)
        yield running
    finally:
        running.stop()


def nmr(site: Site, *words: str) -> tuple[str, int]:
    """What a command of the station says, and its exit code."""
    command = [sys.executable, "-m", "agent", *site.profile("front").arguments(), *words]
    env = {**os.environ, **SILENT}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)
    return done.stdout, done.returncode


def diagnosis(site: Site) -> tuple[dict[str, str], int]:
    """Level of each check, the worst of its findings, and the exit code."""
    said, code = nmr(site, "doctor", "--no-sound", "--json")
    levels: dict[str, str] = {}
    for one in json.loads(said)["findings"]:
        if levels.get(one["check"]) != "failure":
            levels[one["check"]] = one["level"]
    return levels, code


def link(site: Site) -> Any:
    with site.talk("front") as line:
        return line.request("status")["links"][0]


def test_doctor_and_monitoring_tell_a_site_that_is_well_from_one_whose_hub_has_ended(site: Site) -> None:
    since = link(site)["since_ms"]
    levels, code = diagnosis(site)
    assert {check: levels[check] for check in WAY} == dict.fromkeys(WAY, "ok")
    assert code == 2, "nobody shows notices here"
    assert link(site)["since_ms"] == since
    assert nmr(site, "health")[0].startswith("NMR WARNING - front: no tray, no notifier, no sound | up=1")

    with connect_to(site.profile("hub").hub_control_address) as hub:
        hub.request("quit")
    until(lambda: link(site)["state"] != "up", "the link to fail", PATIENCE)
    levels, code = diagnosis(site)
    assert {check: levels[check] for check in ("hub", "broker", "link", "agent", "key", "database")} == {
        "hub": "failure",
        "broker": "failure",
        "link": "failure",
        "agent": "ok",
        "key": "ok",
        "database": "ok",
    }
    assert code == 2
    said, code = nmr(site, "health")
    assert (code, said.startswith("NMR CRITICAL - front: no link is up")) == (2, True)
