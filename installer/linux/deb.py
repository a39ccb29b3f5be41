"""Debian's package of a finished tree."""

import gzip
import hashlib
import shutil
from email.utils import format_datetime
from pathlib import Path

from installer.linux.manual import made_on
from installer.linux.steps import run
from installer.linux.tree import settle

CONTROL = Path(__file__).resolve().parent / "debian"
MAINTAINER = "No More Running founders <founders@no-more-running.example>"
_KIB = 1024


def debian_version(version: str) -> str:
    """Our version as Debian orders it: "1.2.0rc1" and "1.2.0.dev3" come before "1.2.0"."""
    for mark in (".dev", "rc", "b", "a"):
        before, found, after = version.partition(mark)
        if found:
            return f"{before}~{mark.lstrip('.')}{after}-1"
    return f"{version}-1"


def build_deb(tree: Path, package: str, kind: str, version: str, epoch: int, out: Path, *, fast: bool = False) -> Path:
    """Pack `tree`, which gets a folder DEBIAN meanwhile; `fast` packs loosely, for trials; returns the file."""
    doc = tree / "usr/share/doc" / package / "changelog.Debian.gz"
    doc.write_bytes(gzip.compress(_changelog(package, version, epoch).encode(), 9, mtime=0))
    overrides = CONTROL / kind / "lintian-overrides"
    if overrides.exists():
        place = tree / "usr/share/lintian/overrides" / package
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(overrides, place)
    settle(tree, epoch)
    about = _control(tree, kind, version)
    file = out / f"{package}_{debian_version(version)}_amd64.deb"
    packing = ["-Znone"] if fast else ["-Zxz", "-z6", "--threads-max=1"]  # threads cut it into other pieces
    try:
        run(["dpkg-deb", "--root-owner-group", *packing, "--build", tree, file], SOURCE_DATE_EPOCH=str(epoch))
    finally:
        shutil.rmtree(about)
    return file


def settings_of(tree: Path) -> list[str]:
    """The files that belong to the administrator once they are installed."""
    return [f"/{path.relative_to(tree)}" for path in sorted((tree / "etc").rglob("*")) if path.is_file()]


def _control(tree: Path, kind: str, version: str) -> Path:
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    about = tree / "DEBIAN"
    about.mkdir()
    for path in sorted((CONTROL / kind).iterdir()):
        if path.name != "lintian-overrides":
            shutil.copyfile(path, about / path.name)
    size = sum(-(-path.stat().st_size // _KIB) for path in files)
    control = (about / "control").read_text(encoding="utf-8")
    control = control.replace("{version}", debian_version(version)).replace("{size}", str(size))
    (about / "control").write_text(control, encoding="utf-8")
    (about / "conffiles").write_text("".join(f"{file}\n" for file in settings_of(tree)), encoding="utf-8")
    (about / "md5sums").write_text("".join(_sum(path, tree) for path in files), encoding="utf-8")
    for path in [about, *about.iterdir()]:
        path.chmod(0o644 if path.name in {"control", "conffiles", "md5sums"} else 0o755)
    return about


def _sum(path: Path, tree: Path) -> str:
    if path.is_relative_to(tree / "etc"):
        return ""
    return f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"


def _changelog(package: str, version: str, epoch: int) -> str:
    return (
        f"{package} ({debian_version(version)}) stable; urgency=medium\n\n"
        f"  * Release {version}; what is new is in changelog.gz.\n\n"
        f" -- {MAINTAINER}  {format_datetime(made_on(epoch))}\n"
    )
