"""pystray's icon for Windows, with a menu that survives updates while it is open, sharp at every scaling."""

import contextlib
import ctypes
import queue
import tempfile
import winreg  # which makes this a module of Windows alone
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pystray._util import win32
from pystray._win32 import Icon as PystrayIcon

from agent.ui.icons import Panel, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

# Message numbers from WM_USER on are the window's own; pystray has 10 and 11.
WM_SOON = win32.WM_USER + 50
SM_CXSMICON = 49
THEME = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"


def panel() -> Panel:
    """What the user's taskbar looks like; dark where Windows does not say, as it is by default."""
    registry: Any = winreg  # its types exist on Windows only
    with contextlib.suppress(OSError), registry.OpenKey(registry.HKEY_CURRENT_USER, THEME) as key:
        if registry.QueryValueEx(key, "SystemUsesLightTheme")[0]:
            return Panel.LIGHT
    return Panel.DARK


def escape(text: str) -> str:
    """A label without mnemonics."""
    return text.replace("&", "&&")


class Icon(PystrayIcon):  # type: ignore[misc] # pystray has no types
    """Everything that touches the icon happens in its own thread, so no menu is destroyed under a person's hand."""

    present = False
    """Whether the taskbar took the icon."""
    _icon_handle: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        self._deeds: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._menu_open = False
        self._menu_stale = False
        super().__init__(*args, **options)
        self._message_handlers[WM_SOON] = self._on_soon

    def wear(self, picture: Picture) -> None:
        """Show `picture`."""
        self.icon = picture

    def soon(self, deed: Callable[[], None]) -> None:
        """Do `deed` in the thread of the icon."""
        self._deeds.put(deed)
        win32.PostMessage(self._hwnd, WM_SOON, 0, 0)

    def _message(self, code: int, flags: int, **fields: Any) -> None:
        """Tell the taskbar; at login it may come later than we do, and pystray adds the icon again when it comes."""
        size = ctypes.sizeof(win32.NOTIFYICONDATAW)
        data = win32.NOTIFYICONDATAW(cbSize=size, hWnd=self._hwnd, hID=id(self), uFlags=flags, **fields)
        taken = bool(win32.Shell_NotifyIcon(code, data))
        if code == win32.NIM_ADD:
            self.present = taken

    def _on_soon(self, _wparam: int, _lparam: int) -> None:
        while not self._deeds.empty():
            self._deeds.get_nowait()()

    def _on_notify(self, wparam: int, lparam: int) -> None:
        """A click; while the menu is open Windows goes on handing out messages, ours among them."""
        outer, self._menu_open = self._menu_open, True
        try:
            super()._on_notify(wparam, lparam)
        finally:
            self._menu_open = outer
        if self._menu_stale and not outer:
            self._update_menu()

    def _update_menu(self) -> None:
        self._menu_stale = self._menu_open
        if not self._menu_open:
            super()._update_menu()

    def _assert_icon_handle(self) -> None:
        """Load the picture in the size Windows draws it; pystray's way lets Windows shrink a larger one."""
        if self._icon_handle:
            return
        size = win32.windll.user32.GetSystemMetrics(SM_CXSMICON) or 16
        with _ico(self.icon.image(size)) as path:
            self._icon_handle = win32.LoadImage(None, path, win32.IMAGE_ICON, size, size, win32.LR_LOADFROMFILE)


@contextlib.contextmanager
def _ico(image: "Image") -> Iterator[str]:
    """The picture as an icon file, which is all Windows loads icons from."""
    with tempfile.NamedTemporaryFile(suffix=".ico", delete=False) as file:
        image.save(file, "ICO", sizes=[image.size])
    try:
        yield file.name
    finally:
        Path(file.name).unlink(missing_ok=True)
