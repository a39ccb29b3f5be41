"""What starts programs at login on Linux: XDG autostart files, and systemd's units of the user."""

import os
import re
from pathlib import Path


def entries(starts_us: re.Pattern[str]) -> dict[str, bool]:
    """Each place that would start us, and whether it is switched on."""
    return _desktop_files(starts_us) | _units(starts_us)


def _desktop_files(starts_us: re.Pattern[str]) -> dict[str, bool]:
    """The user's own file of a name takes the place of the system's."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folders = [own, *map(Path, (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"))]
    files = [file for folder in reversed(folders) for file in sorted((folder / "autostart").glob("*.desktop"))]
    ours = {file.name for file in files if starts_us.search(_value(_text(file), "Exec"))}
    strongest = {file.name: file for file in files if file.name in ours}
    return {str(file): _is_on(_text(file)) for file in strongest.values()}


def _units(starts_us: re.Pattern[str]) -> dict[str, bool]:
    """Units of the user that somebody enabled."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folders = (own / "systemd/user", Path("/etc/systemd/user"))
    wanted = [unit for folder in folders for unit in sorted(folder.glob("*.target.wants/*.service"))]
    return {str(unit): True for unit in wanted if starts_us.search(_value(_text(unit), "ExecStart"))}


def _is_on(text: str) -> bool:
    off = _value(text, "Hidden").lower() == "true"
    return not off and _value(text, "X-GNOME-Autostart-enabled").lower() != "false"


def _value(text: str, key: str) -> str:
    found = re.search(rf"^{key}\s*=\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
