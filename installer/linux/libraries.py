"""The locked libraries for several Pythons in one folder, without what a package does not need."""

# An extension module carries its Python in its name (`_x.cpython-311-x86_64-linux-gnu.so`), so those of several
# Pythons lie side by side. All else is that of the oldest: it asks the least of the language and brings the backports.

import re
import shutil
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from installer.linux.steps import ROOT, BuildFailed, run
from installer.supply import normal

STATION_LOCK = ROOT / "installer" / "requirements-station.txt"
HUB_LOCK = ROOT / "installer" / "requirements-hub.txt"
STAND_INS = sorted(path.parent for path in (ROOT / "installer").glob("stub_*/*/__init__.py"))
"""Packages of ours in the place of libraries of the same name."""
PYTHONS = ("3.11", "3.12", "3.13")
"""The oldest first."""
PLATFORM = "x86_64-manylinux_2_28"
PROGRAMS = ("nats-server",)
"""What the libraries bring to be started; all their other commands stay away."""

_UNUSED_FOLDERS = {"__pycache__", "tests"}
_NO_LIBRARIES = ("bin", "share")
_UNUSED_SUFFIXES = {".pyi", ".pxd", ".pyx", ".h", ".c"}
_UNUSED_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json", ".lock"}
_ONE_PYTHON = re.compile(r"\.cpython-3\d+-")
# One entry of a lock: `name==version ; marker \`, then lines `    --hash=sha256:… \`.
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+).*(?:\n[ \t].*)*\n?", re.MULTILINE)


def install_station_libraries(packages: Path) -> None:
    """Fill the new folder `packages` with what a station needs, stand-ins among it."""
    install_libraries(STATION_LOCK.read_text(encoding="utf-8"), packages)
    for stand_in in STAND_INS:
        shutil.copytree(stand_in, packages / stand_in.name, ignore=shutil.ignore_patterns("__pycache__"))


def install_hub_libraries(packages: Path, programs: Path) -> None:
    """Fill the new folders with what a hub needs beside the station's libraries; raises BuildFailed if they differ."""
    station, hub = (lock.read_text(encoding="utf-8") for lock in (STATION_LOCK, HUB_LOCK))
    common = {name for name, _ in _pinned(station)} & {name for name, _ in _pinned(hub)}
    if wrong := {name for name, _ in _pinned(station) ^ _pinned(hub)} & common:
        raise BuildFailed(f"station and hub ask for different versions of {', '.join(sorted(wrong))}")
    install_libraries(_part(hub, without=common), packages, programs)


def install_libraries(lock: str, packages: Path, programs: Path | None = None) -> None:
    """Fill `packages` with what a lock names, and `programs` with the programs among it; both folders are new."""
    lock = without_stand_ins(lock)
    _install(lock, PYTHONS[0], packages)
    wanted, only = _extensions(packages), _with_extensions(packages)
    for python in PYTHONS[1:] if only else ():
        _add_extensions(_part(lock, only=only), python, packages, wanted)
    found = []
    for name in PROGRAMS if programs else ():
        assert programs is not None
        programs.mkdir(parents=True, exist_ok=True)
        found.append(Path(shutil.move(packages / "bin" / name, programs / name)))
    _prune(packages)
    run(["strip", "--strip-unneeded", *packages.rglob("*.so"), *packages.rglob("*.so.*"), *found])


def without_stand_ins(lock: str) -> str:
    """A lock without the libraries in whose place something of ours is put."""
    return _part(lock, without={stand_in.name for stand_in in STAND_INS})


def _pinned(lock: str) -> set[tuple[str, str]]:
    return {(normal(entry[1]), entry[2]) for entry in _ENTRY.finditer(lock)}


def _part(lock: str, *, only: AbstractSet[str] | None = None, without: AbstractSet[str] = frozenset()) -> str:
    """Those entries of a lock."""
    entries = ((normal(entry[1]), entry[0]) for entry in _ENTRY.finditer(lock))
    return "".join(text for name, text in entries if name not in without and (only is None or name in only))


def _install(lock: str, python: str, packages: Path) -> None:
    asked = packages.with_name(f"{packages.name}.txt")
    asked.parent.mkdir(parents=True, exist_ok=True)
    asked.write_text(lock, encoding="utf-8")
    target = ("--python-platform", PLATFORM, "--python-version", python, "--target", packages)
    # The lock names what is needed for every system and Python; what needs what was settled when it was made.
    options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy", "--quiet")
    run([sys.executable, "-m", "uv", "pip", "install", *options, *target, "-r", asked])
    asked.unlink()


def _add_extensions(lock: str, python: str, packages: Path, wanted: set[str]) -> None:
    """Take from another Python's libraries what only that Python can load, and the libraries which that asks for."""
    others = packages.with_name(f"{packages.name}-{python}")
    _install(lock, python, others)
    if _extensions(others) != wanted:
        raise BuildFailed(f"Python {python} has other extensions than {PYTHONS[0]}: {_extensions(others) ^ wanted}")
    for path in [*_tagged(others), *others.glob("*.libs/*")]:
        place = packages / path.relative_to(others)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)
    shutil.rmtree(others)


def _tagged(packages: Path) -> Iterator[Path]:
    return (path for path in packages.rglob("*.so") if _ONE_PYTHON.search(path.name))


def _extensions(packages: Path) -> set[str]:
    """The extensions, without the Python each is for."""
    return {_ONE_PYTHON.sub(".", path.relative_to(packages).as_posix()) for path in _tagged(packages)}


def _with_extensions(packages: Path) -> set[str]:
    """The libraries whose list of files names one."""
    lists = packages.glob("*.dist-info/RECORD")
    found = (path.parent.name for path in lists if _ONE_PYTHON.search(path.read_text(encoding="utf-8")))
    return {normal(name.partition("-")[0]) for name in found}


def _prune(packages: Path) -> None:
    for name in _NO_LIBRARIES:
        shutil.rmtree(packages / name, ignore_errors=True)
    for path in sorted(packages.rglob("*")):
        if path.is_dir() and path.name in _UNUSED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in _UNUSED_SUFFIXES or path.name in _UNUSED_FILES):
            path.unlink()
