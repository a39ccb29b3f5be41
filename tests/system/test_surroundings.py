"""What is around the settings of this process: its account as the system knows it, and the registry, if any."""

import os
import sys

import pytest

from agent.system.surroundings import surroundings


@pytest.mark.skipif(sys.platform != "linux", reason="accounts of Windows have their policy in the registry")
def test_on_linux_the_account_is_the_systems_and_nothing_in_the_environment_changes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    import pwd

    around = surroundings()
    assert around.account() == pwd.getpwuid(os.getuid()).pw_name
    assert around.read_tree is None
    assert around.environment is os.environ


@pytest.mark.skipif(sys.platform != "win32", reason="there is a registry on Windows only")
def test_on_windows_there_is_a_registry_and_no_file_for_accounts() -> None:
    around = surroundings()
    assert around.account() == ""
    assert around.read_tree is not None
    assert around.read_tree("HKLM", "Software")
    assert around.read_tree("HKLM", r"Software\No\Such\Key") == {}
