"""A process that reaches nothing but mail servers joins by its invite file, pages, and is paged; killed or not."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.demo.site import NO_KEYRING, free_ports, until
from agent.domain.names import HUB
from agent.system.control import connect_to
from tests.faults.mail_site import MailSite, environment
from tests.faults.test_kills import CONFIG, Scene
from tests.faults.test_mail_pages import servers
from tests.faults.test_p2p_pages import links
from tests.servers.mail import MailServers
from tests.servers.witness import Witness

__all__ = ["servers"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


class Away(MailSite):
    """A site of which west reaches nothing but the mail servers."""

    def invite(self, name: str) -> Path:
        """An invite file in which hub and broker are where nobody listens."""
        with connect_to(self.profile(HUB).hub_control_address) as hub:
            made = hub.request("hub.invite", person=name, roles=["crew"], station=name)
        http, mqtt = free_ports(2)
        card = made["invite"]["card"]
        card["url"], card["brokers"] = f"https://127.0.0.1:{http}", [["127.0.0.1", mqtt]]
        file = self._folder / f"{name}.invite.json"
        file.write_text(json.dumps(made["invite"]))
        return file

    def letters_for_hub(self) -> int:
        """How many mails lie in the hub's inbox."""
        return self._servers.mailbox(HUB).count()

    def enrolling(self, name: str, file: Path, *words: str) -> subprocess.Popen[bytes]:
        """Begin `nmr enrol`."""
        return subprocess.Popen(
            [*self._command(name), "enrol", str(file), "--json", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **NO_KEYRING},
        )


@pytest.fixture
def away(tmp_path: Path, servers: MailServers) -> Iterator[Scene]:
    with ExitStack() as stack:
        site = Away(tmp_path, servers)
        stack.callback(site.stop)
        witnesses = {name: stack.enter_context(Witness()) for name in ("east", "west")}
        site.begin()
        for name in ("east", "west"):
            site.profile(name).create()
            site.profile(name).config_file.write_text(CONFIG)
        site.enrol("east", "east", "crew")
        site.log_in("east")
        site.start_station("east", environment(tmp_path, "east", witnesses["east"]))
        site.log_in("west")
        yield Scene(site, witnesses)


def joined(program: subprocess.Popen[bytes]) -> tuple[dict[str, str], str]:
    """What it says at its end, and what it told meanwhile."""
    out, told = program.communicate(timeout=90)
    assert program.returncode == 0, (out + told).decode()
    found: dict[str, str] = json.loads(out)
    return found, told.decode()


def paged(alive: Scene, sender: str, receiver: str) -> dict[str, object]:
    """Page from one side and let the other come; the page as its sender saw it last."""
    with alive.site.talk(sender) as here, alive.site.talk(receiver) as there:
        for event in here.follow("page", to={"station": receiver}, note=f"{sender} 0", wait=True):
            page: dict[str, object] = event["page"]
            (target,) = event["page"]["targets"]
            if target["state"] == "presented":
                there.request("answer", page=page["id"], answer="accepted")
    return {**page, "link": target["link"]}


def test_a_computer_with_nothing_but_a_mailbox_joins_pages_and_is_paged(away: Scene, tmp_path: Path) -> None:
    site = away.site
    assert isinstance(site, Away)
    found, told = joined(site.enrolling("west", site.invite("west"), "--by-mail"))
    assert found == {"site": "demo", "station": "west", "person": "west"}
    assert "asking the hub by mail" in told
    assert "link.mqtt is off" in told
    site.start_station("west", environment(tmp_path, "west", away.witnesses["west"]))
    assert links(site, "west") == {"mail": "up"}
    for sender, receiver in (("west", "east"), ("east", "west")):
        until(lambda one=sender, other=receiver: knows(site, one, other), f"{receiver} at {sender}")  # type: ignore[misc]
        page = paged(away, sender, receiver)
        assert (page["state"], page["link"]) == ("accepted", "mail")
        assert away.shown(sender) == Counter({f"{sender} 0": 1})
    assert examined(site, "west") == {"settings": "ok", "hub": "off", "broker": "off", "key": "off", "proof": "off"}


def examined(site: MailSite, name: str) -> dict[str, str]:
    """How bad the doctor finds what a station with a mailbox alone does not have."""
    done = subprocess.run(
        [*site._command(name), "doctor", "--no-sound", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    levels = {one["check"]: one["level"] for one in json.loads(done.stdout)["findings"]}
    return {check: levels[check] for check in ("settings", "hub", "broker", "key", "proof")}


def knows(site: MailSite, name: str, other: str) -> bool:
    """Whether a station knows where another takes mail, which stands in its list of members."""
    with site.talk(name) as line:
        return any(member["station"] == other for member in next(line.watch())["members"])


def test_whoever_is_killed_while_it_waits_goes_on_with_the_same_command(away: Scene) -> None:
    site = away.site
    assert isinstance(site, Away)
    file = site.invite("west")
    site.kill(HUB)
    waiting = site.enrolling("west", file, "--by-mail")
    until(site.letters_for_hub, "the letter in the hub's mailbox")
    waiting.send_signal(signal.SIGKILL)
    waiting.communicate(timeout=10)
    broken_off = site.enrolling("west", file, "--by-mail")
    until(lambda: site.letters_for_hub() > 1, "the second letter")
    broken_off.send_signal(signal.SIGINT)
    assert broken_off.wait(10) == 130
    broken_off.communicate(timeout=10)
    site.start_hub_again()
    found, _ = joined(site.enrolling("west", file, "--by-mail"))
    assert found["station"] == "west"
    with connect_to(site.profile(HUB).hub_control_address) as hub:
        assert [one["station"] for one in hub.request("hub.stations")] == ["east", "west"]
        assert hub.request("hub.status")["alarms"] == []
