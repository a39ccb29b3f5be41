"""One MSI out of a payload, with the tools of Debian: wixl, msibuild, faketime."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from installer.windows.payload import make_setup, numbers, run
from installer.windows.product import MAKER, NAME, describe, own_id
from installer.windows.tables import queries

TOOLS = ("wixl", "msibuild", "faketime", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-windres")
MOMENT = 1_700_000_000
"""The time at which everything seems to be made, where SOURCE_DATE_EPOCH does not say another."""

Sign = Callable[[Path], None]
"""Signs a program or an MSI in its place."""


def missing() -> list[str]:
    """The tools that are not on this computer."""
    return [name for name in TOOLS if shutil.which(name) is None]


def make_msi(payload: Path, version: str, msi: Path, *, moment: int = MOMENT, sign: Sign | None = None) -> None:
    """Pack `payload` into `msi`; the same content gives the same bytes. Raises OSError if a tool fails."""
    # wixl knows relative paths only, and does not end a path with the tree it lies in: everything goes side by side.
    with tempfile.TemporaryDirectory(dir=payload.parent) as place:
        folder = Path(place)
        (folder / "payload").symlink_to(payload.resolve())
        made, setup = folder / "made.msi", folder / "setup.exe"
        make_setup(setup, version)
        for program in [payload / "nmr.exe", payload / "nmrc.exe", setup] if sign else []:
            _sign(program, sign)
        (folder / "product.wxs").write_bytes(describe(folder / "payload", setup, numbers(version)))
        for file in [setup, *_files(payload)]:
            os.utime(file, (moment, moment))
        at = ["faketime", "-f", time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))]
        run([*at, "wixl", "-a", "x64", "-o", made, "product.wxs"], folder, TZ="UTC")
        package = own_id(f"package/{version}/{_fingerprint(payload)}")
        # -s swallows whatever stands behind it, so it is alone.
        run([*at, "msibuild", made, "-s", NAME, MAKER, "x64;1033", f"{{{package}}}"], folder, TZ="UTC")
        run([*at, "msibuild", made, *(word for query in queries() for word in ("-q", query))], folder, TZ="UTC")
        _sign(made, sign)
        shutil.copyfile(made, msi)


def _sign(file: Path, sign: Sign | None) -> None:
    if sign is not None:
        sign(file)


def _fingerprint(payload: Path) -> str:
    """Names and contents of all files."""
    found = hashlib.sha256()
    for path in _files(payload):
        found.update(path.relative_to(payload).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
