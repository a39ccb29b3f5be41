"""Faults planted in a desktop: no panel, no daemon, no buttons, no sound, no autostart."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.station.doctor.checks import CHECKS, examine
from agent.station.doctor.finding import Finding, Level
from agent.station.doctor.sight import take_sight
from agent.system.paths import Profile
from tests.servers.desktop import Desktop
from tests.servers.notification_daemon import NotificationDaemon
from tests.servers.session_bus import Bus
from tests.servers.tray_host import tray_host
from tests.station.doctor.scene import GOOD, examined, said

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the desktops of Linux")


@pytest.fixture
def nobody(tmp_path: Path) -> Profile:
    """A computer that is no station: its desktop can be examined all the same."""
    return Profile.at(tmp_path)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """A private session bus that is this process' own."""
    if missing := Bus.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Bus() as started:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", started.address)
        yield started


def on_a_desktop(profile: Profile, bus: Bus, check: str, *, panel: bool | None, can: tuple[str, ...] | None) -> Finding:
    """What one check finds where a panel shows icons (or only knows of them), and a daemon can do so much."""

    async def look() -> list[Finding]:
        async with AsyncExitStack() as stack:
            if panel is not None:
                await stack.enter_async_context(tray_host(bus.address, host=panel))
            if can is not None:
                await stack.enter_async_context(NotificationDaemon(bus.address, can))
            checks = tuple(one for one in CHECKS if getattr(one, "__name__", "") == check)
            return await examine(await take_sight(profile), checks)

    (found,) = asyncio.run(look())
    return found


# ---- tray ----
def test_without_a_session_there_is_neither_icon_nor_notice(nobody: Profile) -> None:
    assert said(nobody, "tray") == [("warning", "no-bus")]
    assert said(nobody, "notices") == [("failure", "no-bus")]


@pytest.mark.parametrize(
    ("panel", "level", "what"), [(None, "warning", "no-watcher"), (False, "warning", "no-host"), (True, "ok", "ok")]
)
def test_a_panel_without_a_place_for_icons_is_told(
    nobody: Profile, bus: Bus, panel: bool | None, level: str, what: str
) -> None:
    found = on_a_desktop(nobody, bus, "tray", panel=panel, can=None)
    assert (str(found.level), found.what) == (level, what)


# ---- notices ----
def test_a_desktop_without_a_notification_daemon_is_told(nobody: Profile, bus: Bus) -> None:
    assert said(nobody, "notices") == [("failure", "none")]


@pytest.mark.parametrize(
    ("can", "level", "what"),
    [
        (("body", "actions", "persistence", "sound"), "ok", "ok"),
        (("body", "actions"), "ok", "forgets"),
        (("body", "persistence"), "warning", "no-actions"),
    ],
)
def test_what_the_daemon_cannot_do_is_told(
    nobody: Profile, bus: Bus, can: tuple[str, ...], level: str, what: str
) -> None:
    found = on_a_desktop(nobody, bus, "notices", panel=None, can=can)
    assert (str(found.level), found.what) == (level, what)
    assert found.values == {"name": "nmr-test", "can": ", ".join(sorted(can))}


# ---- sound ----
@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """A desktop with a sound sink and nothing else."""
    if missing := Desktop.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(notify=None, panel=False) as started:
        yield started


