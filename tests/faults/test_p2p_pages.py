"""Pages between two agents as processes: over direct ways alone, and while the broker, the way or both are cut."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.demo.site import NO_KEYRING, Site, free_ports, until
from tests.faults.test_kills import CONFIG, STATIONS, Scene, caught, knows_all, lost_and_doubled, run_pages, scene
from tests.servers.session_bus import Bus
from tests.servers.witness import Witness

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

EACH_WAY, RATE = 500, 10.0
CUT_EVERY_S = 7.0
"""A way that is cut is silent for 5 seconds before anybody doubts it, and a broker is back in less."""
P2P = CONFIG + "[link.p2p]\nenabled = true\n"
AGENT = "tests.faults.cut_agent"


@pytest.fixture(autouse=True)
def _desktop() -> None:
    missing = Bus.missing()
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def links(site: Site, name: str) -> dict[str, str]:
    """How a station's links stand."""
    with site.talk(name) as line:
        return {link["name"]: link["state"] for link in line.request("status")["links"]}


def way(site: Site, name: str) -> str:
    """How a station's way to the other one stands."""
    with site.talk(name) as line:
        return next((str(peer["state"]) for peer in line.request("status")["peers"]), "none")


def came_over(site: Site, name: str) -> Counter[str]:
    """How many messages a station has stored, by the link that brought them first."""
    database = sqlite3.connect(f"file:{site.profile(name).data_file}?mode=ro", uri=True)
    try:
        return Counter(dict(database.execute("SELECT link, count(*) FROM inbox GROUP BY link").fetchall()))
    finally:
        database.close()


def nmr(site: Site, name: str, *arguments: str) -> dict[str, Any]:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", *site.profile(name).arguments(), *arguments, "--json"],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def turn(site: Site, number: signal.Signals) -> None:
    """Cut the agents off from each other's datagrams, or join them again."""
    for name in STATIONS:
        os.kill(site.pid(name), number)


@contextmanager
def signaling(site: Site, port: int, folder: Path) -> Iterator[None]:
    """`nmr hub signaling` beside the hub."""
    with (folder / "signaling.out").open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "agent", *site.profile("hub").arguments(), "hub", "signaling", "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield
    finally:
        program.terminate()
        program.wait(10)


def end_hub(site: Site) -> None:
    """Kill the hub, and the broker that nobody starts again then."""
    children = psutil.Process(site.pid("hub")).children(recursive=True)
    site.kill("hub")
    for child in children:
        child.kill()


@contextmanager
def without_hub(folder: Path) -> Iterator[Scene]:
    """Two agents that proved themselves to a hub which is gone now; only a signaling server is left."""
    with ExitStack() as stack:
        site, (port,) = Site(folder), free_ports(1)
        stack.callback(site.stop)
        witnesses = {name: stack.enter_context(Witness()) for name in STATIONS}
        site.start_hub()
        for name in STATIONS:
            site.profile(name).create()
            site.profile(name).config_file.write_text(f'{P2P}signaling = "127.0.0.1:{port}"\n')
            site.enrol(name, name, "crew")
        stack.enter_context(signaling(site, port, folder))
        for name in STATIONS:
            site.start_station(name, {**witnesses[name].env, **NO_KEYRING})
        for name in STATIONS:
            until(lambda name=name: knows_all(site, name), f"the members at {name}")  # type: ignore[misc]
        end_hub(site)
        for name in STATIONS:
            until(lambda name=name: links(site, name)["mqtt"] != "up", f"{name} without a broker")  # type: ignore[misc]
        yield Scene(site, witnesses)


def test_a_page_is_presented_and_answered_while_there_is_no_broker_and_no_hub(tmp_path: Path) -> None:
    with without_hub(tmp_path) as alone:
        site = alone.site
        with site.talk("east") as east, site.talk("west") as west:
            for event in east.follow("page", to={"station": "west"}, note="east 0", wait=True):
                page = event["page"]
                if page["targets"][0]["state"] == "presented":
                    west.request("answer", page=page["id"], answer="accepted")
        assert (page["state"], page["targets"][0]["link"]) == ("accepted", "p2p")
        assert alone.shown("east") == Counter({"east 0": 1})
        assert came_over(site, "west") == came_over(site, "east") == Counter({"p2p": 1})
        found = nmr(site, "east", "p2p", "ping", "west")
        assert (found["route"], found["opened_ms"], len(found["rtt_ms"])) == ("direct", None, 5)
        (peer,) = nmr(site, "east", "status")["peers"]
        assert (peer["station"], peer["state"], peer["route"]) == ("west", "open", "direct")
        assert links(site, "east")["mqtt"] != "up"


def cuts(alive: Scene) -> Iterator[None]:
    """Cut the way, then the broker as well, so that pages have to wait; mend the way; cut the broker alone."""
    for fault in cycle(("way", "both", "broker")):
        if fault == "way":
            turn(alive.site, signal.SIGUSR1)
        elif fault == "both":
            turn(alive.site, signal.SIGUSR1)  # a test may have mended it between two faults
            until(lambda: way(alive.site, "east") != "open", "the way is doubted", within=20)
            alive.kill_broker()
        else:
            turn(alive.site, signal.SIGUSR2)
            until(lambda: way(alive.site, "east") == "open", "the way is back", within=20)
            alive.kill_broker()
        yield


def open_way(alive: Scene) -> None:
    """Let a page open the way."""
    with alive.site.talk("east") as line:
        line.request("p2p.ping", station="west")


def test_no_page_is_lost_or_shown_twice_while_the_broker_the_way_or_both_are_cut(tmp_path: Path) -> None:
    with scene(tmp_path, "nats", config=P2P, module=AGENT) as alive:
        open_way(alive)
        faults = cuts(alive)
        run_pages(alive, EACH_WAY, lambda: next(faults), CUT_EVERY_S, rate=RATE)
        assert lost_and_doubled(alive, EACH_WAY) == ([], [])
        for name in STATIONS:
            over = came_over(alive.site, name)
            assert min(over["p2p"], over["mqtt"]) > 0, over


@pytest.mark.parametrize("weak", ["dedupe", "outbox"])
def test_the_test_above_notices_when_a_guarantee_is_taken_out(tmp_path: Path, weak: str) -> None:
    with scene(tmp_path, "nats", weak, config=P2P, module=AGENT) as alive:
        open_way(alive)
        faults, mend = cuts(alive), lambda: turn(alive.site, signal.SIGUSR2)
        assert caught(alive, weak, lambda: next(faults), mend, rate=RATE)
