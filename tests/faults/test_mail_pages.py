"""Pages between two agents as processes over mailboxes: alone, and beside the fast links."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.demo.site import until
from tests.faults.mail_site import MAILBOXES, environment, mail_scene
from tests.faults.test_kills import CONFIG, STATIONS, Scene
from tests.faults.test_p2p_pages import came_over, links
from tests.servers.mail import MailServers, mail_servers
from tests.servers.session_bus import Bus

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

P2P = CONFIG + "[link.p2p]\nenabled = true\n"


@pytest.fixture
def servers() -> Iterator[MailServers]:
    if missing := Bus.missing():
        pytest.skip(f"needs {', '.join(missing)}")
    with mail_servers(MAILBOXES) as started:
        yield started


def only_mail(alive: Scene, name: str) -> None:
    """Start a station again without its other links."""
    alive.site.kill(name)
    start_with_mail(alive, name)


def start_with_mail(alive: Scene, name: str) -> None:
    """Take a station's other links away, and start it."""
    file = alive.site.profile(name).config_file
    file.write_text(file.read_text() + "[link.mqtt]\nenabled = false\n")
    alive.site.start_station(name, environment(file.parent, name, alive.witnesses[name]))


def answered(alive: Scene) -> dict[str, object]:
    """Page west from east, and let west come; returns the page as east saw it last."""
    with alive.site.talk("east") as east, alive.site.talk("west") as west:
        for event in east.follow("page", to={"station": "west"}, note="east 0", wait=True):
            page: dict[str, object] = event["page"]
            (target,) = event["page"]["targets"]
            if target["state"] == "presented":
                west.request("answer", page=page["id"], answer="accepted")
    return {**page, "link": target["link"]}


def test_a_page_to_a_station_that_only_mail_reaches_is_presented_and_answered(
    tmp_path: Path, servers: MailServers
) -> None:
    with mail_scene(tmp_path, servers) as alive:
        only_mail(alive, "west")
        assert links(alive.site, "west") == {"mail": "up"}
        page = answered(alive)
        assert (page["state"], page["link"]) == ("accepted", "mail")
        assert alive.shown("east") == Counter({"east 0": 1})
        assert came_over(alive.site, "west")["mail"] >= 1


def test_a_station_that_only_mail_reaches_soon_has_the_orders_that_were_made_while_it_was_off(
    tmp_path: Path, servers: MailServers
) -> None:
    with mail_scene(tmp_path, servers) as alive:
        alive.site.kill("west")
        with alive.site.talk("east") as east:
            east.request("order.add", kind="order", fields={"title": "soup"})
            until(lambda: [order["pending"] for order in east.request("orders")] == [False], "it at the hub")
        start_with_mail(alive, "west")
        with alive.site.talk("west") as west:
            until(lambda: [order["title"] for order in west.request("orders")] == ["soup"], "it at west")
        assert came_over(alive.site, "west") == {}, "what each change is told with comes later"


def settled(alive: Scene) -> None:
    """Let one more page through: what came before it has been shown by then, or never will be."""
    with alive.site.talk("east") as east:
        east.request("page", to={"station": "west"}, note="east 1")
    until(lambda: alive.shown("east")["east 1"], "the page behind it")


@pytest.mark.parametrize("weak", ["", "dedupe"])
def test_the_same_page_over_all_three_links_rings_once(tmp_path: Path, servers: MailServers, weak: str) -> None:
    with mail_scene(tmp_path, servers, config=P2P, module="tests.faults.everywhere_agent", weak=weak) as alive:
        for name in STATIONS:
            until(lambda name=name: set(links(alive.site, name).values()) == {"up"}, f"three links of {name}")  # type: ignore[misc]
        with alive.site.talk("east") as east:
            east.request("p2p.ping", station="west")
            east.request("page", to={"station": "west"}, note="east 0")
        arrivals = tmp_path / "west.arrivals"
        arrivals.touch()  # the first may still be under way
        pages = {f"page.new {link}" for link in ("p2p", "mqtt", "mail")}
        until(lambda: pages <= set(arrivals.read_text().splitlines()), "the page over three links", within=60)
        if weak:
            until(lambda: alive.shown("east")["east 0"] > 1, "the page rings again without the guarantee")
        else:
            settled(alive)
            assert alive.shown("east") == Counter({"east 0": 1, "east 1": 1})
