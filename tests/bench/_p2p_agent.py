"""What a whole agent costs with direct ways on, while one of them is open and nobody says anything."""

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.demo.site import Site
from tests.bench.footprint import running_panel, wakeups
from tests.bench.report import Absent, Report
from tests.servers.session_bus import Bus
from tests.servers.witness import Witness

STATION, OTHER = "front", "kitchen"
ON = "[link.p2p]\nenabled = true\n"
SETTLED_S, IDLE_S = 5.0, 20.0


@dataclass(frozen=True, slots=True)
class Idle:
    """Memory in MiB, `closed` before any way was open; wake-ups a second, processor in percent."""

    closed: float
    rss: float
    wakeups: float
    cpu: float


def idle_agent(*first: str) -> Idle:
    """Start a hub and two agents that find modules in the folders `first` before all others; watch one of them rest."""
    if missing := Bus.missing():
        raise Absent(f"needs {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site, witness = Site(Path(folder)), stack.enter_context(Witness())
        stack.callback(site.stop)
        stack.enter_context(running_panel(witness.env["DBUS_SESSION_BUS_ADDRESS"]))
        env = {**witness.env, "NMR_TRAY": "sni", "PYTHONPATH": os.pathsep.join(first)}
        site.start_hub()
        for station in (STATION, OTHER):
            site.enrol(station, station, station)
            with site.profile(station).config_file.open("a") as config:
                config.write(ON)
            site.start_station(station, env)
        process = psutil.Process(site.pid(STATION))
        closed = _rss(process)
        with site.talk(STATION) as line:
            line.request("p2p.ping", station=OTHER)
        return _watch(process, closed)


def enter(report: Report, idle: Idle) -> None:
    """Say what came out, and hold it against the goal."""
    report.figure("agent: RSS before a way is open", [idle.closed], "MiB")
    report.figure("agent: RSS with one open", [idle.rss], "MiB")
    report.figure("agent: wake-ups with one open", [idle.wakeups], "/s")
    report.figure("agent: CPU with one open", [idle.cpu], "%")
    report.at_most("agent: RSS with one open", idle.rss, 64, "MiB")
    report.note(
        "agent: the program with tray, notices, MQTT, encryption and the stand-ins, one direct way open, at rest"
    )


def _watch(process: psutil.Process, closed: float) -> Idle:
    time.sleep(SETTLED_S)  # what is measured is an agent at rest: the time itself is the condition
    before, woken = process.cpu_times(), wakeups(process.pid)
    time.sleep(IDLE_S)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return Idle(closed, _rss(process), (wakeups(process.pid) - woken) / IDLE_S, 100 * used / IDLE_S)


def _rss(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20
