r"""The registry layers of the settings, tried by Python for Windows: writes, reads back and cleans up its registry."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.domain.errors import NotAllowed
from agent.system.config.change import change
from agent.system.config.load import Loaded, load, reload_if_changed
from agent.system.config.schema import Config
from agent.system.config.why import decision, decisions
from agent.system.paths import Profile

assert sys.platform == "win32"

import winreg  # noqa: E402 - mypy stops reading at the line above on other systems

POLICIES = r"Software\Policies\NoMoreRunning"
DEFAULTS = r"Software\NoMoreRunning"


def promise(name: str, kept: object) -> None:
    """Tell whether it is kept."""
    sys.stdout.write(f"{'kept' if kept else 'BROKEN'} {name}\n")
    sys.stdout.flush()


@contextmanager
def said(hive: int, path: str, name: str, kind: int, value: Any) -> Iterator[None]:
    """A value stands in the registry for the length of a block."""
    access = winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY
    with winreg.CreateKeyEx(hive, path, 0, access) as key:
        winreg.SetValueEx(key, name, 0, kind, value)
        try:
            yield
        finally:
            winreg.DeleteValue(key, name)


def again(loaded: Loaded[Config]) -> tuple[Any, str, bool]:
    """What counts for one setting, which layer says so, and whether it is locked."""
    found = decision(loaded, "ring.again_seconds")
    return found.winner.value, found.winner.rank, found.locked


def layers(profile: Profile) -> None:
    """Every layer over the one below it."""
    machine, user = winreg.HKEY_LOCAL_MACHINE, winreg.HKEY_CURRENT_USER
    ring = rf"{POLICIES}\ring"
    running = load(profile)
    promise("nothing", again(running) == (30, "built-in", False))
    profile.machine_config_file.parent.mkdir(parents=True, exist_ok=True)
    profile.machine_config_file.write_text("[ring]\nagain_seconds = 50\n", encoding="utf-8")
    promise("the machine's file", again(load(profile)) == (50, "machine defaults", False))
    with said(machine, rf"{DEFAULTS}\ring", "again_seconds", winreg.REG_DWORD, 60):
        promise("the machine's key", again(load(profile)) == (60, "machine defaults", False))
        profile.config_file.write_text("[ring]\nagain_seconds = 45\n", encoding="utf-8")
        promise("the user's file", again(load(profile)) == (45, "user file", False))
        with said(user, ring, "again_seconds", winreg.REG_SZ, "25"):
            promise("the account's policy", again(load(profile)) == (25, "user policy", True))
            with said(machine, ring, "again_seconds", winreg.REG_DWORD, 20):
                promise("the machine's policy", again(load(profile)) == (20, "machine policy", True))
                news = reload_if_changed(running, profile)
                promise("a change is noticed", news is not None and again(news)[0] == 20)
                promise("nothing new", news is not None and reload_if_changed(news, profile) is None)
                promise("a profile of its own", again(load(Profile.at(profile.config_folder)))[0] == 20)
                try:
                    change(profile.config_file, load(profile), "ring.again_seconds", 9)
                except NotAllowed as refused:
                    promise(f"locked ({refused})", rf"HKLM\{ring}\again_seconds" in str(refused))
                else:
                    promise("locked", False)
    promise("gone again", again(load(profile)) == (45, "user file", False))


def types(profile: Profile) -> None:
    """Every type the editor of group policy writes, and one that does not fit."""
    machine = winreg.HKEY_LOCAL_MACHINE
    pages = ['{ title = "Tea", to = "all" }', '{ title = "Now", to = "role:kitchen", urgent = true }']
    with (
        said(machine, rf"{POLICIES}\ring", "page_sound", winreg.REG_DWORD, 0),
        said(machine, rf"{POLICIES}\UI", "Order_Name", winreg.REG_SZ, "Tisch 4 → 🍕"),
        said(machine, rf"{POLICIES}\link\mqtt", "addresses", winreg.REG_MULTI_SZ, ["a:1", "b:2"]),
        said(machine, POLICIES, "quick_page", winreg.REG_MULTI_SZ, pages),
        said(machine, rf"{POLICIES}\log", "keep_files", winreg.REG_BINARY, b"\x07"),
        said(machine, rf"{POLICIES}\log", "kep_files", winreg.REG_DWORD, 7),
        said(machine, rf"{DEFAULTS}\Deployment", "SiteUrl", winreg.REG_SZ, "https://hub.example"),
    ):
        loaded = load(profile)
    config = loaded.config
    promise("a flag", not config.ring.page_sound)
    promise("a text, in any case of its name", config.ui.order_name == "Tisch 4 → 🍕")
    promise("a list", config.link.mqtt.addresses == ("a:1", "b:2"))
    promise("tables", [page.urgent for page in config.quick_page] == [False, True])
    promise("all else", sum(one.locked for one in decisions(loaded)) == 4)
    told = [str(one) for one in loaded.mistakes]
    promise(f"a mistake {told}", len(told) == 1 and told[0].startswith(rf"HKLM\{POLICIES}\log\keep_files: "))
    unknown = [str(one) for one in loaded.warnings]
    promise(f"an unknown name {unknown}", len(unknown) == 1 and 'did you mean "keep_files"' in unknown[0])


def installer(profile: Profile, folder: Path) -> None:
    """The file the installer was given as POLICY."""
    file = folder / "given.toml"
    file.write_text("[ui]\nquit_allowed = false\n", encoding="utf-8")
    with said(winreg.HKEY_LOCAL_MACHINE, rf"{DEFAULTS}\Deployment", "Policy", winreg.REG_SZ, str(file)):
        found = decision(load(profile), "ui.quit_allowed")
    promise("the installer's policy", (found.winner.value, found.locked) == (False, True))


if __name__ == "__main__":
    here = Profile.default()
    here.config_folder.mkdir(parents=True, exist_ok=True)
    layers(here)
    types(here)
    installer(here, Path(sys.argv[1]))
