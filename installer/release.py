"""Make everything that a release consists of: python3 installer/release.py [FOLDER] [--only linux|windows|python].

    FOLDER     where it goes, instead of dist/; what is in there is part of the release, so begin with an empty one
    --only     one kind; may be given several times
    --windows  an option for installer/windows/build.py, as in --windows=--sign=PROGRAM; may be given several times

    linux      no-more-running and no-more-running-hub as .deb and .rpm
    windows    the MSI and its policy templates
    python     wheel and source distribution

Each kind comes with a list of its parts (CycloneDX) and their licences; SHA256SUMS names every file. Nothing is made of
a library whose licence does not allow it. SOURCE_DATE_EPOCH, or else the last commit, is the time of every file: two
releases of the same sources are the same bytes. The version stands in agent/__init__.py and nowhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from installer import dev  # noqa: E402 - this is a script beside the package

TOOLS = ("gcc", "rpm", "gcc-mingw-w64-x86-64", "wixl", "msitools", "faketime")
"""Debian packages."""
SUMS = "SHA256SUMS"
# What the MSI brings besides libraries from the lock: name, version, licence.
WINDOWS_PARTS = (("cpython", "3.11", "PSF-2.0"), ("tcl-tk", "8.6", "TCL"))


def main(arguments: list[str]) -> int:
    """Go on in the prepared environment and make the release there; returns the exit code."""
    if Path(sys.prefix).resolve() != dev.VENV.resolve():
        dev.install_packages(dev.missing({name: dev.TEST_PACKAGES[name] for name in TOOLS}))
        if not dev.prepare_environment(dev.LOCK):
            return 1
        return dev.become([dev.venv_program("python"), Path(__file__).resolve(), *arguments])
    told = _parser().parse_args(arguments)
    release(told.folder.resolve(), told.only or list(MAKERS), told.windows)
    return 0


def release(out: Path, kinds: list[str], windows: list[str]) -> None:
    """Make these kinds into `out`, and the checksums of all that is there then."""
    from installer.linux.build import source_date

    os.environ.setdefault("SOURCE_DATE_EPOCH", str(source_date()))
    out.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        MAKERS[kind](out, windows)
    (out / SUMS).write_text(checksums(out), encoding="utf-8")
    print((out / SUMS).read_text(encoding="utf-8"), end="")


def checksums(folder: Path) -> str:
    """A line for each file below `folder`, as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files
    )
    return "".join(f"{line}\n" for line in lines)


def _linux(out: Path, _windows: list[str]) -> None:
    from installer.linux.build import build_linux

    build_linux(out)


def _windows(out: Path, windows: list[str]) -> None:
    from installer.linux.steps import run

    windows_parts(out)
    run([sys.executable, ROOT / "installer" / "windows" / "build.py", out, *windows])


def windows_parts(out: Path) -> None:
    """What the libraries of the MSI are, from the very files it is made of."""
    from agent import __version__
    from installer.linux.libraries import STATION_LOCK, without_stand_ins
    from installer.linux.steps import BuildFailed, run
    from installer.supply import Distribution, licences_text, refused, shipped
    from installer.supply_bom import write_bom

    with tempfile.TemporaryDirectory(prefix="nmr-windows.") as folder:
        lock, packages = Path(folder, "lock.txt"), Path(folder, "packages")
        lock.write_text(without_stand_ins(STATION_LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        options = ("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11", "--quiet")
        safe = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy")
        run([sys.executable, "-m", "uv", "pip", "install", *options, *safe, "--target", packages, "-r", lock])
        found = shipped(packages)
        if lines := refused(found):
            raise BuildFailed("\n".join(["these may not be shipped:", *lines]))
        name = f"no-more-running-{__version__}-windows"
        (out / f"{name}.licences.txt").write_text(licences_text(found), encoding="utf-8")
        extra = [Distribution(part, version, licence, ()) for part, version, licence in WINDOWS_PARTS]
        epoch = int(os.environ["SOURCE_DATE_EPOCH"])
        write_bom(out / f"{name}.cdx.json", "no-more-running", __version__, epoch, packages, STATION_LOCK, extra)


def _python(out: Path, _windows: list[str]) -> None:
    from installer.linux.steps import run

    run([sys.executable, "-m", "hatchling", "build", "--directory", out])


MAKERS = {"linux": _linux, "windows": _windows, "python": _python}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--only", action="append", choices=list(MAKERS))
    parser.add_argument("--windows", action="append", default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
