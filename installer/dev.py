"""The commands of a checkout: each prepares this computer as far as it needs and then does its deed.

    python3 installer/dev.py demo [ARGS]          hub and two desks on this computer, to look at
    python3 installer/dev.py test [PYTEST ARGS]   every check and every test
    python3 installer/dev.py setup                prepare everything, run nothing
    python3 installer/dev.py bench NAME [--json]  measure one thing

What it prepares: system packages (by apt where it is root on a Debian-like system, else it prints the
command), `.venv` with the hash-locked libraries, and the project itself in it, editable. All that is
skipped within milliseconds when it is already there. Whatever dev.py says goes to standard error;
standard output belongs to the deed. Standard library only, and readable by old Pythons, so that these
can say what is wrong.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "installer" / "requirements.txt"
DEMO_LOCK = ROOT / "installer" / "requirements-hub.txt"  # a part of the other; the demo checks nothing
SOUND_LOCK = ROOT / "installer" / "requirements-sound.txt"
OLDEST = (3, 11)
WINDOWS = os.name == "nt"

# Debian package → what it brings: a program on PATH, or a file if it has a slash (`*` allowed).
DEMO_PACKAGES = {
    "xvfb": "Xvfb",
    "dbus": "dbus-daemon",
    "xfce4-panel": "xfce4-panel",
    "dunst": "dunst",
    "pulseaudio": "pulseaudio",
    "pulseaudio-utils": "paplay",
    "libasound2-plugins": "/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so",
    "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "openbox": "openbox",
    "x11-utils": "xprop",
    "xdotool": "xdotool",
    "adwaita-icon-theme": "/usr/share/icons/Adwaita/index.theme",
}
BENCH_PACKAGES = {
    **DEMO_PACKAGES,
    "mosquitto": "mosquitto",
    "dovecot-imapd": "/usr/lib/dovecot/imap",
    "dovecot-lmtpd": "/usr/lib/dovecot/lmtp",
    "xfce4-notifyd": "/usr/lib/*/xfce4/notifyd/xfce4-notifyd",
    "alsa-utils": "aplay",
    "imagemagick": "compare",
    "libasound2-dev": "/usr/include/alsa/asoundlib.h",
    "gcc": "gcc",
    "libnotify-bin": "notify-send",
    "strace": "strace",
    "procps": "ps",
}
TEST_PACKAGES = {
    **BENCH_PACKAGES,
    "wine": "wine",
    "wine64": "/usr/lib/wine/wine64",
    "gcc-mingw-w64-x86-64": "x86_64-w64-mingw32-gcc",
    "wixl": "wixl",
    "msitools": "msibuild",
    "faketime": "faketime",
    "osslsigncode": "osslsigncode",
    "gnome-keyring": "gnome-keyring-daemon",
    "coturn": "turnserver",
    "iproute2": "ip",
    "nftables": "nft",
    "chromium": "chromium",
    "python3-tk": "/usr/lib/python3.*/lib-dynload/_tkinter.*.so",
    "groff-base": "groff",
    "systemd": "systemd-analyze",
    "desktop-file-utils": "desktop-file-validate",
    "appstream": "appstreamcli",
    "debootstrap": "debootstrap",
    "lintian": "lintian",
    "rpm": "rpmbuild",
}
PACKAGES: Mapping[str, Mapping[str, str]] = {
    "demo": DEMO_PACKAGES,
    "bench": BENCH_PACKAGES,
    "test": TEST_PACKAGES,
    "setup": TEST_PACKAGES,
}

CHECKS = (
    ("ruff", "check", "agent", "tests", "installer"),
    ("ruff", "format", "--check", "agent", "tests", "installer"),
    ("mypy",),
    # Again as Windows has it; whether a line is reached there was said above.
    ("mypy", "--platform", "win32", "--no-warn-unreachable", "--cache-dir", ".mypy_cache/win32", "agent"),
    ("lint-imports",),
)
# Most tests wait for other programs most of the time; the slow files stand first and shall begin first.
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def main(arguments: Sequence[str]) -> int:
    """Prepare for one command and carry it out; returns the exit code of the process."""
    if sys.version_info < OLDEST:
        return with_newer_python(arguments)
    if not arguments or arguments[0] not in DEEDS or arguments == ["bench"]:
        say(str(__doc__))
        return 0 if arguments in (["-h"], ["--help"]) else 2
    command, *rest = arguments
    if not WINDOWS:
        install_packages([*missing_for_python(PACKAGES[command]), *missing(PACKAGES[command])])
    if not prepare_environment(DEMO_LOCK if command == "demo" else LOCK):
        return 1
    return DEEDS[command](rest)


def say(message: str) -> None:
    """Tell the person at the terminal; never on standard output."""
    print(f"dev.py: {message}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> int:
    """Run one step of the preparation, its words to standard error; its exit code, 127 if it cannot start."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env, cwd=ROOT).returncode
    except OSError as error:
        say(f"{command[0]}: {error}")
        return 127


