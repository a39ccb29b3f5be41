"""The desktop as Windows knows it. Windows only."""

import ctypes
import sys


def has_taskbar() -> bool:
    """Whether this session has a taskbar, where icons live."""
    if sys.platform == "win32":
        return bool(ctypes.windll.user32.FindWindowW("Shell_TrayWnd", None))
    return False
