"""A disk crash, last night's backup, real processes: what an administrator does and what comes back by itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.errors import NmrError
from agent.domain.names import HUB
from agent.hub.ask import ask_hub

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

RESTORED = "Connection Failure: The Hub Knows Only An Older Key - Tell IT It Was Restored From A Backup"


class Restorable(Site):
    """A site whose administrator types commands."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.secret, self.file = folder / "passphrase", folder / "hub.backup"
        self.secret.write_text("correct horse battery\n")
        self.secret.chmod(0o600)

    def type_(self, name: str, *words: str) -> Any:
        """What a command prints as JSON."""
        done = subprocess.run(
            [*self._command(name), *words, "--json"], capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return json.loads(done.stdout)

    def back_up(self) -> Any:
        return self.type_(HUB, "hub", "backup", str(self.file), "--passphrase-file", str(self.secret))

    def restore(self) -> Any:
        return self.type_(HUB, "hub", "restore", str(self.file), "--passphrase-file", str(self.secret))

    def crash(self) -> None:
        """The hub's computer burns down."""
        broker = int((self.profile(HUB).hub_folder / "broker" / "nats.pid").read_text().split()[0])
        self.kill(HUB)
        os.kill(broker, signal.SIGKILL)
        shutil.rmtree(self.profile(HUB).data_folder)
        self.profile(HUB).hub_config_file.unlink()

    def start_again(self) -> None:
        """Start the hub with the configuration that is there."""
        program = self._start(HUB, "hub", "run", "--json")
        assert program.stdout
        assert "url" in json.loads(program.stdout.readline())

    def hub(self, do: str, **with_: object) -> Any:
        return ask_hub(self.profile(HUB), do, **with_)

    def status(self, name: str) -> Any:
        with self.talk(name) as line:
            return line.request("status")

    def keys(self, station: str) -> Any:
        (row,) = [row for row in self.hub("hub.psk.list") if row["station"] == station]
        return row

    def settle(self, station: str) -> None:
        until(lambda: self.status(station)["state"] == "ok" and self.status(station)["can"]["page"], station)

    def pages(self, sender: str, station: str) -> None:
        """A page gets through and is answered."""
        with self.talk(sender) as line:
            page = line.request("page", to={"station": station}, note="come", urgent=False)["page"]
        with self.talk(station) as line:
            until(lambda: self._answered(line, page), f"the page to {station}")

    @staticmethod
    def _answered(line: Any, page: str) -> bool:
        try:
            line.request("answer", page=page, answer="accepted")
        except NmrError:
            return False
        return True


@contextmanager
def restorable(folder: Path) -> Iterator[Restorable]:
    site = Restorable(folder)
    try:
        yield site
    finally:
        site.stop()


def test_after_a_disk_crash_everything_comes_back_but_what_nobody_else_has(tmp_path: Path) -> None:
    with restorable(tmp_path) as site:
        site.start_hub()
        for name in ("anna", "ben", "carl"):
            site.enrol(name, name, "kitchen")
        for name in ("anna", "ben"):
            site.start_station(name, NO_KEYRING)
        assert site.back_up()["stations"] == 3
        # the day after the backup
        site.hub("hub.psk.expire", station="ben")
        until(lambda: site.keys("ben")["gen"] == 2 and site.keys("ben")["state"] == "fresh", "ben's new key")
        site.hub("hub.revoke", station="carl")
        site.enrol("dora", "dora", "bar")
        site.hub("hub.roles", station="anna", roles=["bar"])
        with site.talk("anna") as line:
            line.request("order.add", kind="order", fields={"title": "soup", "subtitle": "", "flag_a": False})
        until(lambda: site.hub("hub.status")["orders"] == 1, "the order at the hub")
        head = site.hub("hub.status")["ledger"]
        for name in ("anna", "ben"):
            until(lambda name=name: site.status(name)["state"] == "ok", name)  # type: ignore[misc]
        until(lambda: site.status("anna")["roles"] == ["bar"], "the newest ledger at anna's")
        site.crash()
        # what the administrator does
        assert site.restore()["stations"] == 3
        site.start_again()
        # what comes by itself
        until(lambda: site.hub("hub.status")["ledger"] == head, "the ledger that anna gives back", 60)
        until(lambda: site.hub("hub.status")["restored"] is None, "all stations heard", 60)
        stations = {one["station"]: one for one in site.hub("hub.stations")}
        assert (stations["carl"]["revoked"], stations["anna"]["roles"]) == (True, ["bar"])
        site.settle("anna")
        until(lambda: site.hub("hub.status")["orders"] == 1, "the order that anna gives back")
        until(lambda: site.keys("ben")["state"] == "restored", "ben, whose key is newer")
        until(lambda: site.status("ben")["proof"]["notice"] == RESTORED, "the notice at ben's")
        assert "carl" not in {row["station"] for row in site.hub("hub.psk.list")}
        alarms = " ".join(site.hub("hub.status")["alarms"])
        assert "ben came with a newer key" in alarms
        assert "dora joined after the backup" in alarms
        # what he does for the few that cannot help themselves
        (invite,) = site.type_(HUB, "hub", "psk", "replace", "--newer", "--folder", str(tmp_path / "new"))["invites"]
        site.type_("ben", "enrol", invite)
        site.hub("hub.revoke", station="dora")
        until(lambda: site.status("ben")["proof"]["notice"] == "", "ben is in")
        site.settle("ben")
        site.pages("anna", "ben")
        site.pages("ben", "anna")
        assert site.hub("hub.status")["alarms"] == []
        # and nobody has seen another history
        shutil.rmtree(site.profile("dora").data_folder)
        site.enrol("dora", "dora", "bar")
        site.start_station("dora", NO_KEYRING)
        site.pages("dora", "anna")
        assert not [
            one for one in ("anna", "ben") if "fork" in (site.profile(one).log_folder / "agent.log").read_text()
        ]


if sys.platform == "win32":
    pytest.skip("a killed hub leaves its broker there", allow_module_level=True)
