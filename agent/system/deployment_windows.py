"""What the installer left in the registry for the first start."""

import sys

assert sys.platform == "win32"

import winreg  # noqa: E402 - mypy stops reading at the line above on other systems

KEY = r"Software\NoMoreRunning\Deployment"
NAMES = {"invite": "Invite", "site_url": "SiteUrl"}


def read_registry() -> dict[str, str]:
    """The values that are there."""
    try:
        # The one place of 64-bit programs, whatever runs this.
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, KEY, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
            return {name: value for name, called in NAMES.items() if (value := _text(key, called))}
    except OSError:
        return {}


def _text(key: winreg.HKEYType, name: str) -> str:
    try:
        value, _ = winreg.QueryValueEx(key, name)
    except OSError:
        return ""
    return value if isinstance(value, str) else ""
