"""What starts programs at login on Windows: the Run keys of the computer and of the user."""

import re
import sys
from contextlib import suppress

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"


def entries(starts_us: re.Pattern[str]) -> dict[str, bool]:
    """Each place that would start us, and whether it is switched on."""
    found: dict[str, bool] = {}
    if sys.platform == "win32":
        import winreg

        for name, root in (("HKLM", winreg.HKEY_LOCAL_MACHINE), ("HKCU", winreg.HKEY_CURRENT_USER)):
            with suppress(OSError), winreg.OpenKey(root, RUN) as key:
                for number in range(winreg.QueryInfoKey(key)[1]):
                    value, command, _ = winreg.EnumValue(key, number)
                    if starts_us.search(str(command)):
                        found[rf"{name}\{RUN}\{value}"] = _approved(root, value)
    return found


def _approved(root: int, value: str) -> bool:
    """Whether the task manager lets it start: an odd first byte says no."""
    if sys.platform == "win32":
        import winreg

        with suppress(OSError), winreg.OpenKey(root, APPROVED) as key:
            content = winreg.QueryValueEx(key, value)[0]
            return not (content and content[0] & 1)
    return True
