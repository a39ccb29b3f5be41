"""A private home for every run, no process left behind by any test, and files of tests that run side by side."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

# A test that is slow on a busy computer is not wrong for it; pytest-timeout ends what hangs.
settings.register_profile("calm", deadline=None, print_blob=True)
settings.load_profile("calm")

_PLACES = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "roaming",
    "LOCALAPPDATA": "local",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_CACHE_HOME": "cache",
    "XDG_RUNTIME_DIR": "run",
}
_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER")
_home = pytest.StashKey[Path]()
_left = pytest.StashKey[list[str]]()
_UNDER_WINE = ("tests/windows/", "tests/system/test_control_windows.py", "tests/ui/tray/test_native_on_a_desktop.py")
_MOSTLY_WAIT = ("servers", "desktop", "wine")


def pytest_configure(config: pytest.Config) -> None:
    """Turn every place of the person who runs the tests, and their desktop, away from the tests."""
    home = Path(tempfile.mkdtemp(prefix="nmr-"))  # short: a local socket's path has 107 bytes
    config.stash[_home], config.stash[_left] = home, []
    for variable, name in _PLACES.items():
        (home / name).mkdir(mode=0o700, exist_ok=True)
        os.environ[variable] = str(home / name)
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    for variable in _DESKTOP:
        os.environ.pop(variable, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those begin that mostly wait: what is left for the end is short."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in _MOSTLY_WAIT))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Keep the tests of a file together, and those under wine, which share one Windows."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # a library without types
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "wine" if file.startswith(_UNDER_WINE) else file

    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a process of the run what its tests left behind."""
    node.config.stash[_left].extend(getattr(node, "workeroutput", {}).get("left", []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left processes behind, and end these."""
    config: Any = session.config  # a process of the run has a few attributes more
    left = config.stash[_left]
    if config.getoption("dist", "no") == "no" or hasattr(config, "workerinput"):
        left += _end_children()
    if hasattr(config, "workerinput"):
        config.workeroutput["left"] = left
    elif left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nFAILED: tests left {len(left)} processes behind: {left}")  # noqa: T201 - after all the reports


def _end_children() -> list[str]:
    """End what the tests of this process started and did not end; what these were."""
    left = [child for child in psutil.Process().children(recursive=True) if _is_ours(child)]
    names = [str(child) for child in left]
    for child in left:
        child.kill()
    return names


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the private home."""
    shutil.rmtree(config.stash[_home], ignore_errors=True)


def _is_ours(child: psutil.Process) -> bool:
    """Whether a child was started by a test: Python itself keeps one that counts shared memory."""
    try:
        return child.status() != psutil.STATUS_ZOMBIE and not any(
            "resource_tracker" in word for word in child.cmdline()
        )
    except psutil.NoSuchProcess:
        return False
