"""The life of a packaged site on one computer: installed, enrolled, paged, upgraded, removed, purged."""

import configparser
import functools
import json
import re
import shlex
from pathlib import Path
from subprocess import Popen
from typing import Any

from agent import __version__
from agent.demo.site import free_ports
from tests.installers.linux.built import NEXT, Built
from tests.installers.linux.computer import Computer
from tests.servers.programs import until

STAFF = {"anna": "front-desk", "ben": "kitchen"}
CONFIG, HUB_CONFIG = "/etc/no-more-running/config.toml", "/etc/no-more-running/hub.toml"
DEPLOYMENT = "/etc/no-more-running/deployment.toml"
AUTOSTART = "/etc/xdg/autostart/no-more-running.desktop"
UNIT = "/usr/lib/systemd/system/nmr-hub.service"
PATIENCE = 60.0
ADMINISTRATOR = '[ui]\nlanguage = "de"  # what the administrator wrote\n'


def live(computer: Computer, built: Built) -> None:
    """Walk through all of it; raises AssertionError where a step is not as promised."""
    install(computer, built.station, built.hub)
    assert __version__ in computer.run("nmr", "--version")
    hub = found_a_site(computer)
    page(computer, "table 4 waits")
    hub = upgrade(computer, built, hub)
    page(computer, "table 5 waits")
    leave(computer, hub)
    remove(computer)
    purge(computer)


def install(computer: Computer, *packages: Path) -> None:
    """Install packages as an administrator does."""
    for package in packages:
        computer.write(f"/tmp/{package.name}", package.read_bytes())
    said = computer.run("dpkg", "--install", *(f"/tmp/{package.name}" for package in packages))
    assert "rror" not in said, said


def found_a_site(computer: Computer) -> Popen[bytes]:
    """A hub under its own account, and two stations that enrol with it."""
    http_port, mqtt_port = free_ports(2)
    computer.write(HUB_CONFIG, b'[hub]\nstun = ""\n')
    assert computer.run("stat", "-c", "%U:%G %a", HUB_CONFIG) == "root:nmr-hub 640\n"
    here = ("--address", "127.0.0.1", "--listen", "127.0.0.1")
    ports = ("--http-port", str(http_port), "--mqtt-port", str(mqtt_port))
    first = ("--person", "anna", "--role", STAFF["anna"], "--file", "anna.invite")
    computer.run("nmr-hub", "init", "--yes", "--start", "no", "--site", "cafe", *here, *ports, *first)
    hub = start_hub(computer)
    computer.run("nmr-hub", "invite", "--person", "ben", "--role", STAFF["ben"], "--file", "ben.invite")
    for person in STAFF:
        computer.run("useradd", "--create-home", person)
        computer.run("install", "-d", "-o", person, "-g", person, "-m", "0700", f"/run/user/{person}")
        computer.write(f"/home/{person}/invite", computer.read(f"/var/lib/nmr-hub/{person}.invite").encode())
    computer.run("nmr", "enrol", "/home/anna/invite", user="anna")
    start_station(computer, "anna")
    # ben types nothing: IT left an invite for whoever sits there
    computer.run("chown", "ben", "/home/ben/invite")
    computer.write(DEPLOYMENT, b'invite = "$HOME/invite"\n')
    start_station(computer, "ben")
    computer.run("rm", DEPLOYMENT)
    return hub


def start_hub(computer: Computer) -> Popen[bytes]:
    """Start what the unit names, as whom it names; where there is a systemd, that does it."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    unit.read_string(computer.read(UNIT))
    does = unit["Service"]
    env = dict(word.split("=", 1) for word in shlex.split(does["Environment"]))
    for variable, key in (("STATE", "StateDirectory"), ("RUNTIME", "RuntimeDirectory")):
        folder = f"{'/var/lib' if variable == 'STATE' else '/run'}/{does[key]}"
        computer.run("install", "-d", "-o", does["User"], "-g", does["Group"], "-m", does[f"{key}Mode"], folder)
    hub = computer.start(*shlex.split(does["ExecStart"]), user=does["User"], env=env, log="/var/lib/nmr-hub/out")
    until(lambda: computer.tried("nmr-hub", "status").returncode == 0, "the hub", PATIENCE)
    return hub


def start_station(computer: Computer, person: str) -> None:
    """Start an agent as the desktop does at the login, without a desktop."""
    (autostart,) = re.findall("^Exec=(.*)$", computer.read(AUTOSTART), re.MULTILINE)
    computer.start(*shlex.split(autostart), user=person, log=f"/home/{person}/out")
    until_it_pages(computer, person)


def until_it_pages(computer: Computer, person: str) -> None:
    """Return when a station is connected and may page."""
    until(lambda: status(computer, person).get("can", {}).get("page"), f"{person}'s station", PATIENCE)


def is_new(computer: Computer, person: str, old: str) -> bool:
    """Whether a person's agent is another than that old one."""
    return agent_of(computer, person) != old


