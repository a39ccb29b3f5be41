"""A virtual desktop for tests: X server, window manager, panel with a real tray, notification daemon, sound sink."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Literal, Self

from PIL import Image, ImageGrab

from tests.servers.programs import WAIT, Programs, until
from tests.servers.recording import Recording
from tests.servers.session_bus import CONFIG, Bus, owned, start_bus

__all__ = ["Bus", "Desktop", "Recording"]

WATCHER = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
SINK = "null"
SIZE = (1024, 768)
PANEL = (0, 738, 1024, 768)
"""Left, top, right, bottom of the panel, in pixels."""
KEY_WAIT = 5.0
"""Seconds until a key that did nothing is pressed again."""
SHOTS = Path(__file__).parent.parent / "shots"
XFCE = Path("/usr/lib/x86_64-linux-gnu/xfce4")
NEEDED = (
    *("Xvfb", "xdotool", "xprop", "xwininfo", "dbus-daemon", "dbus-send", "openbox", "dunst", "xfce4-panel"),
    *("pulseaudio", "pactl", "parec", f"{XFCE}/xfconf/xfconfd"),
)


class Desktop:
    """A whole desktop in a temporary folder; only what it started itself is stopped.

    `env` is the environment for children.
    """

    sink_monitor = f"{SINK}.monitor"

    def __init__(
        self,
        *,
        theme: Literal["dark", "light"] = "dark",
        notify: Literal["dunst", "xfce"] | None = "dunst",
        panel: bool = True,
        sound: bool = True,
    ) -> None:
        self.theme, self.notify, self.has_panel, self.has_sound = theme, notify, panel, sound
        self.folder = Path(tempfile.mkdtemp(prefix="nmr-desktop."))
        self.programs = Programs(self.folder)
        self.env = self._environment()

    @staticmethod
    def missing() -> list[str]:
        """Programs this needs and does not find; a test that needs them skips and names them."""
        return [name for name in NEEDED if shutil.which(name) is None]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self.programs.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        gone = ("WAYLAND_DISPLAY", "SESSION_MANAGER", "XAUTHORITY")
        env = {name: value for name, value in os.environ.items() if name not in gone}
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            folder = self.folder / name.lower()
            folder.mkdir(mode=0o700)
            env[name] = str(folder)
        return env | {
            "XDG_CURRENT_DESKTOP": "XFCE",
            "GTK_THEME": "Adwaita:dark" if self.theme == "dark" else "Adwaita",
            "GSETTINGS_BACKEND": "memory",
            "GIO_USE_VFS": "local",
            "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none",
        }

    def _start(self) -> None:
        # DISPLAY and the bus address must stand in the environment before anything that shows itself is started,
        # and the notification daemon before any tray icon.
        self._start_display()
        self.env["DBUS_SESSION_BUS_ADDRESS"] = start_bus(self.programs, self.env)
        until(self._managed, "window manager")
        if self.has_sound:
            self._start_sound()
        self._write_panel()
        self.programs.start("xfconfd", str(XFCE / "xfconf/xfconfd"), env=self.env)
        if self.notify:
            self.start_notify(self.notify)
        if self.has_panel:
            self.start_panel()
        if self.has_sound:
            until(lambda: self._run("pactl", "info"), "sound server")

    def _start_display(self) -> None:
        reading, writing = os.pipe()
        self.programs.start(
            *("xvfb", "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"),
            *("-nolisten", "tcp"),
            env=self.env,
            pass_fds=(writing,),
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            self.env["DISPLAY"] = f":{number.readline().strip()}"

    def start_notify(self, which: Literal["dunst", "xfce"]) -> None:
        """Start a notification daemon; returns when it takes notices."""
        if which == "dunst":
            self.programs.start("notify", "dunst", "-conf", str(CONFIG / "dunstrc"), env=self.env)
        else:
            self.programs.start("notify", str(XFCE / "notifyd/xfce4-notifyd"), env=self.env)
        until(lambda: owned(self.env, NOTIFICATIONS), "notification daemon")

    def stop_notify(self) -> None:
        """Stop the notification daemon; returns when nobody takes notices."""
        self.programs.end("notify")
        until(lambda: not owned(self.env, NOTIFICATIONS), "end of the notification daemon")

    def _write_panel(self) -> None:
        folder = Path(self.env["XDG_CONFIG_HOME"], "xfce4/xfconf/xfce-perchannel-xml")
        folder.mkdir(parents=True)
        text = (CONFIG / "xfce4-panel.xml").read_text()
        (folder / "xfce4-panel.xml").write_text(Template(text).substitute(dark=str(self.theme == "dark").lower()))

    def start_panel(self) -> None:
        """Start the panel; returns when it is drawn and its tray takes icons."""
        self.programs.start("panel", "xfce4-panel", "--disable-wm-check", env=self.env)
        until(lambda: owned(self.env, WATCHER), "tray of the panel")
        until(lambda: self._darkest_of_panel() > 0, "picture of the panel")

    def stop_panel(self) -> None:
        """Stop the panel; returns when its tray is gone."""
        self.programs.end("panel")
        until(lambda: not owned(self.env, WATCHER), "end of the panel's tray")
        until(lambda: self._darkest_of_panel() == 0, "end of the panel's picture")

    def _darkest_of_panel(self) -> float:
        """How dark its darkest pixel is: 0 as long as the empty screen can be seen."""
        darkest = self.panel_strip().convert("L").getextrema()[0]
        assert not isinstance(darkest, tuple)
        return darkest

    def _start_sound(self) -> None:
        socket = self.folder / "pulse"
        config = self.folder / "asound.conf"
        shutil.copy(CONFIG / config.name, config)
        self.env |= {
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_COOKIE": str(self.folder / "cookie"),
            "ALSA_CONFIG_PATH": str(config),
        }
        self.programs.start(
            *("pulse", "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit"),
            *("--use-pid-file=no", "--log-level=error"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket}"),
            *("-L", f"module-null-sink sink_name={SINK} rate=48000 channels=2", "-L", "module-always-sink"),
            env=self.env,
        )

    def _run(self, *command: str) -> bytes:
        return subprocess.run(command, env=self.env, capture_output=True, check=False, stdin=subprocess.DEVNULL).stdout

    @contextmanager
    def record(self) -> Iterator[Recording]:
        """What the sink plays meanwhile; recording runs when the block is entered."""
        file = self.folder / "recording.raw"
        file.unlink(missing_ok=True)
        self.programs.start(
            *("parec", "parec", f"--device={self.sink_monitor}", "--format=s16le", f"--rate={Recording.RATE}"),
            *("--channels=1", "--latency-msec=20", str(file)),
            env=self.env,
        )
        try:
            recording = Recording(file)
            until(lambda: recording.seconds > 0, "sound from the monitor")
            yield recording
        finally:
            self.programs.end("parec")

    def pixels(self) -> Image.Image:
        """The screen as it is now."""
        return ImageGrab.grab(xdisplay=self.env["DISPLAY"])

    def screenshot(self, name: str) -> Path:
        """Keep the screen as tests/shots/NAME.png, for people to look at."""
        SHOTS.mkdir(exist_ok=True)
        self.pixels().save(SHOTS / f"{name}.png")
        return SHOTS / f"{name}.png"

    def panel_strip(self) -> Image.Image:
        """The panel as it is now."""
        return self.pixels().crop(PANEL)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Move the pointer there and press a mouse button (1 left, 3 right)."""
        self._run("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""
        self._run("xdotool", "mousemove", str(x), str(y))

    def key(self, *keys: str) -> None:
        """Press keys one after another, by their X names (`Return`, `ctrl+n`)."""
        self._run("xdotool", "key", *keys)

    def press_key(self, key: str, done: Callable[[], object], what: str) -> None:
        """Press a key as people do: again, when nothing came of it; a window that just opened may miss the first."""
        end = time.monotonic() + WAIT
        while True:
            self.key(key)
            try:
                return until(done, what, KEY_WAIT)
            except TimeoutError:
                if time.monotonic() >= end:
                    raise

    def type(self, text: str) -> None:
        """Type text into the window that has the focus."""
        self._run("xdotool", "type", "--delay", "5", text)

    def _managed(self) -> bool:
        """Whether windows are managed; one that found no display, or fell over a window that ended, is replaced."""
        if not self.programs.alive("openbox"):
            self.programs.start("openbox", "openbox", env=self.env)
        return b"window id" in self._run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")

    def find_window(self, title: str) -> int | None:
        """The visible window whose title matches the pattern `title`, if there is one and windows are managed."""
        if not self._managed():
            return None
        found = self._run("xdotool", "search", "--onlyvisible", "--name", title).split()
        return int(found[0]) if found else None

    def window_box(self, title: str) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of that window, if there is one."""
        if (number := self.find_window(title)) is None:
            return None
        said = self._run("xwininfo", "-id", str(number)).decode()  # xdotool adds the frame twice
        found = [re.search(rf"{name}: +(-?\d+)", said) for name in ("left X", "left Y", "Width", "Height")]
        if not all(found):
            return None  # it closed while we looked
        left, top, width, height = (int(match[1]) for match in found if match)
        return left, top, left + width, top + height

    def focused(self) -> str:
        """The title of the window that has the keyboard, or nothing."""
        return self._run("xdotool", "getwindowfocus", "getwindowname").decode().strip()
