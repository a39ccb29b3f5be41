"""Places: the system's own by default, one folder on request, private, and a socket path the kernel takes."""

import dataclasses
import os
import stat
import sys
from pathlib import Path

import platformdirs.windows
import pytest

from agent.domain.errors import NmrError
from agent.system import paths
from agent.system.paths import Profile


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with all XDG variables set below it."""
    for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name.lower()))
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_on_linux_the_default_places_are_those_of_xdg(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the fixture's folder lies in one that everybody may write, which platformdirs rightly distrusts,
    # and may be too deep for a socket
    runtime = Path("/run/user/1000/no-more-running")
    monkeypatch.setattr(paths, "_runtime_folder", lambda _: runtime)
    profile = Profile.default("linux")
    assert profile.config_file == user / "config_home/no-more-running/config.toml"
    assert profile.hub_config_file == user / "config_home/no-more-running/hub.toml"
    assert profile.machine_config_file == Path("/etc/no-more-running/config.toml")
    assert profile.data_folder == user / "data_home/no-more-running"
    assert profile.log_folder == user / "state_home/no-more-running/log"
    assert profile.control_address == str(runtime / "control.sock")
    assert profile.arguments() == []


def test_on_windows_settings_roam_and_data_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"CSIDL_APPDATA": "/users/anna/Roaming", "CSIDL_LOCAL_APPDATA": "/users/anna/Local"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", folders.__getitem__)
    monkeypatch.setenv("ProgramData", "/ProgramData")
    profile = Profile.default("win32")
    assert profile.config_file == Path("/users/anna/Roaming/NoMoreRunning/config.toml")
    assert profile.machine_config_file == Path("/ProgramData/NoMoreRunning/config.toml")
    assert profile.data_folder == Path("/users/anna/Local/NoMoreRunning")
    assert profile.log_folder == Path("/users/anna/Local/NoMoreRunning/Logs")
    assert profile.control_address.startswith("\\\\.\\pipe\\nmr-")


def test_a_login_without_a_runtime_folder_gets_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert Profile.default("linux").runtime_folder.name == "no-more-running"


def test_at_a_folder_everything_lies_below_it(tmp_path: Path) -> None:
    base = tmp_path / "p"
    profile = Profile.at(base, "linux")
    other = ("control_address", "policy_folders", "given")
    places = [getattr(profile, one.name) for one in dataclasses.fields(profile) if one.name not in other]
    places += [Path(getattr(profile, name)) for name, one in vars(Profile).items() if isinstance(one, property)]
    assert len(places) > 10
    assert all(base in (place, *place.parents) for place in places)
    assert Path(profile.control_address).is_relative_to(base)
    assert profile.control_address != profile.hub_control_address
    assert profile.arguments() == ["--profile", str(base)]


def test_making_a_profile_touches_no_disk_and_create_makes_private_folders(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path / "p")
    assert not (tmp_path / "p").exists()
    profile.create()
    profile.create()
    for folder in (
        profile.config_folder,
        profile.data_folder,
        profile.secrets_folder,
        profile.runtime_folder,
        profile.log_folder,
    ):
        assert mode(folder) == 0o700


def test_open_folders_are_closed_except_the_chosen_one(tmp_path: Path) -> None:
    base = tmp_path / "p"
    (base / "data").mkdir(parents=True)
    base.chmod(0o755)
    (base / "data").chmod(0o777)
    Profile.at(base).create()
    assert (mode(base), mode(base / "data")) == (0o755, 0o700)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path / "p")
    profile.create()
    os.chown(profile.runtime_folder, 65534, 65534)
    with pytest.raises(NmrError, match="belongs to somebody else"):
        profile.create()


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("", encoding="utf-8")
    with pytest.raises(NmrError, match="cannot be made"):
        Profile.at(tmp_path / "p").create()


def test_a_socket_path_too_long_for_the_kernel_moves_to_a_hashed_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    monkeypatch.setattr(paths, "_runtime_folder", lambda _: tmp_path / "run")
    one, other = Profile.at(deep / "1", "linux"), Profile.at(deep / "2", "linux")
    assert Path(one.control_address).parent == tmp_path / "run"
    assert one.control_address != other.control_address
    one.create()
    assert mode(tmp_path / "run") == 0o700
    monkeypatch.setattr(paths, "_runtime_folder", lambda _: deep)
    assert len(Profile.at(deep / "1", "linux").control_address) < 108


def test_the_longest_path_that_fits_is_used_as_it_is(tmp_path: Path) -> None:
    room = 107 - len("/run/control.sock") - len(str(tmp_path)) - 1
    fits, too_long = (Profile.at(tmp_path / ("x" * length), "linux") for length in (room, room + 1))
    assert fits.control_address.startswith(str(tmp_path))
    assert len(fits.control_address) == 107
    assert not too_long.control_address.startswith(str(tmp_path))


def test_a_folder_reached_by_a_link_has_the_same_pipe(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert (
        Profile.at(tmp_path / "link", "win32").control_address == Profile.at(tmp_path / "real", "win32").control_address
    )


def test_a_profile_of_its_own_is_no_way_around_the_policy_of_the_computer(tmp_path: Path) -> None:
    computer = Profile.default("linux").policy_folders
    assert computer == (Path("/etc/no-more-running"),)
    assert Profile.at(tmp_path, "linux").policy_folders == (*computer, tmp_path / "machine")


def test_a_child_process_gets_the_settings_of_the_command_line(tmp_path: Path) -> None:
    profile = dataclasses.replace(Profile.at(tmp_path), given=(("ring.again_seconds", "20"), ("ui.mask", "off")))
    assert profile.arguments() == [
        "--profile", str(tmp_path), "--set", "ring.again_seconds=20", "--set", "ui.mask=off",
    ]  # fmt: skip