# --- the deeds -------------------------------------------------------------------------------------


def demo(arguments: Sequence[str]) -> int:
    """Become the demo; a computer without a screen gets a virtual desktop for it."""
    os.chdir(ROOT)
    python = venv_program("python")
    around: tuple[Path | str, ...] = ()
    if not WINDOWS and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        around = (python, "-m", "tests.servers.run_on_desktop")
    return become([*around, python, "-m", "agent", "demo", *arguments])


def setup(_arguments: Sequence[str]) -> int:
    """Everything is prepared by now."""
    say(f"ready: {venv_program('python')}")
    return 0


def bench(arguments: Sequence[str]) -> int:
    """Become the measurement."""
    os.chdir(ROOT)
    return become([venv_program("python"), "-m", "tests.bench", *arguments])


def test(arguments: Sequence[str]) -> int:
    """Run all checks and then the tests, whose closing line is the last of all; 0 only if all passed."""
    results = [check(command) for command in CHECKS]
    for command, seconds, code in results:
        print(f"{'passed' if code == 0 else 'FAILED'}  {seconds:5.1f} s  {' '.join(command)}")
    _, _, code = check(("python", "-m", "pytest", *(arguments or SIDE_BY_SIDE)))
    return code or int(any(code for _, _, code in results))


def check(command: tuple[str, ...]) -> tuple[tuple[str, ...], float, int]:
    """Run one program of the environment in the checkout: the command, its seconds, its exit code."""
    print(f"--- {' '.join(command)}", flush=True)
    begun = time.monotonic()
    # Not every Windows console is UTF-8, and these programs draw.
    env = {**os.environ, "PYTHONUTF8": "1"}
    code = subprocess.run(
        [venv_program(command[0]), *command[1:]], stdin=subprocess.DEVNULL, env=env, cwd=ROOT
    ).returncode
    return command, time.monotonic() - begun, code


DEEDS: dict[str, Callable[[Sequence[str]], int]] = {"demo": demo, "test": test, "setup": setup, "bench": bench}


# --- Python ----------------------------------------------------------------------------------------


def with_newer_python(arguments: Sequence[str]) -> int:
    """Start again with a Python that is new enough, if PATH has one; a shim that leads nowhere is none."""
    question = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    for name in ("python3.11", "python3.12", "python3.13"):
        path = shutil.which(name)
        if path and subprocess.run([path, "-c", question], stderr=subprocess.DEVNULL).returncode == 0:
            return become([Path(path), str(Path(__file__).resolve()), *arguments])
    say("this needs Python 3.11 or newer; on Debian 12, Ubuntu 24.04 and later: sudo apt-get install python3")
    return 1


def become(command: Sequence[str | Path]) -> int:
    """Go on as another program with our terminal; comes back only on Windows, with its exit code."""
    sys.stderr.flush()
    if WINDOWS:  # exec there gives the prompt back before the program ends
        return subprocess.run(command).returncode
    return os.execv(command[0], [str(word) for word in command])


def venv_program(name: str) -> Path:
    """Where a program of the environment lies."""
    return VENV / "Scripts" / f"{name}.exe" if WINDOWS else VENV / "bin" / name


