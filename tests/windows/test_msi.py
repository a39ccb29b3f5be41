"""The MSI from its making to its removal, on a Windows that nobody types at: invite, page, upgrade, end.

The tests share one computer and stand in the order of its life.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent import __version__
from agent.demo.site import Site
from agent.system.control import connect_to
from agent.ui.notify.winrt import APP_ID
from installer.windows.build import signing
from installer.windows.imports import lacking
from installer.windows.msi import make_msi, missing
from installer.windows.payload import PYTHON, add_project, make_payload, make_setup
from tests.servers import wine_parts
from tests.servers.desktop import Desktop
from tests.servers.programs import until
from tests.servers.wine import SLOW, Wine, windows
from tests.windows.installed import OURS, RUN, InstalledStation
from tests.windows.test_wine import TITLE, kitchen_pages, live, page_the_front_desk, painted

pytestmark = [pytest.mark.wine, pytest.mark.desktop, pytest.mark.timeout(300)]

NEWER = "9.9.9"
BESIDES = ("openssl", "osslsigncode", "msiinfo")
"""Programs that these tests need besides those of the build."""
LIBRARIES = (
    "aiortc, certifi, cryptography.x509, desktop_notifier, imapclient, keyring, msal, msgspec, paho.mqtt.client,"
    " PIL.Image, platformdirs, plyer, pystray, simpleaudio, sqlite3, tkinter, websockets,"
    " winrt.windows.ui.notifications"
)
"""What an agent may load sooner or later."""
BUILD = wine_parts.ROOT / "installer" / "windows" / "build.py"
Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What was made: twice the same version and, from one of them, a newer one that is signed."""

    one: Path
    other: Path
    payload: Path
    newer: Path
    authority: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the MSI in two processes at once, by the command and by hand; then a newer version."""
    folder = tmp_path_factory.mktemp("msi")
    if absent := [*missing(), *Wine.missing(), *(name for name in BESIDES if shutil.which(name) is None)]:
        pytest.skip(f"not installed: {', '.join(absent)}")
    if sys.version_info[:2] != PYTHON:
        pytest.skip("the bytecode of Windows' Python 3.11 is made by Python 3.11, which this is not")
    try:
        python = wine_parts.python().parent
    except wine_parts.CannotFetch as error:
        pytest.skip(f"Python for Windows cannot be fetched: {error}")
    made = Built(
        folder / f"no-more-running-{__version__}.msi",
        folder / "other.msi",
        folder / "payload",
        folder / "newer.msi",
        folder / "authority.pem",
    )
    with (folder / "build.log").open("wb") as log:
        command = [sys.executable, str(BUILD), str(folder)]
        building = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        make_payload(made.payload, python, __version__)
        make_msi(made.payload, __version__, made.other)
        assert building.wait(200) == 0, (folder / "build.log").read_text()
    finally:
        building.kill()
    add_project(made.payload, NEWER)
    make_msi(made.payload, NEWER, made.newer, sign=signing(str(signer(folder))))
    return made


def signer(folder: Path) -> Path:
    """A program that signs with a key of a test authority, whose certificate is authority.pem."""
    script = folder / "sign"
    script.write_text(
        f"""#!/bin/sh -e
cd {folder}
test -f key.pem || openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out authority.pem -days 30 \\
    -subj "/CN=No More Running Test" -addext extendedKeyUsage=codeSigning
osslsigncode sign -h sha256 -certs authority.pem -key key.pem -n "No More Running" -in "$1" -out "$1.signed"
mv "$1.signed" "$1"
"""
    )
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def station(
    built: Built, desktop: Desktop, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledStation]:
    """A computer without anything of ours."""
    folder = tmp_path_factory.mktemp("installed")
    # Keys go into the Credential Manager, as on a desk.
    with windows({name: text for name, text in desktop.env.items() if "KEYRING" not in name}, folder) as wine:
        yield InstalledStation(wine, desktop, site, folder)


@pytest.fixture(scope="module")
def invite(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the hub made for Anna, where IT put it."""
    with connect_to(site.profile("hub").hub_control_address) as hub:
        made = hub.request("hub.invite", person="anna", roles=["front-desk"], station="front-installed")
    file = tmp_path_factory.mktemp("share") / "front.json"
    file.write_text(json.dumps(made["invite"]))
    return file


def table(msi: Path, name: str) -> list[list[str]]:
    """The rows of a table of an MSI."""
    said = subprocess.run(["msiinfo", "export", msi, name], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in said.splitlines()[3:]]


