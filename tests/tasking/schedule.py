"""What may happen to a site, as a list of deeds that chance or a search can write, and the site after all of them."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from agent.domain.task import Leaving, TaskAgain, TaskDropped
from agent.tasking.task import State
from agent.tasking.worker import Rules
from tests.tasking.checker import Wrong
from tests.tasking.node import ANY
from tests.tasking.site import Net, Site

NODES = ("ant", "bee", "office")
LARGE = 25_000
"""Bytes that travel in pieces."""
WAITS = (0.02, 0.3, 2.0, 9.0, 26.0, 70.0, 400.0)


class Deed(NamedTuple):
    """One thing that happens; `a` and `b` are small numbers that say to whom and how."""

    name: str
    a: int = 0
    b: int = 0


def _ask(site: Site, deed: Deed) -> None:
    if site.office.up and site.office.frozen is None:
        size = LARGE if deed.b % 6 == 0 else 1
        site.ask(data=bytes(size), once=deed.a % 2 == 0, life_ms=6 * 3_600_000)


def _kill(site: Site, deed: Deed) -> None:
    site.nodes[NODES[deed.a % 3]].kill()


def _kill_at(site: Site, deed: Deed) -> None:
    site.nodes[NODES[deed.a % 3]].die_at = (ANY, 1 + deed.b % 4)


def _start(site: Site, deed: Deed) -> None:
    node = site.nodes[NODES[deed.a % 3]]
    if not node.up:
        node.start()


def _cut(site: Site, deed: Deed) -> None:
    site.cut.add(NODES[deed.a % 3])


def _heal(site: Site, deed: Deed) -> None:
    site.cut.discard(NODES[deed.a % 3])


def _freeze(site: Site, deed: Deed) -> None:
    site.nodes[NODES[deed.a % 3]].freeze()


def _thaw(site: Site, deed: Deed) -> None:
    site.nodes[NODES[deed.a % 3]].thaw(asleep=deed.b % 2 == 0)


def _lose(site: Site, deed: Deed) -> None:
    site.net[NODES[deed.a % 3]].loss = (0.0, 0.3, 0.7)[deed.b % 3]


def _leave(site: Site, deed: Deed) -> None:
    site.nodes[NODES[deed.a % 2]].handle(Leaving())


def _drop(site: Site, deed: Deed) -> None:
    _person(site, deed, TaskDropped)


def _again(site: Site, deed: Deed) -> None:
    _person(site, deed, TaskAgain)


def _person(site: Site, deed: Deed, event: Callable[[str], object]) -> None:
    if site.office.up and site.tasks:
        ids = sorted(site.tasks)
        site.office.handle(event(ids[deed.b % len(ids)]))


DEEDS: Mapping[str, Callable[[Site, Deed], None]] = {
    "wait": lambda site, deed: site.run(WAITS[deed.a % len(WAITS)]),
    "ask": _ask,
    "kill": _kill,
    "kill at": _kill_at,
    "start": _start,
    "cut": _cut,
    "heal": _heal,
    "freeze": _freeze,
    "thaw": _thaw,
    "lose": _lose,
    "leave": _leave,
    "drop": _drop,
    "again": _again,
}
OFTEN = ("wait", "wait", "wait", "ask", "start", "heal", "thaw")


def play(deeds: Sequence[Deed], seed: int, *, mail: bool = False, fails: float = 0.1) -> Site:
    """Return the site after all of these and after everything has come to rest; raises Wrong."""
    net = Net(1.0, 60.0, 0.0, 0.2, "mail") if mail else Net(0.005, 0.3, 0.02, 0.2)
    rules = dict.fromkeys(("ant", "bee"), Rules(2, {"print": 2}))
    seconds = (1.0, 1500.0) if mail else (0.5, 60.0)
    site = Site(seed, rules, net, seconds, fails=fails, size=LARGE if seed % 5 == 0 else 40)
    site.ask(data=b"x", once=seed % 2 == 0, life_ms=6 * 3_600_000)
    for deed in deeds:
        DEEDS[deed.name](site, deed)
        site.checker.look()
    _rest(site)
    return site


def _rest(site: Site) -> None:
    """Everything works again; then all comes to an end."""
    site.cut.clear()
    for net in site.net.values():
        net.loss = 0.0
    for node in site.nodes.values():
        node.die_at = None
        node.thaw(asleep=False)
        if not node.up:
            node.start()
    site.run(2.0)
    site.until(lambda: all(task.ended or task.state is State.HELD for task in site.tasks.values()), 8 * 3600.0)
    site.run(300.0)
    site.checker.settled()


def by_chance(random: Random, length: int = 50) -> list[Deed]:
    """A list of deeds, most of them such that something goes on."""
    names = [*DEEDS, *OFTEN, *OFTEN]
    return [Deed(random.choice(names), random.randrange(12), random.randrange(12)) for _ in range(length)]


def first_wrong(seeds: range, *, mail: bool = False) -> str:
    """What is wrong with the first schedule by chance that finds something, or ""."""
    for seed in seeds:
        try:
            play(by_chance(Random(seed)), seed, mail=mail)
        except Wrong as wrong:
            return f"{wrong} (seed {seed})"
    return ""