def prepare_environment(lock: Path) -> bool:
    """Make `.venv` what the lock says, in milliseconds if it is; False (and said why) if that failed."""
    # An environment that somebody is using is added to, never made anew.
    if not venv_program("python").exists() and run([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        say(f"could not make {VENV}; on Debian-like systems: sudo apt-get install {debian_python('venv')}")
        return False
    if not any(stamped(enough.stem, fingerprint(enough)) for enough in (lock, LOCK)):
        say("installing the libraries into .venv (once, less than a minute)")
        if pip_install(lock) != 0:
            say("the libraries could not be installed; the lines above say why")
            return False
        add_project()
        stamp(lock.stem, fingerprint(lock))
    prepare_sound()
    return True


def pip_install(lock: Path) -> int:
    """Install what a lock names, and only with the hashes it names; pip's exit code."""
    quiet = ["-qq", "--no-input", "--disable-pip-version-check", "--no-compile"]
    return run([venv_program("python"), "-m", "pip", "install", *quiet, "--require-hashes", "-r", lock])


def add_project() -> None:
    """Put the checkout on the environment's path, and its command `nmr` beside Python."""
    packages = VENV / "Lib" / "site-packages" if WINDOWS else next(VENV.glob("lib/python3*/site-packages"))
    (packages / "no-more-running.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = venv_program("nmr")
    if WINDOWS:
        command.with_suffix(".cmd").write_text('@"%~dp0python.exe" -m agent %*\n', encoding="utf-8")
        return
    command.write_text(f'#!/bin/sh\nexec "{venv_program("python")}" -m agent "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def prepare_sound() -> None:
    """Compile the sound library where that is possible; without it a player of the system makes the sound."""
    if WINDOWS or shutil.which("gcc") is None or not is_there("/usr/include/alsa/asoundlib.h"):
        return  # on Windows it came with the others
    if stamped(SOUND_LOCK.stem, fingerprint(SOUND_LOCK)):
        return
    if pip_install(SOUND_LOCK) != 0:
        say("simpleaudio does not compile here; sounds are played by the system's player instead")
    stamp(SOUND_LOCK.stem, fingerprint(SOUND_LOCK))


def fingerprint(lock: Path) -> str:
    """What a stamp has to say for the environment to be up to date with this lock, in this place."""
    return hashlib.sha256(str(ROOT).encode() + b"\0" + lock.read_bytes()).hexdigest()


def stamped(name: str, wanted: str) -> bool:
    """Whether this part of the environment was finished for this fingerprint."""
    path = VENV / f"{name}.stamp"
    return path.exists() and path.read_text() == wanted


def stamp(name: str, wanted: str) -> None:
    """Note that this part of the environment is finished."""
    (VENV / f"{name}.stamp").write_text(wanted)


# --- system packages -------------------------------------------------------------------------------


def is_there(proof: str) -> bool:
    """Whether a program or file of the tables above is on this computer."""
    if "/" in proof:
        return bool(glob.glob(proof))  # noqa: PTH207 - Path.glob takes no absolute pattern
    return shutil.which(proof, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin") is not None


def missing(packages: Mapping[str, str]) -> list[str]:
    """The names of those packages whose proof is not on this computer."""
    return [name for name, proof in packages.items() if not is_there(proof)]


def debian_python(part: str) -> str:
    """Debian's name for a part of the running Python's version."""
    return f"python{sys.version_info[0]}.{sys.version_info[1]}-{part}"


def missing_for_python(packages: Mapping[str, str]) -> list[str]:
    """What Debian splits off its own Python and we need; any other Python brings it or cannot get it from apt."""
    if not os.path.realpath(sys.executable).startswith("/usr/bin/"):
        return []
    names = []
    if importlib.util.find_spec("ensurepip") is None:
        names.append(debian_python("venv"))
    if importlib.util.find_spec("_tkinter") is None:
        names.append("python3-tk")
    if "gcc" in packages and not Path(sysconfig.get_path("include"), "Python.h").exists():  # to compile sound
        names.append(debian_python("dev"))
    return names


def install_packages(names: Sequence[str]) -> None:
    """Install system packages where we may, else print the command; what is missing never stops the run."""
    if not names:
        return
    if shutil.which("apt-get") is None:
        say(f"this system has no apt; in Debian's words it lacks: {' '.join(names)}")
        return
    if os.geteuid() != 0:
        say(
            f"going on without some parts; to have them: sudo apt-get install --no-install-recommends {' '.join(names)}"
        )
        return
    say(f"installing system packages: {' '.join(names)}")
    if apt("update") == 0 and apt("install", *names) == 0:
        return
    for name in names:  # one that this system does not know must not keep the others away
        if apt("install", name) != 0:
            say(f"no {name} here; what needs it is left out")


def apt(deed: str, *names: str) -> int:
    """Run apt-get without a question; its exit code."""
    options = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    return run(["apt-get", *options, deed, *names], {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
