"""The packages of this checkout, built once for all tests of a file."""

from dataclasses import dataclass
from pathlib import Path

from agent import __version__
from installer.linux.deb import build_deb
from installer.linux.tree import HUB, STATION, Trees, lay_trees

EPOCH = 1_700_000_000
NEXT = "999.0.0"


@dataclass(frozen=True, slots=True)
class Built:
    """Two trees, and their packages in this version and in one that comes after it."""

    trees: Trees
    station: Path
    hub: Path
    next_station: Path
    next_hub: Path


def build(folder: Path) -> Built:
    """Lay the trees and pack them, loosely."""
    trees = lay_trees(folder / "trees", __version__, EPOCH)

    def pack(kind: str, version: str) -> Path:
        package, tree = (HUB, trees.hub) if kind == "hub" else (STATION, trees.station)
        return build_deb(tree, package, kind, version, EPOCH, folder, fast=True)

    return Built(
        trees, pack("station", __version__), pack("hub", __version__), pack("station", NEXT), pack("hub", NEXT)
    )