def agent_of(computer: Computer, person: str) -> str:
    """The process that is a person's agent."""
    return computer.read(f"/home/{person}/.local/share/no-more-running/agent.lock").strip()


def status(computer: Computer, person: str) -> dict[str, Any]:
    """What a station says of itself, nothing if it does not run."""
    done = computer.tried("nmr", "status", "--json", user=person)
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def page(computer: Computer, note: str) -> None:
    """Anna pages the kitchen, and ben comes."""
    asked = f"/home/anna/{note.replace(' ', '-')}"
    computer.start("nmr", "page", "role:kitchen", "--note", note, "--wait", "--json", user="anna", log=asked)
    until(lambda: status(computer, "ben").get("unanswered"), "the page at ben's", PATIENCE)
    found = re.search(r'"id": ?"([^"]+)"', computer.read(asked))
    assert found, computer.read(asked)
    computer.run("nmr", "answer", found[1], "accepted", user="ben")
    until(lambda: '"accepted"' in computer.read(asked).splitlines()[-1], "ben's answer at anna's", PATIENCE)


def upgrade(computer: Computer, built: Built, hub: Popen[bytes]) -> Popen[bytes]:
    """The next version keeps what the administrator wrote, and who the stations are."""
    before = status(computer, "ben")
    old = {person: agent_of(computer, person) for person in STAFF}
    computer.write(CONFIG, ADMINISTRATOR.encode())
    hub_settings = computer.read(HUB_CONFIG)
    computer.end(hub)
    install(computer, built.next_station, built.next_hub)
    assert computer.read(CONFIG) == ADMINISTRATOR
    assert computer.read(HUB_CONFIG) == hub_settings
    assert computer.run("stat", "-c", "%U:%G %a", HUB_CONFIG) == "root:nmr-hub 640\n"
    assert NEXT in computer.run("dpkg-query", "--show", "no-more-running", "no-more-running-hub")
    hub = start_hub(computer)
    for person in STAFF:
        until(functools.partial(is_new, computer, person, old[person]), f"{person}'s new agent", PATIENCE)
        until_it_pages(computer, person)
    after = status(computer, "ben")
    assert [after[key] for key in ("station", "person", "roles", "site")] == [
        before[key] for key in ("station", "person", "roles", "site")
    ]
    return hub


def leave(computer: Computer, hub: Popen[bytes]) -> None:
    """End every program, politely."""
    for person in STAFF:
        computer.run("nmr", "quit", user=person)
    computer.end(hub)


def remove(computer: Computer) -> None:
    """Without the program its settings and the users' own data stay."""
    computer.run("dpkg", "--remove", "no-more-running-hub", "no-more-running")
    for gone in ("/usr/bin/nmr", "/usr/sbin/nmr-hub", "/usr/lib/no-more-running", UNIT):
        assert not computer.has(gone), gone
    for kept in (CONFIG, HUB_CONFIG, "/var/lib/nmr-hub", "/home/ben/.local/share/no-more-running/station.sqlite3"):
        assert computer.has(kept), kept


def purge(computer: Computer) -> None:
    """After that nothing is left but what the users have in their homes."""
    computer.run("dpkg", "--purge", "no-more-running-hub", "no-more-running")
    assert computer.tried("getent", "passwd", "nmr-hub").returncode != 0
    left = [path for path in computer.changes() if re.search("no-more-running|nmr", path)]
    assert [path for path in left if not path.startswith("/home/") and computer.has(path)] == []
    assert "no-more-running" not in computer.read("/var/lib/dpkg/status")
