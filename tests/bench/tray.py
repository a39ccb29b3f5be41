"""What the tray alone costs: from the start of the process to the icon, memory after it, and wake-ups when idle."""

import asyncio
import sys
import time
from pathlib import Path

import psutil

from tests.bench.report import Absent, Options, Report
from tests.servers.desktop import Bus
from tests.servers.speaking import speaking
from tests.servers.tray_host import TrayHost, tray_host
from tests.servers.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
IDLE_SECONDS = 3.0
MIB = 1024 * 1024


def run(options: Options) -> Report:
    """Start the program with nothing but a tray several times on a private bus."""
    if missing := Bus.missing():
        raise Absent(f"not installed: {', '.join(missing)}")
    report = Report("tray")
    with Bus() as bus:
        taken = asyncio.run(_all(bus, options.rounds))
    registered = report.figure("registered", [one[0] for one in taken], "ms")
    report.figure("processor", [one[1] for one in taken], "ms")
    report.figure("memory", [one[2] for one in taken], "MiB RSS")
    report.figure("wake-ups", [one[3] for one in taken], "/s")
    report.at_most("registered", registered.median, 250, "ms")
    return report


async def _all(bus: Bus, rounds: int) -> list[tuple[float, float, float, float]]:
    async with tray_host(bus.address) as panel:
        await _once(bus, panel)  # fills the caches
        return [await _once(bus, panel) for _ in range(rounds)]


async def _once(bus: Bus, panel: TrayHost) -> tuple[float, float, float, float]:
    """Milliseconds to the icon and of processor time until then, MiB, and voluntary context switches a second."""
    panel.watcher.times.clear()
    env = bus.env | {"NMR_TRAY": "sni", "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    async with speaking(sys.executable, "-m", "tests.servers.tray_program", env=env) as program:
        await program.said("registered")
        taken = panel.watcher.times[0] - began
        process = psutil.Process(program.pid)
        processor = process.cpu_times().user + process.cpu_times().system
        await panel.menu()
        memory, before = process.memory_info().rss, process.num_ctx_switches().voluntary
        await asyncio.sleep(IDLE_SECONDS)
        switches = process.num_ctx_switches().voluntary - before
    await eventually(lambda: not panel.items)
    return taken * 1000, processor * 1000, memory / MIB, switches / IDLE_SECONDS
