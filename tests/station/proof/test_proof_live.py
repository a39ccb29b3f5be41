"""The proof between real processes: an agent, a hub and its broker, and IT that replaces keys."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.errors import NmrError
from agent.system.control import connect_to

pytestmark = pytest.mark.servers

REPLACED = "Connection Failure: The Key Of This Station Was Replaced - Ask IT For An Invite, Then Run: nmr enrol INVITE"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    started = Site(tmp_path)
    try:
        started.start_hub()
        started.enrol("front", "anna", "front-desk")
        started.start_station("front")
        yield started
    finally:
        started.stop()


def nmr(site: Site, *words: str) -> str:
    """What a command of the station says."""
    command = [sys.executable, "-m", "agent", *site.profile("front").arguments(), *words]
    env = {**os.environ, **NO_KEYRING}
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def proof(site: Site) -> tuple[str, str]:
    """The station's name and how its proof stands; nothing while it begins anew."""
    try:
        with site.talk("front") as line:
            status = line.request("status")
    except (NmrError, OSError):
        return "", ""
    return status["station"], status["proof"]["state"]


def ask(site: Site, what: str, **with_: Any) -> dict[str, Any]:
    with connect_to(site.profile("hub").hub_control_address) as hub:
        made: dict[str, Any] = hub.request(what, **with_)
    return made


@pytest.mark.parametrize("name", ["front", "front-2"])
def test_a_station_whose_key_was_replaced_says_so_and_works_again_once_it_is_enrolled(
    site: Site, tmp_path: Path, name: str
) -> None:
    """As itself, with the invite of the replacement, or, its key lost, as another station; it runs all the time."""
    assert proof(site) == ("front", "proven")
    made = ask(site, "hub.psk.replace", station="front")
    until(lambda: proof(site) == ("front", "failed"), "the end of the session")
    assert REPLACED in nmr(site, "status")
    if name != "front":
        (site.profile("front").secrets_folder / "psk.bin").unlink()
        made = ask(site, "hub.invite", person="anna", roles=["front-desk"], station=name)
    invite = tmp_path / "again.json"
    invite.write_text(json.dumps(made["invite"]))
    nmr(site, "enrol", str(invite))
    until(lambda: proof(site) == (name, "proven"), "the station with its new key")
    assert REPLACED not in nmr(site, "status")


def test_a_key_that_it_ends_is_renewed_while_the_station_works(site: Site) -> None:
    ask(site, "hub.psk.expire", station="front")

    def renewed() -> bool:
        with site.talk("front") as line:
            status = line.request("status")
        return bool(status["proof"]["gen"] == 2 and status["proof"]["state"] == "proven" and status["state"] == "ok")

    until(renewed, "new keys")
    log = (site.profile("front").log_folder / "agent.log").read_text()
    assert log.count('state="down"') == 0
