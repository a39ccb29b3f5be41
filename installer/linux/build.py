"""All Linux packages: python -m installer.linux.build [FOLDER]."""

import os
import sys
import tempfile
from pathlib import Path

from agent import __version__
from installer.linux.deb import build_deb
from installer.linux.libraries import HUB_LOCK, STATION_LOCK
from installer.linux.rpm import build_rpm
from installer.linux.steps import ROOT, BuildFailed, run
from installer.linux.tree import HUB, PACKAGES, STATION, Trees, lay_trees
from installer.supply import refused, shipped
from installer.supply_bom import write_bom


def build_linux(out: Path, version: str = __version__, *, fast: bool = False) -> list[Path]:
    """Build both packages in both forms, and the lists of their parts, into `out`; returns the files.

    `fast` packs loosely, for trials. Raises BuildFailed.
    """
    out.mkdir(parents=True, exist_ok=True)
    epoch = source_date()
    with tempfile.TemporaryDirectory(prefix="nmr-linux.") as folder:
        trees = lay_trees(Path(folder), version, epoch)
        return [*_lists(trees, version, epoch, out), *_packages(trees, version, epoch, out, fast=fast)]


def source_date() -> int:
    """The time every file of a build says it is of: SOURCE_DATE_EPOCH, or when the sources were last committed."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return int(said or run(["git", "log", "-1", "--format=%ct"]))


def _lists(trees: Trees, version: str, epoch: int, out: Path) -> list[Path]:
    made = []
    for package, tree, lock in ((STATION, trees.station, STATION_LOCK), (HUB, trees.hub, HUB_LOCK)):
        if lines := refused(shipped(tree / PACKAGES)):
            raise BuildFailed("\n".join(["these may not be shipped:", *lines]))
        file = out / f"{package}-{version}-linux.cdx.json"
        write_bom(file, package, version, epoch, tree / PACKAGES, lock)
        made.append(file)
    return made


def _packages(trees: Trees, version: str, epoch: int, out: Path, *, fast: bool) -> list[Path]:
    return [
        build_deb(trees.station, STATION, "station", version, epoch, out, fast=fast),
        build_deb(trees.hub, HUB, "hub", version, epoch, out, fast=fast),
        build_rpm(trees.station, STATION, version, epoch, out, fast=fast),
        build_rpm(trees.hub, HUB, version, epoch, out, fast=fast),
    ]


if __name__ == "__main__":
    for file in build_linux(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "dist"):
        print(file)
