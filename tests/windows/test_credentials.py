"""The Credential Manager of Windows holds the key of a profile, and another account's does not open it."""

import os
from pathlib import Path

import pytest

from tests.servers.wine import Wine, windows

pytestmark = [pytest.mark.wine, pytest.mark.timeout(300)]
PROGRAM = "tests.windows.credential_program"


def lines(wine: Wine, folder: Path) -> list[str]:
    """What the program says of a profile, line by line."""
    return wine.run("-m", PROGRAM, wine.path(folder)).said.splitlines()


def test_a_profile_opens_with_the_credential_manager_of_its_account_only(tmp_path: Path) -> None:
    profile, env = tmp_path / "secrets", {name: value for name, value in os.environ.items() if "KEYRING" not in name}
    with windows(env, tmp_path) as wine:
        first, second = lines(wine, profile), lines(wine, profile)
    assert [line.split(maxsplit=1)[0] for line in first] == ["kept"] * 4, first
    assert second == ["kept the keyring holds the profile's key", "kept the bundle opens"]
    with windows(env, tmp_path) as other:
        stranger = other.run("-m", PROGRAM, other.path(profile))
    assert stranger.process.returncode == 1
    assert "does not hold the key of this station" in stranger.said
