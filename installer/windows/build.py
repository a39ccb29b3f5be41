"""Make the Windows installer, on Linux: python3 installer/windows/build.py OUT [OPTIONS].

    OUT                   no-more-running-VERSION.msi and the policy templates go into this folder
    --python FILE         a zip of CPython 3.11 for 64-bit Windows with Tk, as python.org's installer lays it out;
    --python-sha256 HASH  without both it is the repacked one that the tests use, from the package index by its hash
    --sign PROGRAM        called with a program or MSI, which it signs in its place
    --version VERSION     another than the project's

Needs wixl, msitools, gcc-mingw-w64-x86-64 and faketime, and the environment that dev.py makes. SOURCE_DATE_EPOCH is
the time at which everything seems to be made; two builds of the same sources are the same bytes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent import __version__  # noqa: E402 - this is a script beside the package
from installer.windows.imports import lacking  # noqa: E402 - the same
from installer.windows.msi import MOMENT, Sign, make_msi, missing  # noqa: E402 - the same
from installer.windows.payload import make_payload  # noqa: E402 - the same

POLICY = Path(__file__).resolve().parent / "policy"


def build(out: Path, python: Path, version: str = __version__, *, sign: Sign | None = None) -> Path:
    """Make the MSI in `out` and return it; `python` is a folder. Raises OSError if a step fails or a DLL is missing."""
    if absent := missing():
        raise OSError(f"not installed: {', '.join(absent)}")
    out.mkdir(parents=True, exist_ok=True)
    msi = out / f"no-more-running-{version}.msi"
    with tempfile.TemporaryDirectory(dir=out) as place:
        payload = Path(place) / "payload"
        make_payload(payload, python, version)
        if lines := lacking(payload):
            raise OSError("Windows could not start this:\n" + "\n".join(lines))
        make_msi(payload, version, msi, moment=int(os.environ.get("SOURCE_DATE_EPOCH", MOMENT)), sign=sign)
    for path in sorted(POLICY.rglob("*.adm[xl]")):
        file = out / "PolicyDefinitions" / path.relative_to(POLICY)
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, file)
    return msi


def unpack(archive: Path, sha256: str, folder: Path) -> Path:
    """Put Python out of an archive into `folder`, if it is the one with this hash; returns where it is."""
    came = hashlib.sha256(archive.read_bytes()).hexdigest()
    if came != sha256:
        raise OSError(f"{archive} is not what it should be: its SHA-256 is {came}")
    with ZipFile(archive) as packed:
        packed.extractall(folder)
    (found,) = folder.rglob("python311.dll")
    return found.parent


def signing(program: str) -> Sign:
    """Turn `--sign` into a deed."""

    def sign(file: Path) -> None:
        subprocess.run([program, file], stdin=subprocess.DEVNULL, check=True)

    return sign


def main() -> int:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--python-sha256", default="")
    parser.add_argument("--sign")
    parser.add_argument("--version", default=__version__)
    told = parser.parse_args()
    sign = signing(told.sign) if told.sign else None
    with tempfile.TemporaryDirectory() as place:
        if told.python:
            python = unpack(told.python, told.python_sha256, Path(place))
        else:
            from tests.servers import wine_parts

            python = wine_parts.python().parent
        print(build(told.out.resolve(), python, told.version, sign=sign))
    return 0


if __name__ == "__main__":
    sys.exit(main())
