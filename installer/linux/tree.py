r"""What lies where on a Linux computer, for both kinds of package alike.

    /usr/bin/nmr                            the command
    /usr/lib/no-more-running/bin/stay       what a login starts: the agent, and after an upgrade the new one
    /usr/lib/no-more-running/pyvenv.cfg     an environment on top of the distribution's Python, so that Tk and D-Bus
    /usr/lib/no-more-running/bin/python3    tools of the distribution are there, and children find our libraries
    /usr/lib/no-more-running/lib/python3.X/site-packages  → one folder for every Python we run on
    /usr/lib/no-more-running/site-packages/ libraries and project
    /etc/no-more-running/                   settings for everybody
    /etc/xdg/autostart/                     the icon at every login

The hub's package adds its libraries to the same folder, and lies upon the station's.
"""

import gzip
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from installer.linux.libraries import PYTHONS, install_hub_libraries, install_station_libraries
from installer.linux.manual import completions, made_on, manual_pages
from installer.linux.steps import ROOT
from installer.supply import licences_text, shipped

STATION, HUB = "no-more-running", "no-more-running-hub"
HOME = Path("usr/lib/no-more-running")
PACKAGES = HOME / "site-packages"
FIXED = Path(__file__).resolve().parent
"""`station/` and `hub/` beside this file lie as they do on the computer they are for."""
_ICONS = ROOT / "assets" / "icons"
_ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
_PROGRAM, _FILE = 0o755, 0o644
_PROGRAMS = {"bin", "sbin", "runtime.d"}
"""Folders of what can be started."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Two finished trees, each the root of one package."""

    station: Path
    hub: Path


def lay_trees(folder: Path, version: str, epoch: int) -> Trees:
    """Lay both packages below the new `folder`; `epoch` is the time every file says it is of."""
    return Trees(lay_station(folder / STATION, version, epoch), lay_hub(folder / HUB, version, epoch))


def lay_station(root: Path, version: str, epoch: int) -> Path:
    """Lay what is on every desk below the new folder `root`, and return that."""
    _copy_fixed("station", root, version, epoch)
    install_station_libraries(root / PACKAGES)
    _copy_project(root / PACKAGES)
    (root / HOME / "bin" / "python3").symlink_to("../../../bin/python3")
    for python in PYTHONS:
        place = root / HOME / "lib" / f"python{python}" / "site-packages"
        place.parent.mkdir(parents=True)
        place.symlink_to("../../site-packages")
    for size in _ICON_SIZES:
        icon = root / f"usr/share/icons/hicolor/{size}x{size}/apps/no-more-running.png"
        icon.parent.mkdir(parents=True)
        shutil.copyfile(_ICONS / f"no-more-running-{size}.png", icon)
    for name, text in manual_pages(made_on(epoch)).items():
        _packed(root / "usr/share/man/man1" / f"{name}.gz", text)
    for name, text in completions().items():
        _write(root / name, text)
    _documents(root, STATION, "configuration", "policy", "support", "linux-deployment")
    settle(root, epoch)
    return root


def lay_hub(root: Path, version: str, epoch: int) -> Path:
    """Lay what a hub needs besides below the new folder `root`, and return that."""
    _copy_fixed("hub", root, version, epoch)
    install_hub_libraries(root / PACKAGES, root / HOME / "bin")
    manual = root / "usr/share/man/man8/nmr-hub.8"
    _packed(manual.with_name("nmr-hub.8.gz"), manual.read_text(encoding="utf-8"))
    manual.unlink()
    _documents(root, HUB, "hub-operations")
    turn = root / "usr/share/doc" / HUB / "examples" / "coturn.conf"
    turn.parent.mkdir()
    shutil.copyfile(FIXED / "coturn.conf.example", turn)
    settle(root, epoch)
    return root


def _copy_fixed(kind: str, root: Path, version: str, epoch: int) -> None:
    shutil.copytree(FIXED / kind, root)
    for path in (root / "usr/share").rglob("*.*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            text = text.replace("{version}", version).replace("{date}", f"{made_on(epoch):%Y-%m-%d}")
            path.write_text(text, encoding="utf-8")


def _copy_project(packages: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "agent", packages / "agent", ignore=ignore)
    shutil.copytree(ROOT / "assets", packages / "agent" / "assets", ignore=ignore)


def _documents(root: Path, package: str, *pages: str) -> None:
    folder = root / "usr/share/doc" / package
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", folder / "copyright")
    for page in pages:
        shutil.copyfile(ROOT / "docs" / f"{page}.md", folder / f"{page}.md")
    _packed(folder / "changelog.gz", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    _packed(folder / "licences.txt.gz", licences_text(shipped(root / PACKAGES)))


def _packed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def settle(root: Path, epoch: int) -> None:
    """Modes and times that do not depend on who builds, when and where."""
    root.chmod(_PROGRAM)
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            program = path.is_dir() or path.parent.name in _PROGRAMS
            path.chmod(_PROGRAM if program else _FILE)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
