"""Policy and defaults in the registry of Windows, as wine has it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.wine import Wine, windows

PROMISES = 19
pytestmark = [pytest.mark.wine, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """One Windows for both tests."""
    with windows(os.environ, tmp_path_factory.mktemp("wine")) as started:
        yield started


def test_the_registry_gives_settings_and_locks_them(wine: Wine, tmp_path: Path) -> None:
    program = wine.run("-m", "tests.windows.policy_program", wine.path(tmp_path), seconds=100)
    assert "BROKEN" not in program.said
    assert program.said.count("kept ") == PROMISES, program.said
    assert program.process.returncode == 0


def test_the_command_line_shows_the_registry_path_of_what_counts(wine: Wine, tmp_path: Path) -> None:
    key, profile = r"HKLM\Software\Policies\NoMoreRunning\ring", tmp_path / "profile"
    command = ["-m", "agent", "--profile", wine.path(profile), "config"]
    write = f"import winreg as w; k = w.CreateKey(w.HKEY_LOCAL_MACHINE, {key[5:]!r}); "
    wine.run("-c", f"{write} w.SetValueEx(k, 'again_seconds', 0, w.REG_DWORD, 20)")
    why = wine.run(*command, "show", "--why", "ring.again_seconds")
    refused = wine.run(*command, "set", "ring.again_seconds", "9")
    assert f"→ machine policy    20   {key}\\again_seconds" in why.said, why.said
    assert (refused.process.returncode, "Set by your administrator" in refused.said) == (77, True), refused.said
    assert not (profile / "config.toml").exists()
