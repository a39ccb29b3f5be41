"""Checks of the agent itself: whether it runs and answers, and what it says of its links and of the hub."""

import os
import sys
import time
from typing import Any

from agent import __version__
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight
from agent.system.lock import ProfileLock

SLOW_MS = 1000.0
"""A round trip to the hub and back longer than this is worth a word, ms."""


async def agent(sight: Sight) -> list[Finding]:
    """Whether the agent runs and answers; without it nothing rings."""
    found, status = Findings("agent"), sight.agent.status
    if status is not None:
        if status.get("version") != __version__:
            return [found.warning("other-version", running=str(status.get("version")), here=__version__)]
        return [found.ok(version=__version__)]
    owner = ProfileLock(sight.profile.lock_file).owner()
    if sight.agent.why not in ("no-agent", "agent-gone") or (owner is not None and _alive(owner)):
        return [found.failure("hangs", pid=owner or 0)]
    if owner is not None:
        return [found.failure("stale", pid=owner, file=str(sight.profile.lock_file))]
    return [found.failure("not-running")]


async def link(sight: Sight) -> list[Finding]:
    """Each link as the agent sees it."""
    found = Findings("link")
    if sight.agent.status is None:
        return [found.off()]
    links = [one for one in sight.status["links"] if one["state"] != "off"]
    return [_link(found, one) for one in links] or [found.failure("none")]


def _link(found: Findings, one: dict[str, Any]) -> Finding:
    name, detail = str(one["name"]), str(one["detail"])
    if one["state"] == "up":
        rtt = one["rtt_ms"]
        if rtt is not None and rtt > SLOW_MS:
            return found.warning("slow", name=name, ms=round(rtt))
        return found.ok("up", name=name, ms=_ms(rtt))
    if one["state"] == "refused":
        return found.failure("refused", name=name, detail=detail)
    if name == "p2p":  # a way besides; pages go over the broker meanwhile
        return found.warning("down-besides", name=name, detail=detail or str(one["state"]))
    return found.failure("down", name=name, detail=detail or str(one["state"]))


async def proof(sight: Sight) -> list[Finding]:
    """Whether the hub has proven itself to the agent, and is heard."""
    found = Findings("proof")
    if sight.agent.status is None:
        return [found.off()]
    if sight.only_mail:
        return [found.off("only-mail")]
    proof, hub = sight.status["proof"], sight.status["hub"]
    match proof["state"]:
        case "proven" if hub["state"] == "up":
            return [found.ok(ms=_ms(hub["rtt_ms"]))]
        case "failed":
            return [found.failure("failed", notice=str(proof["notice"]))]
        case "proven" | "amber":
            return [found.warning("silent", notice=str(proof["notice"] or "-"))]
    return [found.failure("unproven", notice=str(proof["notice"] or "-"))]


async def quiet(sight: Sight) -> list[Finding]:
    """Whether somebody asked not to be disturbed, and what waits for an answer."""
    found, findings = Findings("quiet"), []
    if sight.agent.status is None:
        return [found.off()]
    if sight.status["dnd_until_ms"]:
        until = time.strftime("%H:%M", time.localtime(sight.status["dnd_until_ms"] / 1000))
        findings.append(found.warning("on", until=until))
    findings += [found.warning("notice", notice=str(notice)) for notice in sight.status["notices"]]
    return findings or [found.ok()]


def _ms(rtt: float | None) -> str:
    return "-" if rtt is None else f"{rtt:.1f}"


def _alive(pid: int) -> bool:
    """Whether a process of that number runs, as far as the system tells us."""
    if sys.platform == "win32":
        import ctypes

        limited, access_denied = 0x1000, 5
        kernel = ctypes.windll.kernel32
        process = kernel.OpenProcess(limited, False, pid)
        if process:
            kernel.CloseHandle(process)
        return bool(process) or kernel.GetLastError() == access_denied
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
