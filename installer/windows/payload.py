r"""What lies in `C:\Program Files\No More Running`: Python with Tk, the station's libraries, the project, two programs.

    nmr.exe nmrc.exe         the agent, and the same for a console
    python311.dll …          Python and its extensions, untouched, with their makers' signatures
    python311.zip            the standard library, compiled
    libraries.zip            the station's libraries as far as they are nothing but Python, compiled
    python311._pth           makes this Python look nowhere else: no PYTHONPATH, no registry, no folder of the user
    tcl\                     what Tk needs
    Lib\site-packages\       the other libraries and the project, with bytecode, for nobody may write there later
    *LICENSE*.txt            ours, Python's and those of all libraries

Two builds of the same sources are the same bytes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from installer.supply import licences_text, shipped

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "installer" / "requirements-station.txt"
STAND_INS = sorted(path.parent for path in (ROOT / "installer").glob("stub_*/*/__init__.py"))
"""Packages of ours in the place of libraries of the same name."""
SOURCES = Path(__file__).resolve().parent / "programs"
ICONS = ROOT / "assets" / "icons"
PACKAGES = "Lib/site-packages"
PYTHON = (3, 11)
"""Bytecode of this version is made here, so it is also the version that builds."""
TARGET = ("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11")

UNUSED_LIBRARY = {
    *("curses", "distutils", "ensurepip", "idlelib", "lib2to3", "msilib", "pydoc_data", "site-packages", "test"),
    *("tests", "turtledemo", "venv", "__phello__", "__pycache__", "turtle.py"),
}
UNUSED_EXTENSIONS = {"_msi.pyd"}
UNUSED_TCL = {"demos", "images", "msgs", "tzdata"}
UNUSED_PACKAGES = {"bin", "Scripts", "tests", "test_audio", "__pycache__"}
UNUSED_FILES = (
    *(f"*.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "top_level.txt", "zip-safe")),
    *(".lock", "keyring/backend_complete.*", "pycparser/*.cfg", "urllib3/contrib/emscripten/*.js"),
    "PIL/_avif.*.pyd",  # pictures of a kind that we do not have, 8 MB; Pillow goes without
)
UNUSED_SUFFIXES = {".pyi", ".pxd", ".pyx", ".h", ".c", ".lib", ".sh", ".ico"}
RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll", "python3.dll", "python311.dll")
LONG_AGO = (1980, 1, 1, 0, 0, 0)

COMPILER, RESOURCES = "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-windres"
FLAGS = (
    *("-O2", "-s", "-municode", "-Wall", "-Wextra", "-Werror"),
    "-Wl,--no-insert-timestamp,--dynamicbase,--nxcompat,--high-entropy-va",
)


def make_payload(folder: Path, python: Path, version: str) -> None:
    """Fill the new `folder`; `python` is a CPython 3.11 for Windows as its installer lays it out."""
    packages = folder / PACKAGES
    packages.mkdir(parents=True)
    _copy_python(python, folder)
    _install_libraries(packages)
    (folder / "LIBRARY-LICENSES.txt").write_text(licences_text(shipped(packages)), encoding="utf-8", newline="\r\n")
    _zip_libraries(packages, folder / "libraries.zip")
    _compile(packages, PACKAGES)
    shutil.copy2(ICONS / "no-more-running.ico", folder)
    shutil.copy2(ROOT / "LICENSE", folder / "LICENSE.txt")
    add_project(folder, version)


def add_project(folder: Path, version: str) -> None:
    """Put the agent and its programs into a payload, in the place of those of another version."""
    project = folder / PACKAGES / "agent"
    shutil.rmtree(project, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "agent", project, ignore=ignore)
    shutil.copytree(ROOT / "assets", project / "assets", ignore=ignore)
    about = project / "__init__.py"
    lines = about.read_text(encoding="utf-8").splitlines()
    said = [f'__version__ = "{version}"' if line.startswith("__version__") else line for line in lines]
    about.write_text("\n".join([*said, ""]), encoding="utf-8")
    _compile(project, f"{PACKAGES}/agent")
    make_programs(folder, version)


def make_programs(folder: Path, version: str) -> None:
    """Compile nmr.exe and nmrc.exe."""
    _compile_c(folder / "nmr.exe", "start.c", version, "-mwindows")
    _compile_c(folder / "nmrc.exe", "start.c", version, "-DCONSOLE")


def make_setup(file: Path, version: str) -> None:
    """Compile the program that the installer carries for itself."""
    _compile_c(file, "setup.c", version, "-mwindows", "-lwtsapi32", "-luserenv")


def numbers(version: str) -> str:
    """The version as Windows counts: three numbers; what comes behind them, as in "1.2.0rc1", it does not see."""
    found = []
    for part in version.split(".")[:3]:
        digits = len(part) - len(part.lstrip("0123456789"))
        found.append(part[:digits] or "0")
    return ".".join([*found, "0", "0"][:3])


def run(command: Sequence[str | Path], folder: Path = ROOT, **env: str) -> str:
    """Run one step and return what it said; raises OSError with that if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise OSError(f"{command[0]} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def _copy_python(python: Path, folder: Path) -> None:
    for name in RUNTIME:
        shutil.copy2(python / name, folder)
    for path in (python / "DLLs").iterdir():
        if path.suffix in {".dll", ".pyd"} and path.name not in UNUSED_EXTENSIONS:
            shutil.copy2(path, folder)
    for name in ("tcl8", "tcl8.6", "tk8.6"):
        shutil.copytree(python / "tcl" / name, folder / "tcl" / name, ignore=_without(UNUSED_TCL))
    shutil.copy2(python / "LICENSE.txt", folder / "PYTHON-LICENSE.txt")
    (folder / "python311._pth").write_text("python311.zip\nlibraries.zip\n.\nLib\\site-packages\n", encoding="ascii")
    library = folder / "library"
    shutil.copytree(python / "Lib", library, ignore=_without(UNUSED_LIBRARY))
    _zip(library, folder / "python311.zip")


def _without(names: set[str]) -> "Callable[[str, list[str]], set[str]]":
    def ignore(_folder: str, found: list[str]) -> set[str]:
        return {name for name in found if name in names or Path(name).suffix in UNUSED_SUFFIXES}

    return ignore


def _zip(library: Path, archive: Path) -> None:
    """Turn a folder into an archive of its bytecode, stored as it is: the MSI packs it, and Python starts sooner."""
    _compile(library, archive.name, beside=True)
    with ZipFile(archive, "w") as packed:
        for path in sorted(library.rglob("*")):
            name = path.relative_to(library).as_posix()
            if path.is_dir():  # Python finds packages without an __init__ by these
                packed.writestr(ZipInfo(f"{name}/", LONG_AGO), b"")
            elif path.suffix == ".pyc":
                packed.writestr(ZipInfo(name, LONG_AGO), path.read_bytes())
    shutil.rmtree(library)


def _zip_libraries(packages: Path, archive: Path) -> None:
    """Move what is nothing but Python into an archive: Windows opens one file in less time than a thousand."""
    pure = packages / "pure"
    pure.mkdir()
    for path in sorted(packages.iterdir()):
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        if path != pure and all(one.suffix == ".py" or one.name == "py.typed" for one in files):
            path.rename(pure / path.name)
    for stand_in in STAND_INS:
        shutil.copytree(stand_in, pure / stand_in.name, ignore=shutil.ignore_patterns("__pycache__"))
    _zip(pure, archive)


def _install_libraries(packages: Path) -> None:
    options = ["--require-hashes", "--only-binary", ":all:", "--link-mode", "copy", "--quiet"]
    run([sys.executable, "-m", "uv", "pip", "install", *options, *TARGET, "--target", packages, "-r", LOCK])
    for name in (stand_in.name for stand_in in STAND_INS):
        for path in (packages / name, packages / f"{name}.libs", *packages.glob(f"{name}-*.dist-info")):
            shutil.rmtree(path, ignore_errors=True)
    for path in list(packages.rglob("*")):
        if path.is_dir() and path.name in UNUSED_PACKAGES:
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in UNUSED_SUFFIXES:
            path.unlink()
    for pattern in UNUSED_FILES:
        for path in packages.glob(pattern):
            path.unlink()


def _compile(tree: Path, shown: str, *, beside: bool = False) -> None:
    """Bytecode that Python takes without a look at the source; `beside` puts it there instead of into __pycache__.

    `shown` is what tracebacks call the tree.
    """
    if sys.version_info[:2] != PYTHON:
        raise OSError(f"Windows runs Python {PYTHON[0]}.{PYTHON[1]}, and its bytecode is made by the same version")
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-j", "0", *(["-b"] if beside else [])]
    # Some libraries bring templates that are no Python: what cannot be compiled was never imported either.
    subprocess.run(
        [sys.executable, "-m", "compileall", *options, "-s", tree, "-p", shown, tree],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def _compile_c(program: Path, source: str, version: str, *flags: str) -> None:
    made = program.with_suffix(".parts")
    made.mkdir()
    (made / "version.h").write_text(
        f'#define VERSION "{version}"\n#define NUMBERS {numbers(version).replace(".", ",")},0\n', encoding="ascii"
    )
    about = made / "about.o"
    run([RESOURCES, "-I", SOURCES, "-I", made, "-I", ICONS, SOURCES / "about.rc", "-O", "coff", "-o", about])
    libraries = [flag for flag in flags if flag.startswith("-l")]
    options = [flag for flag in flags if flag not in libraries]
    run([COMPILER, *FLAGS, *options, SOURCES / source, about, "-o", program, *libraries])
    shutil.rmtree(made)
