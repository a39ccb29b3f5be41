"""2,000 pages in both directions while the broker or an agent is killed again and again: none lost, each shown once."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from agent.demo.site import Site, until
from tests.servers.session_bus import Bus
from tests.servers.witness import Witness

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

EACH_WAY = 1000
RATE = 40.0
"""Pages a second in each direction."""
KILL_EVERY_S = 5.0
ALL_SHOWN_WITHIN_S = 120.0
AGENT_KILLS_EACH_WAY = 600
WEAK_PAGES, WEAK_ROUNDS = 200, 6
NEXT_PAGE_S = 1.0
"""How long a fault waits for a page that it may strike."""
RING_GAP = 5
"""Pages that may be in the gap between showing and remembering when the agent is killed: RATE times its length."""
CONFIG = "[ring]\nper_minute = 100000\nagain_seconds = 3600\n[limits]\npeer_rate = 1000.0\npeer_burst = 10000\n"
STATIONS = ("east", "west")


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> str:
    missing = Bus.missing()
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    if request.param == "mosquitto" and not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        pytest.skip("mosquitto is not installed")
    return str(request.param)


class Scene:
    """A hub, two agents facing each other, and a witness beside each."""

    def __init__(self, site: Site, witnesses: dict[str, Witness]) -> None:
        self.site, self.witnesses = site, witnesses

    def page(self, sender: str, count: int, stop: threading.Event, rate: float = RATE, first: int = 0) -> None:
        """Send pages at a steady rate, whatever dies meanwhile; notes are numbered from `first` on."""
        receiver = STATIONS[1 - STATIONS.index(sender)]
        begun = time.monotonic()
        with self.site.talk(sender) as line:
            for number in range(count):
                if stop.is_set():
                    return
                stop.wait(max(0.0, begun + number / rate - time.monotonic()))
                line.request("page", to={"station": receiver}, note=f"{sender} {first + number}")

    def shown(self, sender: str) -> Counter[str]:
        """What the other side's daemon was given."""
        return self.witnesses[STATIONS[1 - STATIONS.index(sender)]].shown()

    def kill_broker(self) -> None:
        """SIGKILL the broker just when a page was shown, its receipt still on the way; the hub starts it again."""
        before, end = self._calls(), time.monotonic() + NEXT_PAGE_S
        while self._calls() == before and time.monotonic() < end:
            time.sleep(0.001)
        names = ("nats-server", "mosquitto")
        for child in psutil.Process(self.site.pid("hub")).children(recursive=True):
            if child.name() in names:
                child.kill()

    def settled(self) -> bool:
        """Whether nothing is on its way any more, so that nothing will be sent a second time."""
        return not any(self._open_rows(name) for name in STATIONS)

    def _calls(self) -> int:
        return sum(witness.calls() for witness in self.witnesses.values())

    def _open_rows(self, name: str) -> int:
        with self.site.talk(name) as line:
            return int(line.request("status")["open_rows"])

    def restart(self, station: str) -> None:
        """SIGKILL an agent and start it again."""
        self.site.kill(station)
        self.site.start_station(station, self.witnesses[station].env)


@contextmanager
def scene(folder: Path, broker: str, weak: str = "", *, config: str = CONFIG, module: str = "agent") -> Iterator[Scene]:
    """Set everything up; `weak` takes a guarantee out of both agents, which else run as `module`."""
    with ExitStack() as stack:
        site = Site(folder, broker, "tests.faults.weak_agent" if weak and module == "agent" else module)
        stack.callback(site.stop)
        witnesses = {name: stack.enter_context(Witness()) for name in STATIONS}
        site.start_hub()
        for name in STATIONS:
            site.profile(name).create()
            site.profile(name).config_file.write_text(config)
            site.enrol(name, name, "crew", env={"NMR_WEAK": weak})
            site.start_station(name, {**witnesses[name].env, "NMR_WEAK": weak})
        for name in STATIONS:
            until(lambda name=name: knows_all(site, name), f"the members at {name}")  # type: ignore[misc]
        yield Scene(site, witnesses)


def knows_all(site: Site, name: str) -> bool:
    """Whether a station's ledger has both stations."""
    with site.talk(name) as line:
        return {member["station"] for member in next(line.watch())["members"]} == set(STATIONS)


def run_pages(
    scene_: Scene,
    count: int,
    fault: Callable[[], None],
    every: float,
    senders: Sequence[str] = STATIONS,
    rate: float = RATE,
    first: int = 0,
) -> None:
    """Send `count` pages from each of `senders` while `fault` happens every so many seconds."""
    stop = threading.Event()
    threads = [threading.Thread(target=scene_.page, args=(name, count, stop, rate, first)) for name in senders]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            stop.wait(every)
            fault()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def lost_and_doubled(
    scene_: Scene, count: int, senders: Sequence[str] = STATIONS, within: float = ALL_SHOWN_WITHIN_S
) -> tuple[list[str], list[str]]:
    """What no witness saw, and what one saw more than once, when nothing is on its way or all promised time is over."""
    wanted = {name: {f"{name} {number}" for number in range(count)} for name in senders}
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if all(wanted[name] <= set(scene_.shown(name)) for name in senders) and scene_.settled():
            break
        time.sleep(0.2)
    lost = [note for name in senders for note in wanted[name] - set(scene_.shown(name))]
    doubled = [note for name in senders for note, times in scene_.shown(name).items() if times > 1]
    return sorted(lost), sorted(doubled)


def test_no_page_is_lost_or_shown_twice_while_the_broker_is_killed(tmp_path: Path, broker: str) -> None:
    with scene(tmp_path, broker) as alive:
        run_pages(alive, EACH_WAY, alive.kill_broker, KILL_EVERY_S)
        assert lost_and_doubled(alive, EACH_WAY) == ([], [])


def test_no_page_is_lost_while_the_receiving_agent_is_killed(tmp_path: Path, broker: str) -> None:
    """A double is right only where the crash fell between showing a page and remembering that: one a kill at most."""
    kills = 0

    with scene(tmp_path, broker) as alive:

        def kill() -> None:
            nonlocal kills
            kills += 1
            alive.restart("west")

        run_pages(alive, AGENT_KILLS_EACH_WAY, kill, KILL_EVERY_S, senders=("east",))
        lost, doubled = lost_and_doubled(alive, AGENT_KILLS_EACH_WAY, senders=("east",))
        assert lost == []
        assert len(doubled) <= kills * RING_GAP


def caught(
    alive: Scene, weak: str, fault: Callable[[], None], mend: Callable[[], None] = lambda: None, rate: float = RATE
) -> bool:
    """Whether a weakened agent shows its weakness within some rounds: whether one fault strikes is a matter of luck."""
    for first in range(0, WEAK_ROUNDS * WEAK_PAGES, WEAK_PAGES):
        run_pages(alive, WEAK_PAGES, fault, 1.0, rate=rate, first=first)
        mend()
        lost, doubled = lost_and_doubled(alive, first + WEAK_PAGES, within=15.0)
        if doubled if weak == "dedupe" else lost:
            return True
    return False


@pytest.mark.parametrize("weak", ["dedupe", "outbox"])
def test_the_tests_above_notice_when_a_guarantee_is_taken_out(tmp_path: Path, weak: str) -> None:
    with scene(tmp_path, "nats", weak) as alive:
        assert caught(alive, weak, alive.kill_broker)
