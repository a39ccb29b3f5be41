"""A site whose hub and stations have mailboxes at a real mail server, set up as IT does it."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.demo.site import NO_KEYRING, Site, free_ports, until
from agent.domain.names import HUB
from agent.system.control import connect_to
from tests.faults.test_kills import CONFIG, STATIONS, Scene, knows_all
from tests.servers.mail import MailServers
from tests.servers.witness import Witness

MAILBOXES = {name: f"password of {name}" for name in (HUB, *STATIONS)}
ALL_KNOWN = 1 + len(STATIONS) + len(MAILBOXES)
"""Entries of the ledger: the first, one for each station, one for each mailbox."""


class MailSite(Site):
    """A site on `servers`, which have a mailbox for everybody; `boxes` names those that are called otherwise."""

    def __init__(
        self, folder: Path, servers: MailServers, module: str = "agent", boxes: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, station_module=module)
        self._servers, self._boxes = servers, boxes or {}

    def box(self, name: str) -> str:
        """The name of somebody's mailbox."""
        return self._boxes.get(name, name)

    def log_in(self, name: str) -> None:
        """`nmr mail login`, with everything given; it tries both servers before it keeps anything."""
        at = [f"--{kind}=127.0.0.1:{port}" for kind, port in self._ports().items()]
        words = [
            f"--address={self._servers.address(self.box(name))}",
            f"--ca-file={self._servers.ca}",
            "--password-stdin",
        ]
        done = subprocess.run(
            [*self._command(name), "mail", "login", *(["--hub"] if name == HUB else []), *at, *words],
            input=self._servers.passwords[self.box(name)].encode(),
            capture_output=True,
            timeout=60,
            env={**os.environ, **NO_KEYRING},
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def enrol_by_mail(self, name: str, person: str, *roles: str) -> None:
        """Let a computer join that reaches nothing but its mailbox, and stays so."""
        with connect_to(self.profile(HUB).hub_control_address) as hub:
            invite = hub.request("hub.invite", person=person, roles=list(roles), station=name)["invite"]
        http_port, mqtt_port = free_ports(2)
        invite["card"]["url"] = f"https://127.0.0.1:{http_port}"
        invite["card"]["brokers"] = [["127.0.0.1", mqtt_port]]
        file = self._folder / f"{name}.invite.json"
        file.write_text(json.dumps(invite))
        self.profile(name).create()
        self.log_in(name)
        done = subprocess.run(
            [*self._command(name), "enrol", str(file), "--by-mail", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            env={**os.environ, **NO_KEYRING},
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def begin(self) -> None:
        """Found the site, and give its hub a mailbox."""
        self.start_hub()
        self.kill(HUB)
        self.log_in(HUB)
        self.start_hub_again()

    def start_hub_again(self) -> None:
        """Start the hub as it is configured; returns when it is up."""
        program = self._start(HUB, "hub", "run", "--json")
        assert program.stdout is not None
        assert program.stdout.readline(), self._log(HUB)

    def _ports(self) -> dict[str, int]:
        return {"imap": self._servers.imap_port, "smtp": self._servers.smtp_port}


@contextmanager
def mail_scene(
    folder: Path, servers: MailServers, *, config: str = CONFIG, module: str = "agent", weak: str = ""
) -> Iterator[Scene]:
    """Hub and both stations up, each knowing where the others take mail; `weak` see weak_agent."""
    with ExitStack() as stack:
        site = MailSite(folder, servers, module)
        stack.callback(site.stop)
        witnesses = {name: stack.enter_context(Witness()) for name in STATIONS}
        site.begin()
        for name in STATIONS:
            site.profile(name).create()
            site.profile(name).config_file.write_text(config)
            site.enrol(name, name, "crew")
            site.log_in(name)
            site.start_station(name, environment(folder, name, witnesses[name], weak))
        for name in STATIONS:
            until(lambda name=name: knows_all(site, name), f"the members at {name}")  # type: ignore[misc]
            until(lambda name=name: entries(site, name) == ALL_KNOWN, f"everybody's mailbox at {name}")  # type: ignore[misc]
        yield Scene(site, witnesses)


def environment(folder: Path, name: str, witness: Witness, weak: str = "") -> dict[str, str]:
    """What a station's agent finds around it; pages that come are noted in a file of its own, see everywhere_agent."""
    return {**witness.env, **NO_KEYRING, "NMR_WEAK": weak, "NMR_ARRIVALS": str(folder / f"{name}.arrivals")}


def entries(site: Site, name: str) -> int:
    """How many entries of the ledger a station has."""
    with site.talk(name) as line:
        found: int = line.request("status")["ledger"]["seq"]
        return found
