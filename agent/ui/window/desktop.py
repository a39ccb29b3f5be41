"""Whether this desktop is a dark one, for those who configured no theme."""

from __future__ import annotations

import sys

if sys.platform == "win32":

    def dark_desktop() -> bool:
        """What programs on this desktop look like; light where it does not say."""
        import winreg

        place = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, place) as key:
                light, _ = winreg.QueryValueEx(key, "AppsUseLightTheme")
        except OSError:
            return False
        return bool(light == 0)

else:

    def dark_desktop() -> bool:
        """The theme of GTK, from the environment or from its settings file; that costs no bus and no program."""
        import os

        if theme := os.environ.get("GTK_THEME"):
            return _names_dark(theme)
        folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - 5 ms for pathlib
        try:
            with open(f"{folder}/gtk-3.0/settings.ini", encoding="utf-8") as file:  # noqa: PTH123 - the same
                lines = [line.replace(" ", "").strip().lower() for line in file]
        except (OSError, UnicodeDecodeError):
            return False
        return any(
            line in ("gtk-application-prefer-dark-theme=1", "gtk-application-prefer-dark-theme=true")
            or (line.startswith("gtk-theme-name=") and _names_dark(line))
            for line in lines
        )


def _names_dark(theme: str) -> bool:
    return theme.lower().endswith(("-dark", ":dark"))