@pytest.fixture
def speaker(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """Its sink is this process' own, as loud as it was before when the test ends."""
    for variable in ("PULSE_SERVER", "PULSE_COOKIE", "ALSA_CONFIG_PATH", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, desktop.env[variable])
    monkeypatch.setenv("NMR_SOUND", "paplay")
    yield desktop
    pactl("set-sink-mute", "null", "0")
    pactl("set-sink-volume", "null", "100%")


def pactl(*words: str) -> str:
    return subprocess.run(["pactl", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.desktop
def test_a_page_is_played_and_heard_at_the_sink(speaker: Desktop, nobody: Profile) -> None:
    (found,) = examined(nobody, "sound")
    assert (found.level, found.what, dict(found.values)) == (Level.OK, "heard", {"by": "paplay", "sink": "null"})


@pytest.mark.desktop
def test_a_muted_loudspeaker_is_told(speaker: Desktop, nobody: Profile) -> None:
    pactl("set-sink-mute", "null", "1")
    assert said(nobody, "sound") == [("failure", "muted")]
    pactl("set-sink-mute", "null", "0")
    pactl("set-sink-volume", "null", "0%")
    assert said(nobody, "sound") == [("failure", "turned-down")]


@pytest.mark.desktop
def test_a_sound_that_does_not_arrive_is_told(
    speaker: Desktop, nobody: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.station.doctor.ear.LOUD", 40_000)  # no sound is that loud: as if none had come
    monkeypatch.setattr("agent.station.doctor.ear.HEARD_S", 0.2)
    assert said(nobody, "sound") == [("failure", "not-heard")]


@pytest.mark.desktop
def test_a_computer_without_a_loudspeaker_is_told(speaker: Desktop, nobody: Profile) -> None:
    number = next(line.split("\t")[0] for line in pactl("list", "short", "modules").splitlines() if "null-sink" in line)
    pactl("unload-module", number)
    try:
        assert said(nobody, "sound") == [("failure", "no-sink")]
    finally:
        pactl("load-module", "module-null-sink", "sink_name=null", "rate=48000", "channels=2")


def test_a_computer_that_cannot_play_is_told_why(nobody: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMR_SOUND", "silent")
    monkeypatch.setenv("PATH", "/nonexistent")
    (found,) = examined(nobody, "sound")
    assert (found.level, found.what) == (Level.FAILURE, "not-played")
    assert "switched off" in str(found.values["reason"])


def test_nothing_is_played_where_it_was_not_wanted(nobody: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert said(nobody, "sound", sound=False) == [("off", "not-asked")]


# ---- autostart ----
@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a system in which nothing starts; returns their folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    return tmp_path


def entry(folder: Path, command: str = "/usr/bin/nmr run", *more: str) -> Path:
    """An autostart entry."""
    file = folder / "autostart" / "no-more-running.desktop"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["[Desktop Entry]", "Type=Application", f"Exec={command}", *more, ""]))
    return file


def test_an_agent_that_does_not_start_with_the_login_is_told(nobody: Profile, login: Path) -> None:
    assert said(nobody, "autostart") == [("warning", "missing")]
    for number, command in enumerate(["/usr/bin/ssh-agent --run", "/usr/bin/nmr window orders", "nmrun run"]):
        entry(login / "system", command).rename(login / f"system/autostart/other-{number}.desktop")
    assert said(nobody, "autostart") == [("warning", "missing")]


@pytest.mark.parametrize(
    "command",
    [
        "nmr run",
        '"/opt/no more/nmr" run',
        "/usr/bin/nmr --profile /srv/a run",
        "python3 -m agent run",
        "/usr/lib/no-more-running/bin/stay",
    ],
)
def test_an_entry_that_starts_the_agent_is_found_whatever_it_is_called(
    nobody: Profile, login: Path, command: str
) -> None:
    file = entry(login / "system", command)
    (found,) = examined(nobody, "autostart")
    assert (found.level, found.values) == (Level.OK, {"place": str(file)})


def test_an_entry_that_the_user_switched_off_is_told(nobody: Profile, login: Path) -> None:
    entry(login / "system")
    own = entry(login / "home", "/usr/bin/nmr run", "Hidden=true")
    (found,) = examined(nobody, "autostart")
    assert (found.level, found.what, found.values["place"]) == (Level.WARNING, "switched-off", str(own))


def test_an_agent_that_is_started_twice_is_told(nobody: Profile, login: Path) -> None:
    entry(login / "system")
    unit = login / "home/systemd/user/graphical-session.target.wants/no-more-running.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/nmr run\n")
    assert said(nobody, "autostart") == [("warning", "twice")]


# ---- window ----
def test_a_python_without_tk_is_told(nobody: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(nobody, "window", status=GOOD) == [("ok", "ok")]
    monkeypatch.setattr("agent.station.doctor.desktop.find_spec", lambda name: None if name == "_tkinter" else name)
    assert said(nobody, "window") == [("warning", "no-tk")]


def test_the_programs_that_listen_are_those_of_the_sound_server() -> None:
    if not shutil.which("pactl"):
        pytest.skip("not installed: pactl")
    from agent.station.doctor.ear import find_ear

    assert asyncio.run(find_ear()) is None, "no server runs here: nobody can be asked, and that is no fault of a sink"
