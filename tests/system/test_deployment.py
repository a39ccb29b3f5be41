"""What IT left for the first start is found in its place, and a file that is wrong is named."""

from pathlib import Path

import pytest

from agent.domain.errors import BadConfiguration
from agent.system.deployment import FILE, Deployment, deployment
from agent.system.paths import Profile


def left(folder: Path, text: str) -> Profile:
    """A profile for which IT left `text`."""
    profile = Profile.at(folder)
    profile.machine_folder.mkdir()
    (profile.machine_folder / FILE).write_text(text, encoding="utf-8")
    return profile


def test_nothing_left_is_nothing(tmp_path: Path) -> None:
    assert deployment(Profile.at(tmp_path)) == Deployment()


def test_invite_and_hub_are_found(tmp_path: Path) -> None:
    profile = left(tmp_path, 'invite = "/srv/anna.json"\nsite_url = "https://hub.example:8443"\n')
    assert deployment(profile) == Deployment("/srv/anna.json", "https://hub.example:8443")


def test_the_name_of_the_computer_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPUTERNAME", "DESK-7")
    assert Deployment("/srv/$COMPUTERNAME.json").invite_file == "/srv/DESK-7.json"
    assert Deployment("").invite_file == ""


@pytest.mark.parametrize("text", ["invite = 7", 'sight_url = "x"', "no toml", "invite = [ ]"])
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"deployment\.toml"):
        deployment(left(tmp_path, text))
