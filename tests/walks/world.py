"""A site in virtual time: a net that loses, doubles and reorders, between computers that crash."""

from collections.abc import Callable
from random import Random

from agent.domain.envelope import Envelope
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from tests.walks.members import NOW_MS, Members
from tests.walks.node import Node

STEP_S = 0.05
"""How long a message takes, and how close together two moments can be."""


class World:
    """The net and the clock. `random` decides every fault, so a seed is a whole story."""

    def __init__(self, members: Members, random: Random) -> None:
        self.members, self.random = members, random
        self.mono, self.loss, self.double, self.delay = 100.0, 0.0, 0.0, 0.0
        self.flying: list[tuple[str, Envelope, Parameters]] = []
        self.nodes: dict[str, Node] = {}
        for name in [HUB, *sorted(member.station for member in members.ledger.active())]:
            self.nodes[name] = Node(self, name)
        for node in self.nodes.values():
            node.up()

    @property
    def ms(self) -> int:
        return NOW_MS + round(self.mono * 1000)

    @property
    def stations(self) -> list[Node]:
        return [node for node in self.nodes.values() if not node.is_hub]

    def send(self, sender: Node, to: str, envelope: Envelope, params: Parameters) -> None:
        if not sender.online or self.random.random() < self.loss:
            return
        for _ in range(2 if self.random.random() < self.double else 1):
            self.flying.append((to, envelope, params))

    def deliver(self) -> None:
        """Bring what flies, in any order; some of it takes longer, and what finds nobody is lost."""
        landing, self.flying = self.flying, []
        if self.delay:
            self.random.shuffle(landing)
        for to, envelope, params in landing:
            node = self.nodes[to]
            if self.random.random() < self.delay:
                self.flying.append((to, envelope, params))
            elif node.online:
                node.receive(envelope, params)

    def advance(self, seconds: float) -> None:
        """Let time pass, from one moment at which something happens to the next."""
        until = self.mono + seconds
        while self.mono < until:
            upcoming = min(node.next_turn() for node in self.nodes.values())
            step = STEP_S if self.flying else max(STEP_S, upcoming - self.mono)
            self.mono = min(until, self.mono + step)
            self.deliver()
            for node in self.nodes.values():
                node.turn()

    def settle(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """Heal everything and let time pass, until all is quiet."""
        self.loss = self.double = self.delay = 0.0
        for node in self.nodes.values():
            node.crash_soon = False
            if not node.online:
                node.up()
        until = self.mono + seconds
        while self.mono < until and not done():
            self.advance(min(10.0, until - self.mono))
