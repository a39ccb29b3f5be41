"""What an agent costs that does nothing: memory, threads, processor, wake-ups, and the time until its icon is up."""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from agent.demo.site import Site, until
from agent.domain.names import HUB
from tests.bench.report import Absent, Options, Report
from tests.faults.mail_site import MailSite
from tests.servers.mail import MailServers
from tests.servers.session_bus import Bus
from tests.servers.tray_host import Watcher, tray_host
from tests.servers.witness import Witness

IDLE_S = 60.0
SETTLED_S = 5.0
STATION = "front"
MAILBOXES = {name: f"password of {name}" for name in (HUB, STATION)}


def run(options: Options) -> Report:
    """Start an enrolled agent several times, then leave the last one alone for a minute."""
    if missing := Bus.missing():
        raise Absent(f"needs {', '.join(missing)}")
    report = Report("footprint")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site, witness = Site(Path(folder)), stack.enter_context(Witness())
        stack.callback(site.stop)
        site.start_hub()
        site.enrol(STATION, "anna", "front-desk")
        panel = stack.enter_context(running_panel(witness.env["DBUS_SESSION_BUS_ADDRESS"]))
        env = {**witness.env, "NMR_TRAY": "sni"}
        starts = [start(site, panel, env) for _ in range(options.rounds + 1)][1:]
        site.start_station(STATION, env)
        idle(report, site.pid(STATION))
        with_a_mailbox(report, env)
    started = report.figure("start to icon registered", starts, "ms")
    report.at_most("start to icon", started.median, 250, "ms")
    report.note("one agent with tray, notices, MQTT and encryption, connected to its hub; no window open")
    return report


def with_a_mailbox(report: Report, env: dict[str, str]) -> None:
    """Watch an agent of another site rest whose mailbox is open, too."""
    if missing := MailServers.missing():
        report.note(f"not measured with a mailbox: {', '.join(missing)} not installed")
        return
    with tempfile.TemporaryDirectory() as folder, MailServers(MAILBOXES) as servers, ExitStack() as stack:
        site = MailSite(Path(folder), servers)
        stack.callback(site.stop)
        site.begin()
        site.enrol(STATION, "anna", "front-desk")
        site.log_in(STATION)
        site.start_station(STATION, env)
        until(lambda: _mail_is_up(site), "the mailbox")
        time.sleep(SETTLED_S)  # as above
        rss = psutil.Process(site.pid(STATION)).memory_info().rss / 2**20
    report.figure("RSS with a mailbox", [rss], "MiB")
    report.at_most("RSS with a mailbox", rss, 48, "MiB")


def _mail_is_up(site: Site) -> bool:
    with site.talk(STATION) as line:
        return any(link["name"] == "mail" and link["state"] == "up" for link in line.request("status")["links"])


def start(site: Site, panel: Watcher, env: dict[str, str]) -> float:
    """Milliseconds from starting a process to its icon standing in the panel's book."""
    known, began = len(panel.times), time.perf_counter()
    program = subprocess.Popen(
        [sys.executable, "-m", "agent", *site.profile(STATION).arguments(), "run"],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(panel.times) > known, "the icon")
        return 1000 * (panel.times[known] - began)
    finally:
        program.terminate()
        program.wait(15)


def idle(report: Report, pid: int) -> None:
    """Watch one process do nothing."""
    process = psutil.Process(pid)
    time.sleep(SETTLED_S)  # what is measured is an agent at rest: the time itself is the condition
    before, woken = process.cpu_times(), wakeups(pid)
    time.sleep(IDLE_S)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    memory = process.memory_full_info()
    rss, mib = memory.rss / 2**20, 1 / 2**20
    report.figure("RSS", [rss], "MiB")
    report.figure("PSS", [memory.pss * mib], "MiB")
    report.figure("threads", [process.num_threads()], "")
    report.at_most("RSS", rss, 48, "MiB")
    report.at_most("idle CPU", 100 * used / IDLE_S, 0.1, "%")
    report.at_most("wake-ups", (wakeups(pid) - woken) / IDLE_S, 2.0, "/s")


def wakeups(pid: int) -> int:
    """How often all threads of a process were scheduled so far."""
    lines = [
        line
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if "ctxt_switches" in line
    ]
    return sum(int(line.split()[1]) for line in lines)


@contextmanager
def running_panel(address: str) -> Iterator[Watcher]:
    """A panel without pixels in a thread of its own."""
    loop, ready, watcher = asyncio.new_event_loop(), threading.Event(), list[Watcher]()
    done = asyncio.Event()

    async def serve() -> None:
        async with tray_host(address) as panel:
            watcher.append(panel.watcher)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="panel")
    thread.start()
    try:
        if not ready.wait(10):
            raise Absent("the panel did not start")
        yield watcher[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
