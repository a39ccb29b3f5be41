"""Checks of what staff see: whether a panel shows the icon, a daemon notices, and the window can open."""

import sys
from importlib.util import find_spec

from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight


async def tray(sight: Sight) -> list[Finding]:
    """Whether the icon has a place."""
    found = Findings("tray")
    # Windows:
    if sys.platform == "win32":
        from agent.station.doctor.desktop_windows import has_taskbar

        return [found.ok(by="Windows") if has_taskbar() else found.warning("no-host")]
    # Linux:
    from agent.station.doctor.desktop_linux import tray_host

    host = await tray_host()
    if host == "host":
        by = sight.status.get("tray", "-")
        return [found.warning("not-shown", by=str(by)) if by == "silent" else found.ok(by=str(by))]
    return [found.warning(host)]


async def notices(sight: Sight) -> list[Finding]:
    """Whether notices are shown, and what whoever shows them can do."""
    found = Findings("notices")
    # Windows:
    if sys.platform == "win32":
        return [found.ok("windows", by=str(sight.status.get("notifier", "winrt")))]
    # Linux:
    from agent.station.doctor.desktop_linux import notification_daemon

    daemon = await notification_daemon()
    if isinstance(daemon, str):
        return [found.failure(daemon)]
    can = ", ".join(sorted(daemon.can)) or "-"
    if "actions" not in daemon.can:
        return [found.warning("no-actions", name=daemon.name, can=can)]
    if "persistence" not in daemon.can:
        return [found.ok("forgets", name=daemon.name, can=can)]
    return [found.ok(name=daemon.name, can=can)]


async def window(sight: Sight) -> list[Finding]:  # noqa: ARG001 - every check gets it
    """Whether the window can open: some systems bring Python without Tk."""
    found = Findings("window")
    return [found.ok() if find_spec("tkinter") and find_spec("_tkinter") else found.warning("no-tk")]


async def leave() -> None:
    """Let go of what was used to look at the desktop."""
    if sys.platform == "linux":
        from agent.station.doctor.desktop_linux import leave

        await leave()
