"""What our mail link adds to bare SMTP and IMAP on the same servers, and how Delta Chat's core does there."""

import queue
import random
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench._deltachat import deltachat
from tests.bench._our_mail import our_mail
from tests.bench._raw_mail import IDLE, NOOP, raw_mail
from tests.bench.report import Absent, Options, Report
from tests.servers.mail import MailServers

PINGS, BURST = 12, 500
SLOW_BURST = 100
"""Delta Chat's core keeps to a limit of its own, by which 500 would take half a minute."""
LONGEST_GAP_S = 0.2
"""Messages are sent at any moment of a server's own rhythm."""
WITHIN_S = 120.0
TIMES_RAW, LEAST_RATE = 1.1, 60.0


class Pair(Protocol):
    """Two who are connected: one `send`s a number, which `arrived` at the other with the time of its coming."""

    arrived: "queue.SimpleQueue[tuple[int, float]]"

    def send(self, number: int) -> None:
        """Send one message; returns when it is handed in."""


@dataclass
class Figures:
    """What one kind took over all rounds: milliseconds from handing in to there, messages a second in a burst."""

    ways: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def run(options: Options) -> Report:
    """All kinds take turns, so that a busy minute meets each."""
    if missing := MailServers.missing():
        raise Absent(f"needs {', '.join(missing)}")
    report, chance = Report("mail"), random.Random(6)
    absent = ""
    kinds = {name: Figures() for name in ("raw, IDLE", "ours, IDLE", "raw, NOOP", "ours, NOOP", "Delta Chat")}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder, MailServers() as servers:
            # The servers are new in each round: a mailbox of thousands is another thing to measure.
            measure(kinds["raw, IDLE"], raw_mail(servers, IDLE), chance)
            measure(kinds["raw, NOOP"], raw_mail(servers, NOOP), chance, burst=0)
            measure(kinds["ours, IDLE"], our_mail(servers, Path(folder) / "idle"), chance)
            measure(kinds["ours, NOOP"], our_mail(servers, Path(folder) / "noop", awaited=True), chance, burst=0)
            try:
                measure(kinds["Delta Chat"], deltachat(servers, Path(folder)), chance, 0 if number else SLOW_BURST)
            except Absent as reason:
                absent = f"Delta Chat: not measured, {reason}"
    _enter(report, kinds)
    if absent:
        report.note(absent)
    return report


def measure(figures: Figures, kind: AbstractContextManager[Pair], chance: random.Random, burst: int = BURST) -> None:
    """Send one by one, each when the one before is there, and then `burst` at once."""
    with kind as pair:
        for number in range(PINGS + 1):
            time.sleep(chance.uniform(0, LONGEST_GAP_S))
            begin = time.perf_counter()
            pair.send(number)
            took = 1000 * (_wait(pair, {number}) - begin)
            if number:  # the first also connects and warms up
                figures.ways.append(took)
        if burst:
            begin = time.perf_counter()
            numbers = range(1000, 1000 + burst)
            for number in numbers:
                pair.send(number)
            figures.rates.append(burst / (_wait(pair, set(numbers)) - begin))


def _wait(pair: Pair, numbers: set[int]) -> float:
    """When the last of them came; raises TimeoutError naming how many are missing."""
    end, last = time.perf_counter() + WITHIN_S, 0.0
    while numbers:
        try:
            number, last = pair.arrived.get(timeout=max(0.0, end - time.perf_counter()))
        except queue.Empty:
            raise TimeoutError(f"{len(numbers)} messages did not come") from None
        numbers.discard(number)
    return last


def _enter(report: Report, kinds: dict[str, Figures]) -> None:
    for name, figures in kinds.items():
        if figures.ways:
            report.figure(f"submit to there, {name}", figures.ways, "ms")
        if figures.rates:
            report.figure(f"burst, {name}", figures.rates, "messages/s")
    ways = {name: report.figures.get(f"submit to there, {name}") for name in kinds}
    raw, our, other = ways["raw, IDLE"], ways["ours, IDLE"], ways["Delta Chat"]
    if raw and our:
        report.at_most("ours, times raw, p50", our.p50 / raw.p50, TIMES_RAW, "")
        report.at_least("burst, ours", report.figures["burst, ours, IDLE"].median, LEAST_RATE, "messages/s")
    if our and other:
        report.at_most("ours, times Delta Chat, p50", our.p50 / other.p50, 1.0, "")
    report.note(
        f"Dovecot answers IDLE after 500 ms at the earliest; {PINGS} single messages and a burst of {BURST} a round"
        f" ({SLOW_BURST} and once for Delta Chat, which limits itself); NOOP: raw"
        " every 50 ms at any time, ours from 50 ms after the page left and ever more rarely, as where a receipt is due"
    )