def verified(file: Path, authority: Path) -> bool:
    """Whether a signature of the authority is on a file and fits it."""
    command = ["osslsigncode", "verify", "-ignore-timestamp", "-CAfile", str(authority), "-in", str(file)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def test_two_builds_are_the_same_bytes(built: Built, record_testsuite_property: Record) -> None:
    record_testsuite_property("MSI, MB", round(built.one.stat().st_size / 1e6, 1))
    assert built.one.read_bytes() == built.other.read_bytes()


def test_windows_has_every_dll_that_is_asked_for(built: Built) -> None:
    assert lacking(built.payload) == []
    tls = built.payload / "libssl-3.dll"
    away = tls.rename(built.payload.parent / tls.name)
    try:
        assert lacking(built.payload) == ["_ssl.pyd needs libssl-3.dll"]
    finally:
        away.rename(tls)


def test_programs_and_installer_can_be_signed(built: Built) -> None:
    for file in (built.payload / "nmr.exe", built.payload / "nmrc.exe", built.newer):
        assert verified(file, built.authority)
    content = bytearray((built.payload / "nmr.exe").read_bytes())
    content[0x1000] ^= 1
    forged = built.payload.parent / "forged.exe"
    forged.write_bytes(content)
    assert not verified(forged, built.authority)


def test_the_tables_say_what_wine_does_not_look_at(built: Built) -> None:
    properties = dict(table(built.one, "Property"))
    assert {"SITEURL", "INVITE", "AUTOSTART", "POLICY"} < set(properties["SecureCustomProperties"].split(";"))
    assert (properties["ALLUSERS"], properties["REINSTALLMODE"]) == ("1", "amus")
    assert [row[3] for row in table(built.one, "MsiShortcutProperty")] == [APP_ID]
    sequence = {row[0]: (int(row[2]), row[1]) for row in table(built.one, "InstallExecuteSequence")}
    assert sequence["AppSearch"] < sequence["KeepSITEURL"] < sequence["RemoveExistingProducts"]
    assert sequence["InstallInitialize"] < sequence["PauseAgents"] < sequence["RemoveFiles"]
    assert sequence["WriteRegistryValues"] < sequence["ResumeAgents"] < sequence["InstallFinalize"]
    assert "UPGRADINGPRODUCTCODE" in sequence["PauseAgents"][1]
    both = {row[0] for row in table(built.one, "Component")} & {row[0] for row in table(built.newer, "Component")}
    assert {"Run", "StartMenu", "Install", "GivenSITEURL"} < both


def test_it_is_installed_silently_with_what_it_gave(
    station: InstalledStation, built: Built, invite: Path, site: Site, record_testsuite_property: Record
) -> None:
    hub = f"https://127.0.0.1:{site_port(site)}"
    began = time.monotonic()
    policy = station.wine.drive_c / "policy.toml"
    policy.write_text("[ring]\nagain_seconds = 17\n")
    given = (f"INVITE={station.wine.path(invite)}", f"SITEURL={hub}", "POLICY=C:\\policy.toml")
    assert station.install(built.one, *given) == 0
    record_testsuite_property("under wine, installing, s", round(time.monotonic() - began, 1))
    size = sum(path.stat().st_size for path in station.folder_of_program.rglob("*"))
    record_testsuite_property("installed on Windows, MB", round(size / 1e6, 1))
    found = station.registry(OURS)
    assert (found["Invite"], found["SiteUrl"], found["Policy"]) == (station.wine.path(invite), hub, "C:\\policy.toml")
    assert (found["Version"], found["Folder"]) == (__version__, "C:\\Program Files\\No More Running\\")
    assert station.registry(RUN)["NoMoreRunning"] == '"C:\\Program Files\\No More Running\\nmr.exe" run'
    assert (station.entries(), station.shortcuts()) == ([__version__], ["No More Running.lnk"])
    assert station.nmr("--version").said == f"nmr, version {__version__}\r\n"
    assert "ring.again_seconds = 17" in station.nmr("config", "show", "--why", "ring.again_seconds").said
    assert station.nmr("config", "check").process.returncode == 0
    licences = (station.folder_of_program / "LIBRARY-LICENSES.txt").read_text(encoding="utf-8")
    assert {"cryptography", "paho-mqtt", "pystray"} <= {
        line.split()[0] for line in licences.splitlines() if line.strip()
    }


def site_port(site: Site) -> int:
    """Where the hub listens."""
    text = site.profile("hub").hub_config_file.read_text()
    (port,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("http_port")]
    return int(port)


def test_at_the_first_login_it_joins_by_the_invite(
    station: InstalledStation, site: Site, record_testsuite_property: Record
) -> None:
    station.start()
    record_testsuite_property("installed under wine, start to icon, s", round(station.seconds_to_icon, 2))
    until(lambda: "front-installed" in live(site), "the new station among those who are there", SLOW)
    status = station.asked("status")
    assert (status["station"], status["person"], status["version"]) == ("front-installed", "anna", __version__)
    assert (status["state"], status["tray"], status["storage"]) == ("ok", "native", "keyring")


def test_pages_go_both_ways_with_nothing_but_the_mouse(station: InstalledStation, site: Site) -> None:
    page = page_the_front_desk(site, "the soup", until_it=lambda page: page["state"] == "presented")
    station.press_first_answer()  # On my way
    with site.talk("kitchen") as kitchen:
        until(lambda: {p["id"]: p for p in next(kitchen.watch())["pages"]}[page["id"]]["state"] == "accepted", "yes")
    before = len([one for one in kitchen_pages(site) if not one["out"]])
    station.press_first_entry()  # Page kitchen
    until(lambda: len([one for one in kitchen_pages(site) if not one["out"]]) > before, "Anna's page in the kitchen")


def test_its_window_opens(station: InstalledStation, desktop: Desktop) -> None:
    assert station.nmr("window", "status").process.returncode == 0
    until(lambda: desktop.focused() == TITLE and painted(desktop, TITLE), "the window", SLOW)
    desktop.screenshot("msi-window")
    desktop.press_key("ctrl+w", lambda: desktop.find_window(TITLE) is None, "the end of the window")
    assert "window-fault" not in station.log


def test_every_library_it_brings_can_be_loaded(station: InstalledStation) -> None:
    loaded = station.nmr("-m", "timeit", "-n", "1", "-r", "1", f"import {LIBRARIES}")
    assert loaded.process.returncode == 0, loaded.said


def test_an_older_version_is_refused_and_an_upgrade_keeps_everything(
    station: InstalledStation, site: Site, built: Built
) -> None:
    agent, before = station.agent, station.registry(OURS)
    assert agent
    assert station.install(built.newer, "AUTOSTART=0") == 0
    assert agent.wait() == 0, agent.said  # it was told to end, and ended by itself
    assert not [line for line in station.log.splitlines() if " ERROR " in line]
    assert station.registry(OURS) == {**before, "Version": NEWER, "Autostart": "0"}
    assert "NoMoreRunning" not in station.registry(RUN)
    assert (station.entries(), station.shortcuts()) == ([NEWER], ["No More Running.lnk"])
    assert station.nmr("--version").said == f"nmr, version {NEWER}\r\n"
    assert station.install(built.one) != 0
    assert (station.entries(), station.registry(OURS)["Version"]) == ([NEWER], NEWER)
    until(station.icon_is_gone, "an empty panel")
    station.start()  # from the Start menu
    until(lambda: "front-installed" in live(site), "the same station with the new version", SLOW)


def test_agents_that_an_upgrade_ended_are_started_again(station: InstalledStation, built: Built, site: Site) -> None:
    # Windows' installer tells the old version that it is upgraded, wine's does not: what then happens, by hand.
    setup = built.payload.parent / "setup.exe"
    make_setup(setup, NEWER)
    nmr, agent, begun = "C:\\Program Files\\No More Running\\nmr.exe", station.agent, station.log.count(" started ")
    assert agent
    assert station.wine.run_program(setup, "end", nmr, "remember").wait() == 0
    assert agent.wait() == 0, agent.said
    assert station.wine.run_program(setup, "resume", nmr).wait() == 0
    until(lambda: station.log.count(" started ") == begun + 1, "the agent again", SLOW)
    until(lambda: "front-installed" in live(site), "the same station again", SLOW)


def test_removed_it_leaves_nothing_but_what_is_the_users(station: InstalledStation, built: Built, site: Site) -> None:
    assert station.remove(built.newer) == 0
    until(lambda: "front-installed" not in live(site), "its good-bye")
    assert not [line for line in station.log.splitlines() if " ERROR " in line]
    assert not station.folder_of_program.exists()
    assert (station.registry(OURS), station.entries(), station.shortcuts()) == ({}, [], [])
    assert "NoMoreRunning" not in station.registry(RUN)
    assert (station.data / "station.sqlite3").exists()
