"""A desktop says whether it is dark, in one of the ways desktops do."""

import sys
from pathlib import Path

import pytest

from agent.ui.window.desktop import dark_desktop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the settings of GTK")


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GTK's settings file in an empty home, and no theme in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("GTK_THEME", raising=False)
    (tmp_path / "gtk-3.0").mkdir()
    return tmp_path / "gtk-3.0/settings.ini"


def test_a_desktop_that_says_nothing_is_light() -> None:
    assert not dark_desktop()


@pytest.mark.parametrize(
    ("line", "dark"),
    [
        ("gtk-application-prefer-dark-theme = 1", True),
        ("gtk-application-prefer-dark-theme=true", True),
        ("gtk-application-prefer-dark-theme=0", False),
        ("gtk-theme-name=Adwaita-dark", True),
        ("gtk-theme-name=Adwaita", False),
    ],
)
def test_the_settings_of_gtk_are_read(settings: Path, line: str, dark: bool) -> None:
    settings.write_text(f"[Settings]\n{line}\n")
    assert dark_desktop() == dark


@pytest.mark.parametrize(("theme", "dark"), [("Adwaita:dark", True), ("Adwaita", False), ("Yaru-dark", True)])
def test_the_environment_wins(settings: Path, monkeypatch: pytest.MonkeyPatch, theme: str, dark: bool) -> None:
    settings.write_text("gtk-theme-name=Adwaita-dark\n")
    monkeypatch.setenv("GTK_THEME", theme)
    assert dark_desktop() == dark


def test_a_broken_settings_file_is_light(settings: Path) -> None:
    settings.write_bytes(b"\xff\xfe\x00")
    assert not dark_desktop()
